"""Write the dashboards: ``python -m scripts.dashboards``."""

from __future__ import annotations

from pathlib import Path

from scripts.dashboards.drift import DRIFT
from scripts.dashboards.layout import to_json
from scripts.dashboards.quality import QUALITY
from scripts.dashboards.serving import SERVING
from scripts.dashboards.training import TRAINING

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"


def generated_files() -> dict[Path, str]:
    """Path and content of each dashboard's file."""
    return {FOLDER / f"{board.name}.json": to_json(board) for board in (SERVING, DRIFT, QUALITY, TRAINING)}


if __name__ == "__main__":
    for path, text in generated_files().items():
        path.write_text(text, encoding="utf-8")
