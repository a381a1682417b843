"""compose.yaml is what Compose takes, keeps the rules, and fits the processes and files that there are."""

from __future__ import annotations

import copy
import json
import os
import re
import runpy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from segue.settings import CacheSettings, S3Settings, TrackingSettings
from tests.conftest import require
from tests.deploy.chart import ROOT, environment_of, render
from tests.deploy.compose import (
    COMPOSE,
    SERVICES,
    Service,
    mounts,
    problems,
    runs_to_its_end,
    variables,
    waits_for,
)
from tests.deploy.matrix import MATRIX
from tests.deploy.test_settings import kinds_of, variables_of

SPECIFICATION = "github.com/compose-spec/compose-go/v2@v2.16.2"
PREPARE = ROOT / "compose/prepare.py"
PREPARED: dict[str, Any] = runpy.run_path(str(PREPARE))
OURS = ("predictor", "transformer", "gateway", "ui")
PROMETHEUS = yaml.safe_load((ROOT / "compose/prometheus.yml").read_text(encoding="utf-8"))


def breached(name: str, breach: Callable[[Service], Any]) -> list[str]:
    service = copy.deepcopy(SERVICES[name])
    breach(service)
    return problems(name, service)


def ports_of(component: str) -> set[int]:
    """Ports that one of our processes listens on by default."""
    fields = kinds_of(component)[0].model_fields
    return {fields[name].default for name in ("http_port", "grpc_port") if name in fields}


def listens(service: str, port: int) -> bool:
    if service in OURS:
        return port in ports_of(service)
    return port in {"minio": (9000, 9001), "mlflow": (5000,), "prometheus": (9090,), "grafana": (3000,)}.get(
        service, ()
    )


def networks(service: str) -> set[str]:
    return set(SERVICES[service].get("networks", []))


