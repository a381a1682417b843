"""A bundle of a few bytes: to a store, bytes are bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from segue.bundle.definition import FILES, Block, Booster, BundleDefinition, IndexSpec
from segue.bundle.publish import Published, publish
from segue.store.base import Store


def definition(profile: str = "profile") -> BundleDefinition:
    return BundleDefinition(
        catalog_profile=profile,
        tracks=3,
        features=["energy", "tempo"],
        ranking_columns=["energy", "tempo", "distance"],
        blocks=[Block(name="sound", start=0, width=2, weight=1.0)],
        boosters=[Booster(name="popularity", file="popularity.txt", columns=["energy"], trees=1)],
        index=IndexSpec(kind="flat", factory="Flat", recall_target=0.99, recall=1.0, neighbours=200),
        similarity_scale=1.5,
    )


def parts(folder: Path, label: str, *, size: int = 200) -> dict[str, Path]:
    """Files with contents of their own for each label and name, always the same."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for name in FILES:
        block = hashlib.sha256(f"{label}/{name}".encode()).digest()
        path = folder / f"{label}-{name}"
        path.write_bytes((block * (size // len(block) + 1))[:size])
        made[name] = path
    return made


def publish_tiny(
    store: Store | str, folder: Path, label: str, *, promote: bool = True, channel: str = "champion"
) -> Published:
    return publish(
        definition(label),
        parts(folder, label),
        store,
        run_id=f"run-{label}",
        by="tests",
        reason=f"published {label}",
        promote=promote,
        channel=channel,
    )
