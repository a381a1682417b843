"""Kubernetes' own schemas, and those of the custom resources, with unknown fields forbidden."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate

from tests.conftest import SHARED
from tests.deploy.chart import Manifest, pods_of

SCHEMAS = SHARED / "schemas"
# The oldest that Chart.yaml allows whose schema has all that the chart uses, and the newest.
KUBERNETES = ("1.30", "1.34")

CUSTOM = ("serving.kserve.io", "monitoring.coreos.com", "keda.sh", "gateway.networking.k8s.io")

logging.getLogger("kubernetes_validate").setLevel(logging.ERROR)


def problems(manifests: Iterable[Manifest], *, custom: bool = True) -> list[str]:
    """What an API server would refuse, a line a problem: `Kind/name path: what`."""
    found = []
    for manifest in manifests:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        if group_of(manifest) in CUSTOM:
            found += [f"{name} {problem}" for problem in _custom(manifest)] if custom else []
            pods = [pod for _, pod in pods_of(manifest)]
        else:
            pods = [manifest]
        found += [f"{name} {problem}" for pod in pods for problem in _core(pod)]
    return found


def group_of(manifest: Manifest) -> str:
    """API group, without the version."""
    return str(manifest["apiVersion"]).rpartition("/")[0]


def _core(manifest: Manifest) -> list[str]:
    found = []
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"{'.'.join(str(part) for part in error.path)}: {error.message} ({version})")
    return found


def _custom(manifest: Manifest) -> list[str]:
    group, _, version = manifest["apiVersion"].partition("/")
    path = SCHEMAS / f"{manifest['kind'].lower()}-{group}-{version}.json"
    return [
        f"{error.json_path.removeprefix('$.')}: {error.message}"
        for error in _validator(path).iter_errors(manifest)
    ]


@functools.cache
def _validator(path: Path) -> jsonschema.Draft7Validator:
    schema = json.loads(path.read_text(encoding="utf-8"))
    # metadata is checked by the API server, not by the custom resource's schema
    schema.setdefault("properties", {})["metadata"] = {"type": "object"}
    return jsonschema.Draft7Validator(_closed(schema))


def _closed(schema: Any) -> Any:
    """The schema as an API server reads it with field validation strict."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if "properties" in closed and not closed.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    if closed.get("x-kubernetes-int-or-string"):
        closed["type"] = ["integer", "string"]
    return closed