@pytest.mark.live
def test_it_is_what_the_compose_specification_takes_and_a_typo_not() -> None:
    require(shutil.which("go") is not None, "go", "https://go.dev/dl; it fetches the schema")
    found = subprocess.run(["go", "mod", "download", "-json", SPECIFICATION], capture_output=True, check=True)
    schema = json.loads((Path(json.loads(found.stdout)["Dir"]) / "schema/compose-spec.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(COMPOSE)] == []
    wrong = copy.deepcopy(COMPOSE)
    wrong["services"]["gateway"]["helthcheck"] = {}
    assert any("helthcheck" in error.message for error in validator.iter_errors(wrong))


@pytest.mark.live
def test_it_is_what_docker_compose_reads(tmp_path: Path) -> None:
    require(shutil.which("docker-compose") is not None, "docker-compose", "apt-get install docker-compose")

    def read(file: Path) -> subprocess.CompletedProcess[str]:
        command = ["docker-compose", "--file", str(file), "--project-directory", str(ROOT), "config"]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("SEGUE_")}
        return subprocess.run(command, env=clean, capture_output=True, text=True, check=False)

    done = read(ROOT / "compose.yaml")
    # a variable without a default, for example, is a warning
    assert (done.returncode, done.stderr) == (0, "")
    services = yaml.safe_load(done.stdout)["services"]
    assert set(services) >= set(SERVICES) - {"segue"}
    assert services["gateway"]["environment"] == SERVICES["gateway"]["environment"]
    assert services["train"]["command"][1:] == [
        "--catalog=sample://20000",
        "--interactions=sample://20000/playlists",
    ]
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((ROOT / "compose.yaml").read_text().replace("    healthcheck:", "    helthcheck:", 1))
    refused = read(wrong)
    assert refused.returncode != 0
    assert "helthcheck" in refused.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_it_has_no_service_that_breaks_a_rule(name: str) -> None:
    assert problems(name, SERVICES[name]) == []


BREACHES: dict[str, tuple[Callable[[Service], Any], str]] = {
    "root": (lambda service: service.update(user="0:0"), "runs as root"),
    "the image's user": (lambda service: service.pop("user"), "runs as root"),
    "writable root": (lambda service: service.pop("read_only"), "may write to its root"),
    "capability": (lambda service: service.update(cap_add=["NET_ADMIN"]), "has capabilities"),
    "privileges": (lambda service: service.update(security_opt=[]), "may gain privileges"),
    "privileged": (lambda service: service.update(privileged=True), "privileged is on"),
    "docker's socket": (
        lambda service: service["volumes"].append("/var/run/docker.sock:/var/run/docker.sock"),
        "of the machine",
    ),
    "writable checkout": (lambda service: service["volumes"].append("./segue:/srv"), "of the checkout"),
    "secret": (lambda service: service["environment"].update(SEGUE_S3_SECRET_KEY="hunter2"), "plain sight"),
    "open port": (lambda service: service.update(ports=["8000:8000"]), "open to the network"),
    "no CPU limit": (lambda service: service.pop("cpus"), "no CPU limit"),
    "more CPUs than a laptop's": (lambda service: service.update(cpus=8), "no CPU limit"),
    "no memory limit": (lambda service: service.pop("mem_limit"), "no mem_limit"),
    "boundless scratch": (lambda service: service.update(tmpfs=["/tmp"]), "has no limit"),
    "boundless log": (lambda service: service.pop("logging"), "its log has no limit"),
    "no health check": (lambda service: service.pop("healthcheck"), "no health check"),
    "latest": (lambda service: service.update(image="docker.io/prom/prometheus:latest"), "not pinned"),
    "no tag": (lambda service: service.update(image="registry:5000/postgres"), "not pinned"),
}


@pytest.mark.parametrize(("breach", "told"), BREACHES.values(), ids=BREACHES)
def test_it_finds_a_breach(breach: Callable[[Service], Any], told: str) -> None:
    assert any(told in problem for problem in breached("gateway", breach))


def test_it_lets_root_give_volumes_away_and_nothing_else() -> None:
    as_root = {name for name, service in SERVICES.items() if service["user"].startswith("0:")}
    assert as_root == {"prepare"}
    assert SERVICES["prepare"]["cap_add"] == ["CHOWN"]
    assert any("runs as root" in line for line in breached("prepare", lambda s: s.pop("network_mode")))


def test_it_waits_until_what_it_needs_has_ended_or_is_healthy() -> None:
    for name, service in SERVICES.items():
        for other, condition in waits_for(service).items():
            ended = runs_to_its_end(SERVICES[other])
            expected = "service_completed_successfully" if ended else "service_healthy"
            assert condition == expected, f"{name} waits for {other}"
        assert name == "prepare" or waits_for(service), f"{name} does not wait for its secrets"


def test_it_reads_secrets_from_volumes_that_are_filled_before_it_starts() -> None:
    drawn = {name for name in COMPOSE["volumes"] if name.startswith("secrets-")}
    assert drawn <= set(mounts(SERVICES["prepare"]))
    for name, service in SERVICES.items():
        held = {source: mount for source, mount in mounts(service).items() if source in drawn}
        for source, (target, reads) in held.items():
            assert target == f"/run/secrets/{source.removeprefix('secrets-')}"
            assert reads is (name != "prepare"), f"{name} may write to {source}"
        # who is in the group 10001 reads them
        assert (
            not held
            or "10001" in (service["user"].partition(":")[2], *service.get("group_add", ["0"]))
            or (name == "prepare")
        )
        for value in service.get("environment", {}).values():
            if str(value).startswith("/run/secrets/"):
                assert Path(value).parts[3] in {source.removeprefix("secrets-") for source in held}


def test_it_gives_a_secret_to_nobody_who_does_not_need_it() -> None:
    readers = {
        volume: {name for name, service in SERVICES.items() if volume in mounts(service)} - {"prepare"}
        for volume in COMPOSE["volumes"]
        if volume.startswith("secrets-")
    }
    assert readers == {
        "secrets-store": {"minio", "mlflow", "train", "predictor", "transformer", "gateway", "segue"},
        "secrets-database": {"postgresql", "migrate", "page-key", "gateway", "segue"},
        "secrets-page": {"page-key", "ui"},
        "secrets-grafana": {"grafana"},
    }


def test_it_draws_secrets_once_and_for_their_readers_alone(tmp_path: Path) -> None:
    from segue.keys.adopt import is_credential

    drawn = PREPARED["draw"](tmp_path)
    values = {name: (tmp_path / name).read_text() for name in drawn}
    assert sorted(values) == sorted(
        str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()
    )
    assert is_credential(values["page/SEGUE_KEY_CREDENTIAL"])
    assert values["page/SEGUE_GATEWAY_KEY"] == values["page/SEGUE_KEY_CREDENTIAL"]
    assert values["database/SEGUE_DATABASE_URL"] == (
        f"postgresql://segue:{values['database/password']}@postgresql:5432/segue"
    )
    assert f"aws_secret_access_key = {values['store/SEGUE_S3_SECRET_KEY']}\n" in values["store/aws"]
    # MinIO takes no shorter ones
    assert len(values["store/SEGUE_S3_ACCESS_KEY"]) >= 3
    assert len(values["store/SEGUE_S3_SECRET_KEY"]) >= 8
    for path in tmp_path.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o750 if path.is_dir() else 0o440), path

    assert PREPARED["draw"](tmp_path) == []
    assert {name: (tmp_path / name).read_text() for name in drawn} == values
    (tmp_path / "grafana/password").unlink()
    assert PREPARED["draw"](tmp_path) == ["grafana/password"]
    assert (tmp_path / "grafana/password").read_text() != values["grafana/password"]


