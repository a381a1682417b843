"""compose.yaml as Compose reads it where no variable is set, and the rules that its services keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.deploy.chart import ROOT

Service = dict[str, Any]

TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
_VARIABLE = re.compile(r"\$\{(\w+):?-([^}]*)\}")
# A value here would be a secret in plain sight; the path of a file is none.
_SECRET_NAMES = re.compile(r"(KEY|PASSWORD|SECRET|TOKEN|CREDENTIALS?|DATABASE_URL)(_ID)?(_+FILE)?$")


def load(text: str = TEXT) -> dict[str, Any]:
    """The file with the default of each variable in its place."""
    loaded: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(r"\2", text))
    return loaded


def variables() -> dict[str, str]:
    """Variables that the file takes from the environment, and their defaults."""
    return dict(_VARIABLE.findall(TEXT))


COMPOSE = load()
SERVICES: dict[str, Service] = COMPOSE["services"]


def waits_for(service: Service) -> dict[str, str]:
    """The services that a service waits for, and for what of them."""
    return {name: each["condition"] for name, each in service.get("depends_on", {}).items()}


def mounts(service: Service) -> dict[str, tuple[str, bool]]:
    """Where a volume or a file of the checkout is mounted, and whether for reading alone."""
    parts = [volume.split(":") for volume in service.get("volumes", [])]
    return {source: (target, rest == ["ro"]) for source, target, *rest in parts}


def runs_to_its_end(service: Service) -> bool:
    return service["restart"] == "no"


def problems(name: str, service: Service) -> list[str]:
    """What a service does that it must not, a line each."""
    checks = (_of_rights, _of_reach, _of_running)
    return [f"{name}: {problem}" for check in checks for problem in check(service)]


def _of_rights(service: Service) -> Iterator[str]:
    user = service.get("user", "")
    as_root = user.startswith("0:")
    # root is for what nobody can reach
    if not re.fullmatch(r"\d+:\d+", user) or (as_root and service.get("network_mode") != "none"):
        yield "runs as root, or may"
    if not service.get("read_only"):
        yield "may write to its root"
    if service.get("cap_drop") != ["ALL"] or (service.get("cap_add") and not as_root):
        yield "has capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may gain privileges"
    yield from (f"{key} is on" for key in ("privileged", "pid", "ipc", "devices") if key in service)


def _of_reach(service: Service) -> Iterator[str]:
    for source, (_, reads) in mounts(service).items():
        if source.startswith(("/", "~", "..")):
            yield f"reads {source} of the machine"
        if source.startswith(".") and not reads:
            yield f"may write to {source} of the checkout"
    for variable, value in service.get("environment", {}).items():
        if _SECRET_NAMES.search(variable) and not str(value).startswith("/run/secrets/"):
            yield f"{variable} is a secret in plain sight"
    for port in service.get("ports", []):
        if not port.startswith("127.0.0.1:"):
            yield f"{port} is open to the network"


def _of_running(service: Service) -> Iterator[str]:
    if not isinstance(service.get("cpus"), int | float) or service["cpus"] > 2:
        yield "no CPU limit, or one that a small machine can't give"
    yield from (f"no {key}" for key in ("mem_limit", "pids_limit") if key not in service)
    for folder in service.get("tmpfs", []):
        if ":size=" not in folder:
            yield f"{folder} has no limit"
    if "max-size" not in service.get("logging", {}).get("options", {}):
        yield "its log has no limit"
    if ("healthcheck" in service) == runs_to_its_end(service):
        yield "no health check"
    name, _, tag = service["image"].rpartition("/")[2].partition(":")
    if not name.startswith("segue-") and not re.search(r"\d+[.-]\d+", tag):
        yield f"image {service['image']} is not pinned"
