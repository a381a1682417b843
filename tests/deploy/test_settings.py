"""Every variable and flag that the chart sets is one that the process reads, and holds what it takes."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from segue.settings import CacheSettings, S3Settings
from serving.settings import GatewaySettings, PredictorSettings, TransformerSettings
from tests.deploy.chart import ROOT, Manifest, arguments_of, environment_of, render
from tests.deploy.matrix import MATRIX

# A value for what comes from a secret, of the form that the secret's documentation asks for.
FROM_SECRET = {
    "SEGUE_S3_ENDPOINT": "minio:9000",
    "SEGUE_S3_SECURE": "false",
    "SEGUE_S3_ROLE": "false",
    "SEGUE_DATABASE_URL": "postgresql://segue:secret@postgresql/segue",
    "SEGUE_GATEWAY_KEY": "id.secret",
}
# Read when the pipeline is compiled, by the module named.
COMPILED = {
    "SEGUE_IMAGE": "components/__init__.py",
    "SEGUE_STEP_RESOURCES": "pipelines/resources.py",
    "SEGUE_STORE_SECRET": "pipelines/cluster.py",
    "SEGUE_TRACKING_SECRET": "pipelines/cluster.py",
}


def kinds_of(component: str) -> list[type[BaseSettings]]:
    if component == "ui":
        from serving.ui.settings import UISettings

        return [UISettings]
    store: list[type[BaseSettings]] = [S3Settings, CacheSettings]
    if component == "gateway":
        from segue.database.settings import DatabaseSettings
        from segue.log.settings import LogSettings

        return [GatewaySettings, DatabaseSettings, LogSettings, *store]
    return [{"predictor": PredictorSettings, "transformer": TransformerSettings}[component], *store]


def variables_of(kinds: list[type[BaseSettings]]) -> set[str]:
    return {
        f"{kind.model_config['env_prefix']}{name}".upper() for kind in kinds for name in kind.model_fields
    }


def main_container(component: str, values: dict[str, Any]) -> Manifest | None:
    found = [pod for name, pod in render(values).pods() if name.endswith(f"segue-{component}")]
    return found[0]["spec"]["containers"][0] if found else None


@pytest.mark.parametrize("component", ["predictor", "transformer", "gateway", "ui"])
@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_it_sets_what_the_process_reads(component: str, values: dict[str, Any]) -> None:
    container = main_container(component, values)
    if container is None:
        return
    kinds = kinds_of(component)
    known = variables_of(kinds)
    set_here = {name for name in environment_of(container) if name.startswith("SEGUE_")}
    assert set_here <= known
    fields = {name for kind in kinds for name in kind.model_fields}
    assert set(arguments_of(container)) <= fields


@pytest.mark.parametrize("component", ["predictor", "transformer", "gateway", "ui"])
@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_it_sets_what_the_process_takes(
    component: str, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    container = main_container(component, values)
    if container is None:
        return
    for name in [name for name in os.environ if name.startswith("SEGUE_")]:
        monkeypatch.delenv(name)
    for name, value in environment_of(container).items():
        monkeypatch.setenv(name, value if isinstance(value, str) else FROM_SECRET.get(name, "x"))
    flags = arguments_of(container)
    for kind in kinds_of(component):
        kind(**{name: value or True for name, value in flags.items() if name in kind.model_fields})


def test_it_tells_jobs_what_compiling_reads() -> None:
    container = next(pod for name, pod in render(MATRIX["trained"]).pods() if name.startswith("Job/"))
    set_here = {
        name for name in environment_of(container["spec"]["containers"][0]) if name.startswith("SEGUE_")
    }
    assert set_here <= variables_of([S3Settings, CacheSettings]) | set(COMPILED)
    for name, module in COMPILED.items():
        assert f'"{name}"' in (ROOT / module).read_text()


def test_it_has_a_room_for_every_setting_that_the_readme_shows() -> None:
    shown = re.findall(r"such as `(\w+): [^`]+`", (ROOT / "helm/segue/values.yaml").read_text())
    every = {
        name
        for c in ("predictor", "transformer", "gateway", "ui")
        for k in kinds_of(c)
        for name in k.model_fields
    }
    assert set(shown) - {"rounds"} <= every
    assert len(shown) >= 4


def test_it_probes_paths_that_the_processes_serve() -> None:
    gateway = render().pod("-gateway")["spec"]["containers"][0]
    source = Path(ROOT / "serving/gateway/routes/health.py").read_text()
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        assert f'"{gateway[probe]["httpGet"]["path"]}"' in source