def test_it_draws_every_file_that_a_service_is_told_to_read(tmp_path: Path) -> None:
    drawn = {f"/run/secrets/{name}" for name in PREPARED["draw"](tmp_path)}
    told = {
        str(value)
        for service in SERVICES.values()
        for value in service.get("environment", {}).values()
        if str(value).startswith("/run/secrets/")
    }
    assert len(told) >= 5
    assert told <= drawn


def test_it_draws_others_the_next_time_and_prints_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PREPARED["main"].__globals__, "give", lambda *_: None)
    seen = []
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        PREPARED["main"](tmp_path / run, tmp_path)
        seen.append({path.read_text() for path in (tmp_path / run).rglob("*") if path.is_file()})
    assert not seen[0] & seen[1]
    told = capsys.readouterr().out
    assert told.count("drew store/SEGUE_S3_ACCESS_KEY, ") == 2
    assert not any(value in told for value in seen[0] | seen[1])


def test_it_gives_each_volume_to_the_user_who_writes_to_it() -> None:
    writers: dict[str, set[str]] = {}
    for name, service in SERVICES.items():
        for source, (_, reads) in mounts(service).items():
            if source in COMPOSE["volumes"] and not reads and name != "prepare":
                writers.setdefault(source, set()).add(service["user"])
    owners = {name: {f"{user}:{group}"} for name, (user, group) in PREPARED["OWNERS"].items()}
    assert writers == owners
    held = {target for _, (target, _) in mounts(SERVICES["prepare"]).items()}
    assert {f"/volumes/{name}" for name in owners} <= held
    # every volume is somebody's
    assert set(COMPOSE["volumes"]) == set(owners) | {v for v in COMPOSE["volumes"] if "secrets-" in v}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_it_gives_a_volume_away_once(tmp_path: Path) -> None:
    for _ in range(2):
        PREPARED["give"](tmp_path, (10001, 472))
        found = tmp_path.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (10001, 472, 0o750)


def with_secrets(folder: Path, *command: str) -> str:
    script = ["sh", str(ROOT / "compose/with_secrets.sh"), *command]
    environment = {"PATH": os.environ["PATH"], "SEGUE_SECRETS": str(folder)}
    return subprocess.run(script, env=environment, capture_output=True, text=True, check=True).stdout


