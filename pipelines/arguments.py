"""Settings of a run: ``--set key=value``, parsed by the types that the pipeline declares."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import segue
from pipelines.training import training_pipeline
from segue.errors import SettingsError

__all__ = ["code_version", "declared", "parse_settings"]

_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")

# Parameters with their own command-line options.
_OPTIONS = ("catalog", "interactions", "store")


def declared() -> dict[str, tuple[str, Any]]:
    """KFP type and default of each setting, in the order of the pipeline's parameters."""
    inputs = training_pipeline(lambda _name, _task: None).component_spec.inputs or {}
    return {name: (spec.type, spec.default) for name, spec in inputs.items()}


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Parse ``key=value`` pairs.

    Raises
    ------
    SettingsError
        A text is not a pair, the pipeline has no such setting, or its value is of the wrong type.
    """
    known = declared()
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise SettingsError(f"--set {pair}: expected key=value")
        if name in _OPTIONS:
            raise SettingsError(f"--set {name}: it has an option of its own, --{name}")
        if name not in known:
            raise SettingsError(f"--set {name}: there is no such setting{_hint(name, known)}")
        settings[name] = _read(name, text, known[name][0])
    return settings


def code_version() -> str:
    """Version and a hash of the package's source, so that KFP's cache is invalidated by any change."""
    root = Path(segue.__file__).parent
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        total.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return f"{segue.__version__}+{total.hexdigest()[:12]}"


def _hint(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"


def _read(name: str, text: str, kind: str) -> Any:
    readers: dict[str, tuple[Callable[[str], Any], str]] = {
        "Integer": (lambda value: int(value.replace("_", "").replace(",", "")), "a whole number"),
        "Float": (float, "a number"),
        "Boolean": (_boolean, "true or false"),
        "Dict": (_mapping, "a JSON object"),
    }
    if (plain := kind.partition("[")[0]) not in readers:
        return text
    reader, expected = readers[plain]
    try:
        return reader(text.strip())
    except ValueError:
        raise SettingsError(f"--set {name}: expected {expected}, got {text!r}") from None


def _boolean(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError
    return text.lower() in _TRUE


def _mapping(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError
    return value
