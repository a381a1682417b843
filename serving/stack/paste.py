"""Lines for another terminal, which a person pastes as they are."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

__all__ = ["to_paste"]


def to_paste(variables: Mapping[str, str], track_id: str) -> str:
    """The variables that the manual's commands use, a request by curl, and one on the command line."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    body = shlex.quote(json.dumps({"seeds": [{"track_id": track_id}], "k": 5}))
    lines = (
        "source .venv/bin/activate",
        *exports,
        f'curl -s -H "Authorization: Bearer $SEGUE_KEY" "$SEGUE_URL/api/recommendations" -d {body}',
        f"segue recommend --seed {shlex.quote(track_id)} -k 5",
    )
    shown = "".join(f"    {line}\n" for line in lines)
    return f"  To paste into another terminal; the key is shown this once, and may change models:\n\n{shown}"