def test_it_runs_a_program_with_its_secrets_as_variables(tmp_path: Path) -> None:
    PREPARED["draw"](tmp_path)
    password = (tmp_path / "database/password").read_text()
    shown = with_secrets(tmp_path, "printenv")
    assert f"SEGUE_DATABASE_URL=postgresql://segue:{password}@" in shown
    assert {"SEGUE_S3_ACCESS_KEY", "SEGUE_S3_SECRET_KEY", "SEGUE_GATEWAY_KEY"} <= {
        line.partition("=")[0] for line in shown.splitlines()
    }
    # files that are no variables
    assert "\npassword=" not in shown
    assert "aws_access_key_id" not in shown
    assert with_secrets(tmp_path / "none", "printf", "%s", "two words") == "two words"


def test_it_builds_every_image_of_its_own_from_its_dockerfile_on_the_usual_base() -> None:
    built = {
        service["image"]: service["build"]
        for service in SERVICES.values()
        if service.get("build") is not None
    }
    files = [*ROOT.glob("serving/*/Dockerfile"), ROOT / "components/Dockerfile"]
    assert {build["dockerfile"] for build in built.values()} == {
        str(path.relative_to(ROOT)) for path in files
    }
    for image, build in built.items():
        folder = Path(build["dockerfile"]).parent.name
        assert image == f"segue-{'pipeline' if folder == 'components' else folder}:local"
        assert f"\nARG BASE={build['args']['BASE']}\n" in (ROOT / build["dockerfile"]).read_text()
    used = {service["image"] for service in SERVICES.values() if service["image"].startswith("segue-")}
    assert used == set(built)


def test_it_runs_the_store_and_the_database_that_the_chart_runs() -> None:
    evaluation = yaml.safe_load((ROOT / "helm/segue/values.yaml").read_text())["evaluation"]
    for name in ("minio", "postgresql"):
        assert SERVICES[name]["image"] == evaluation[name]["image"]


def test_it_starts_mlflow_as_the_chart_does() -> None:
    (container,) = (
        pod["spec"]["containers"][0]
        for name, pod in render(MATRIX["evaluation"]).pods()
        if name == "StatefulSet/segue-mlflow"
    )

    def names(words: list[str]) -> set[str]:
        return {word.partition("=")[0] for word in words}

    assert SERVICES["mlflow"]["entrypoint"] == container["command"]
    assert names(SERVICES["mlflow"]["command"]) == names(container["args"])
    assert (
        "MLFLOW_S3_ENDPOINT_URL"
        in environment_of(container).keys() & SERVICES["mlflow"]["environment"].keys()
    )


@pytest.mark.parametrize("name", OURS)
def test_it_sets_what_the_process_reads_and_takes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = kinds_of(name)
    PREPARED["draw"](tmp_path)
    secrets = {
        path.name: path.read_text()
        for source in mounts(SERVICES[name])
        if source.startswith("secrets-")
        for path in (tmp_path / source.removeprefix("secrets-")).glob("[A-Z]*")
    }
    given = {**SERVICES[name]["environment"], **secrets}
    # of the page's two files one is for `segue keys adopt`
    assert set(given) - {"SEGUE_KEY_CREDENTIAL"} <= variables_of(kinds)
    assert secrets
    for variable in [variable for variable in os.environ if variable.startswith("SEGUE_")]:
        monkeypatch.delenv(variable)
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    settings = [kind() for kind in kinds]
    if name == "gateway":
        assert (settings[0].transformer_url, settings[0].auth) == ("http://transformer:8080", "on")  # type: ignore[attr-defined]


