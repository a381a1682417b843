"""Resource requests and limits of the steps: the defaults and their overrides."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from segue.errors import SettingsError

__all__ = ["DEFAULTS", "VARIABLE", "Resources", "StepResources", "quantity", "step_resources"]

VARIABLE = "SEGUE_STEP_RESOURCES"
_OPTION = "--resource"

_SCALES = {"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")}
_SCALES |= {suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)}
_SCALES |= {f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)}
_QUANTITY = re.compile(r"(\d+\.?\d*|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2}|)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Requests and limits of a step's container, as Kubernetes quantities.

    Attributes
    ----------
    cpu_request, memory_request
        Capacity that a node must have free.
    cpu_limit
        None: the step may use all idle CPU.
    memory_limit
        A step that uses more is killed.
    """

    cpu_request: str = "500m"
    memory_request: str
    cpu_limit: str | None = None
    memory_limit: str


StepResources = Mapping[str, Resources]

# Steps request half a core, so that they fit on a node of two cores beside other pods. At 1.16 million tracks
# every step peaks below 2.5 GiB of memory; the limits allow for ten times as many tracks.
DEFAULTS: StepResources = {
    "ingest": Resources(memory_request="2Gi", memory_limit="4Gi"),
    "preprocess": Resources(memory_request="3Gi", memory_limit="8Gi"),
    "train": Resources(memory_request="3Gi", memory_limit="12Gi"),
    "build_index": Resources(memory_request="3Gi", memory_limit="12Gi"),
    "evaluate": Resources(memory_request="3Gi", memory_limit="12Gi"),
    "publish": Resources(memory_request="2Gi", memory_limit="8Gi"),
    "record_failure": Resources(cpu_request="100m", memory_request="512Mi", memory_limit="1Gi"),
}

_FIELDS = {
    "requests.cpu": "cpu_request",
    "requests.memory": "memory_request",
    "limits.cpu": "cpu_limit",
    "limits.memory": "memory_limit",
}


def step_resources(options: Sequence[str] = ()) -> StepResources:
    """Resources of each step: the defaults, overridden by the environment, then by the options.

    Parameters
    ----------
    options
        Such as ``train.requests.cpu=2``; the last one wins.

    Raises
    ------
    SettingsError
        There is no such step or resource, an amount is invalid, or a request is above its limit.

    Examples
    --------
    >>> step_resources(["train.requests.cpu=2"])["train"].cpu_request
    '2'
    """
    steps = dict(DEFAULTS)
    changed: dict[tuple[str, str], str] = {}
    for source, overrides in ((VARIABLE, _variable()), *((_OPTION, _option(text)) for text in options)):
        for step, name, amount in _leaves(source, overrides):
            steps[step] = replace(steps[step], **{_FIELDS[name]: amount})
            changed[step, name.partition(".")[2]] = source
    for (step, resource), source in changed.items():
        _check_limit(source, step, resource, steps[step])
    return steps


def quantity(text: str) -> Decimal:
    """Parse a Kubernetes quantity.

    Raises
    ------
    ValueError
        Not a quantity.

    Examples
    --------
    >>> quantity("1500m")
    Decimal('1.500')
    """
    found = _QUANTITY.fullmatch(text)
    if not found:
        raise ValueError(f"expected a quantity such as 500m, 2 or 3Gi, got {text!r}")
    number, suffix = found.groups()
    return Decimal(number) * _SCALES[suffix] if suffix in _SCALES else Decimal(text)


def _variable() -> Any:
    text = os.environ.get(VARIABLE) or "{}"
    try:
        return json.loads(text)
    except ValueError:
        raise SettingsError(f"{VARIABLE}: expected a JSON object, got {text!r}") from None


def _option(text: str) -> dict[str, Any]:
    path, equals, amount = text.partition("=")
    parts = path.split(".")
    if not equals or len(parts) != 3:
        raise SettingsError(f"{_OPTION} {text}: expected STEP.requests.cpu=VALUE, or limits, or memory")
    step, bound, resource = parts
    return {step: {bound: {resource: amount}}}


def _leaves(source: str, overrides: Any) -> Iterator[tuple[str, str, str]]:
    """Step, name such as ``limits.cpu``, and amount of each override."""
    for step, bounds in _object(source, overrides).items():
        _check_known(f"{source} {step}", step, DEFAULTS, kind="step ")
        for bound, amounts in _object(f"{source} {step}", bounds).items():
            for resource, amount in _object(f"{source} {step}.{bound}", amounts).items():
                name = f"{bound}.{resource}"
                where = f"{source} {step}.{name}"
                _check_known(where, name, _FIELDS)
                # Helm renders a removed value as null
                if amount is not None:
                    yield step, name, _amount(where, amount)


def _object(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"{where}: expected a JSON object, got {value!r}")
    return value


def _check_known(where: str, name: str, known: Mapping[str, object], *, kind: str = "") -> None:
    if name not in known:
        raise SettingsError(f"{where}: there is no {kind}{name}; there are {', '.join(known)}")


def _check_limit(source: str, step: str, resource: str, resources: Resources) -> None:
    request, limit = (getattr(resources, f"{resource}_{bound}") for bound in ("request", "limit"))
    if limit is not None and quantity(request) > quantity(limit):
        raise SettingsError(
            f"{source}: {step}.requests.{resource} is {request}, more than {step}.limits.{resource}, "
            f"{limit}: raise the limit, or ask for less"
        )


def _amount(where: str, amount: Any) -> str:
    text = str(amount)
    try:
        quantity(text)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from None
    return text
