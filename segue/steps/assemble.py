"""Collecting the parts of a bundle from the folders of the steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from segue.bundle.definition import Booster, BundleDefinition, IndexSpec, RequestDefaults
from segue.errors import BundleError
from segue.features.transform import FeatureTransform

__all__ = ["collect"]

_SEED = 7
_PAIRS = 20_000


def collect(
    *,
    preprocessed: Path,
    trained: Path,
    indexed: Path,
    catalog_profile: str,
    defaults: RequestDefaults | None = None,
) -> tuple[BundleDefinition, dict[str, Path]]:
    """Make a bundle's definition, still without the digests of its files, and find the files.

    `catalog_profile` is the sha256 of the catalogue's profile.

    Returns
    -------
    The definition, and the path of each file by its name in the bundle.

    Raises
    ------
    BundleError
        A file is missing in a step's folder.
    """
    parts = {
        "tracks.parquet": preprocessed / "tracks.parquet",
        "features.npy": preprocessed / "features.npy",
        "embedding.npy": trained / "embedding.npy",
        "transform.json": trained / "transform.json",
        "popularity.txt": trained / "popularity.txt",
        "index.faiss": indexed / "index.faiss",
    }
    for name, path in parts.items():
        if not path.is_file():
            raise BundleError(f"{name} is missing: the step that makes it has not finished")
    transform = FeatureTransform.model_validate_json(parts["transform.json"].read_bytes())
    embedding = np.load(parts["embedding.npy"], mmap_mode="r")
    index = orjson.loads((indexed / "index.json").read_bytes())["index"]
    training = orjson.loads((trained / "training.json").read_bytes())
    names = list(transform.features)
    boosters = [
        Booster(
            name="popularity", file="popularity.txt", columns=training["columns"], trees=training["trees"]
        )
    ]
    if (trained / "relevance.txt").is_file():
        parts["relevance.txt"] = trained / "relevance.txt"
        columns = training["relevance_columns"]
        boosters.append(
            Booster(
                name="relevance", file="relevance.txt", columns=columns, trees=training["relevance_trees"]
            )
        )
        names += [column for column in columns if column not in names]
    definition = BundleDefinition(
        catalog_profile=catalog_profile,
        tracks=len(embedding),
        features=list(transform.features),
        ranking_columns=names,
        blocks=transform.blocks,
        boosters=boosters,
        index=IndexSpec.model_validate(index),
        similarity_scale=_similarity_scale(embedding),
        defaults=defaults or RequestDefaults(),
    )
    return definition, parts


def _similarity_scale(embedding: npt.NDArray[np.float32]) -> float:
    """Median distance between random tracks; two tracks this far apart are no more alike than random ones."""
    random = np.random.default_rng(_SEED)
    left, right = random.integers(0, len(embedding), (2, _PAIRS))
    median = float(np.median(np.linalg.norm(embedding[left] - embedding[right], axis=1)))
    return round(median, 6) or 1.0