def test_it_tells_training_and_the_command_line_what_they_read() -> None:
    from segue.database.settings import DatabaseSettings
    from segue.log.settings import LogSettings

    store = [S3Settings, CacheSettings]
    assert set(SERVICES["train"]["environment"]) <= variables_of([*store, TrackingSettings])
    assert set(SERVICES["segue"]["environment"]) <= variables_of([*store, DatabaseSettings, LogSettings])


def test_it_starts_commands_that_there_are() -> None:
    from pipelines.__main__ import app as pipelines
    from segue.cli import build_app

    def options(app: Any, *words: str) -> set[str]:
        done = CliRunner().invoke(app, [*words, "--help"])
        assert done.exit_code == 0, done.output
        return set(re.findall(r"--[\w-]+", done.output))

    train = [*SERVICES["train"]["entrypoint"], *SERVICES["train"]["command"]]
    assert train[2:6] == ["python", "-m", "pipelines", "run"]
    assert {word.partition("=")[0] for word in train[6:]} <= options(pipelines, "run")
    for name in ("migrate", "page-key"):
        program, *words = SERVICES[name]["command"]
        plain = [word for word in words if not word.startswith("-")]
        assert program == "segue"
        given = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert given <= options(build_app(plain[0]), *plain)
    for name in OURS:
        assert SERVICES[name]["command"] == ["python", "-m", f"serving.{name}"]


def test_it_trains_into_the_store_that_is_served() -> None:
    (store,) = (w.partition("=")[2] for w in SERVICES["train"]["entrypoint"] if w.startswith("--store="))
    for name in ("predictor", "transformer", "gateway"):
        assert SERVICES[name]["environment"]["SEGUE_BUNDLE"] == f"{store}/channels/champion"
    assert f"mkdir -p /data/{store.split('/')[2]}\n" in SERVICES["minio"]["command"][0]
    assert "--first" in SERVICES["train"]["command"]


def test_it_asks_services_at_ports_that_they_listen_on_and_by_a_network_that_both_are_in() -> None:
    asked = []
    for name, service in SERVICES.items():
        for value in map(str, service.get("environment", {}).values()):
            asked += [(name, *found) for found in re.findall(r"^(?:http://)?([a-z]+):(\d+)$", value)]
    source = yaml.safe_load((ROOT / "compose/grafana/datasources.yml").read_text())["datasources"][0]
    asked += [("grafana", *found) for found in re.findall(r"^http://(\w+):(\d+)$", source["url"])]
    asked += [
        ("prometheus", *target.split(":"))
        for job in PROMETHEUS["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    ]
    assert len(asked) >= 10
    for name, other, port in asked:
        assert listens(other, int(port)), f"{name} asks {other} at {port}"
        assert networks(name) & networks(other), f"{name} can't reach {other}"


def test_it_publishes_ports_that_are_listened_on_each_once() -> None:
    published = {
        name: [port.split(":")[1:] for port in service["ports"]]
        for name, service in SERVICES.items()
        if "ports" in service
    }
    assert set(published) == {"ui", "gateway", "mlflow", "minio", "prometheus", "grafana"}
    outside = [outer for ports in published.values() for outer, _ in ports]
    assert len(set(outside)) == len(outside)
    for name, ports in published.items():
        assert all(listens(name, int(inner)) for _, inner in ports)


def test_it_probes_the_process_itself_where_it_listens() -> None:
    for name, service in SERVICES.items():
        if name != "postgresql" and "healthcheck" in service:
            (port,) = re.findall(r"http://127\.0\.0\.1:(\d+)/", " ".join(service["healthcheck"]["test"]))
            assert listens(name, int(port))
    for name in ("predictor", "transformer"):
        assert "/v2/models/segue/ready" in SERVICES[name]["healthcheck"]["test"][-1]


def test_it_keeps_apart_what_need_not_meet() -> None:
    def reached(name: str) -> set[str]:
        return {other for other in SERVICES if other != name and networks(other) & networks(name)}

    assert reached("ui") == {"gateway"}
    assert reached("postgresql") == {"migrate", "page-key", "gateway", "segue"}
    assert "minio" not in reached("prometheus") | reached("grafana")
    assert COMPOSE["networks"]["database"] == {"internal": True}
    used = {network for name in SERVICES for network in networks(name)}
    assert used == set(COMPOSE["networks"])


def test_it_watches_each_process_under_the_labels_that_rules_and_dashboards_ask_for() -> None:
    on = render({"monitoring": {"enabled": True}})
    labels = {"namespace", "pod"}  # by the operator itself
    for monitor in [*on.of("PodMonitor"), *on.of("ServiceMonitor")]:
        ends = monitor["spec"].get("podMetricsEndpoints") or monitor["spec"]["endpoints"]
        labels |= {relabel["targetLabel"] for end in ends for relabel in end["relabelings"]}
    watched = {}
    for job in PROMETHEUS["scrape_configs"]:
        for group in job["static_configs"]:
            assert set(group["labels"]) == labels
            assert "metrics_path" not in job
            watched[group["labels"]["component"]] = group["targets"]
    assert set(watched) == {"predictor", "transformer", "gateway"}
    for component, targets in watched.items():
        (port,) = (int(target.removeprefix(f"{component}:")) for target in targets)
        assert port == kinds_of(component)[0].model_fields["http_port"].default


def test_it_shows_the_dashboards_and_rules_of_the_checkout() -> None:
    provider = yaml.safe_load((ROOT / "compose/grafana/dashboards.yml").read_text())["providers"][0]
    grafana = mounts(SERVICES["grafana"])
    assert grafana["./dashboards"] == (provider["options"]["path"], True)
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / "dashboards" / home.relative_to(provider["options"]["path"])).is_file()
    assert len(list((ROOT / "dashboards").rglob("*.json"))) == 4
    rules, _ = mounts(SERVICES["prometheus"])["./dashboards/rules"]
    assert PROMETHEUS["rule_files"] == [f"{rules}/*.yaml"]
    assert {path.suffix for path in (ROOT / "dashboards/rules").iterdir()} == {".yaml"}


def test_it_mounts_files_that_there_are() -> None:
    files = {source for service in SERVICES.values() for source in mounts(service) if source.startswith("./")}
    assert all((ROOT / path).exists() for path in files)
    unused = {
        str(p.relative_to(ROOT)) for p in (ROOT / "compose").rglob("*.*") if "__pycache__" not in p.parts
    }
    assert unused == {path.removeprefix("./") for path in files if path.startswith("./compose/")}


@pytest.mark.live
def test_it_has_a_configuration_that_prometheus_takes(tmp_path: Path) -> None:
    require(shutil.which("promtool") is not None, "promtool", "apt-get install prometheus")
    here = {**PROMETHEUS, "rule_files": [str(ROOT / "dashboards/rules/*.yaml")]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(here))
    command = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 rule files found" in done.stdout


def test_it_has_a_page_that_tells_every_variable_port_and_command() -> None:
    page = (ROOT / "docs/COMPOSE.md").read_text(encoding="utf-8")
    for name, default in variables().items():
        assert re.search(rf"^\| `{name}` \| (`{re.escape(default)}`|empty) \|", page, re.MULTILINE), name
    told = set(re.findall(r"^\| `(SEGUE_\w+)` \|", page, re.MULTILINE))
    assert told == set(variables())
    for service in SERVICES.values():
        for port in service.get("ports", []):
            assert f"http://localhost:{port.split(':')[1]}" in page
    for command in re.findall(r"docker compose (?:run --rm|exec) ([^#`\n]*)", page):
        named = re.sub(r'^(?:-T |-v "[^"]*" )+', "", command).split()[0]
        assert named in SERVICES, command
    for path in re.findall(r"/run/secrets/([\w/]+)", page):
        assert f'"{path}"' in PREPARE.read_text(), path
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page):
        assert (ROOT / "docs" / target).exists(), target
