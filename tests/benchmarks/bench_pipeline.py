"""The training steps against the bare library calls with the same parameters, on the same file.

``python -m tests.benchmarks.bench_pipeline [ROWS]``
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from segue.catalog.columns import SOUND
from tests.benchmarks.measure import CACHE, Bound, Step, in_own_process, report

ROWS = 1_160_000
ROUNDS = 300
COLUMNS = (*SOUND, "time_signature", "year")


def sample(rows: int) -> Path:
    """Folder with the sample catalogue of this size; made once."""
    from segue.sample import generate

    folder = CACHE / f"sample-{rows}"
    if not (folder / "catalog.csv").exists():
        generate(rows, folder)
    return folder


def bare(catalog: Path, out: Path, preprocessed: Path, factory: str) -> dict[str, float]:
    """What the work costs at the least: the libraries called with the same parameters, nothing checked."""
    import faiss
    import lightgbm as lgb
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.parquet as pq

    from segue.index.build import build
    from segue.ranking.train import TrainSettings, booster_parameters

    took: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        result = work()
        took[name] = time.perf_counter() - begun
        return result

    out.mkdir(parents=True, exist_ok=True)
    text = {name: pa.string() for name in COLUMNS}
    # as strings, because the file has broken rows that a typed read stops at
    options = pyarrow.csv.ConvertOptions(column_types={**text, "popularity": pa.string()})
    parsing = pyarrow.csv.ParseOptions(invalid_row_handler=lambda row: "skip", newlines_in_values=True)
    table = timed(
        "read", lambda: pyarrow.csv.read_csv(catalog, convert_options=options, parse_options=parsing)
    )

    def number(name: str) -> Any:
        good = pc.match_substring_regex(table[name], r"^-?[0-9.]+(e-?[0-9]+)?$")
        return pc.cast(pc.if_else(good, table[name], None), pa.float32()).to_numpy()

    def transform() -> tuple[Any, Any, Any]:
        features = np.column_stack([number(name) for name in COLUMNS])
        genre = pc.dictionary_encode(table["genre"]).combine_chunks().indices.to_numpy(zero_copy_only=False)
        features = np.column_stack((features, genre.astype(np.float32)))
        mean, scale = np.nanmean(features, axis=0), np.nanstd(features, axis=0)
        embedding = np.nan_to_num((features - mean) / scale).astype(np.float32)
        # as many dimensions as ours has, so that the indexes compare
        width = np.load(preprocessed.parent / "trained" / "embedding.npy", mmap_mode="r").shape[1]
        return features, np.resize(embedding.T, (width, len(embedding))).T.copy(), number("popularity")

    features, embedding, popularity = timed("transform", transform)
    # LightGBM and FAISS get what ours get, so that the ratio is about what lies around them
    features = np.load(preprocessed / "features.npy")
    popularity = pq.read_table(preprocessed / "tracks.parquet", columns=["popularity"])[
        "popularity"
    ].to_numpy()
    rows = np.flatnonzero((np.load(preprocessed / "split.npy") == 0) & np.isfinite(popularity))
    unseen = np.flatnonzero((np.load(preprocessed / "split.npy") == 1) & np.isfinite(popularity))
    embedding = np.load(preprocessed.parent / "trained" / "embedding.npy")
    parameters = booster_parameters(TrainSettings(rounds=ROUNDS))

    def learn() -> Any:
        last = [features.shape[1] - 1]
        data = lgb.Dataset(features[rows], popularity[rows], categorical_feature=last, params=parameters)
        valid = data.create_valid(features[unseen], popularity[unseen], params=parameters)
        return lgb.train(parameters, data, ROUNDS, valid_sets=[valid])

    timed("lightgbm", learn).save_model(str(out / "popularity.txt"))
    index = timed("faiss", lambda: build(embedding, factory))
    faiss.write_index(index, str(out / "index.faiss"))
    timed("parquet", lambda: pq.write_table(table, out / "tracks.parquet", compression="zstd"))
    return took


def _ingest(catalog: Path, out: Path) -> int:
    from segue.catalog.ingest import ingest

    return ingest(str(catalog), out).rows_kept


def _preprocess(ingested: Path, out: Path) -> int:
    from segue.features.preprocess import preprocess

    return preprocess(ingested, out).tracks


def _train(preprocessed: Path, out: Path) -> int:
    from segue.ranking.train import TrainSettings, train

    return train(preprocessed, out, settings=TrainSettings(rounds=ROUNDS, early_stopping=0)).trees


def _index(trained: Path, preprocessed: Path, out: Path) -> dict[str, Any]:
    import numpy as np

    from segue.index.build import build, build_index

    begun = time.perf_counter()
    spec = build_index(trained, preprocessed, out)
    whole = time.perf_counter() - begun
    embedding = np.load(trained / "embedding.npy")
    begun = time.perf_counter()
    build(embedding, spec.factory)
    alone = time.perf_counter() - begun
    return {"spec": spec.model_dump(), "build": alone, "tuning": whole - alone}


def measure_steps(rows: int) -> tuple[dict[str, Step], Path]:
    """Run ingest to build_index, each in a process of its own."""
    data = sample(rows)
    work = CACHE / f"steps-{rows}"
    shutil.rmtree(work, ignore_errors=True)
    ingested, preprocessed, trained = (work / name for name in ("ingested", "preprocessed", "trained"))
    arrow = ("pyarrow.csv", "pyarrow.parquet", "pyarrow.compute", "numpy")
    steps = {
        "ingest": in_own_process(
            _ingest,
            imports=(*arrow, "segue.catalog.ingest"),
            catalog=data / "catalog.csv",
            out=ingested,
        )
    }
    steps["preprocess"] = in_own_process(
        _preprocess, imports=(*arrow, "segue.features.preprocess"), ingested=ingested, out=preprocessed
    )
    steps["train"] = in_own_process(
        _train, imports=(*arrow, "segue.ranking.train"), preprocessed=preprocessed, out=trained
    )
    steps["build_index"] = in_own_process(
        _index,
        imports=(*arrow, "segue.index.build"),
        trained=trained,
        preprocessed=preprocessed,
        out=work / "indexed",
    )
    return steps, work


def main(rows: int = ROWS) -> bool:
    """Measure, print, write JSON; False where a promise is missed."""
    steps, work = measure_steps(rows)
    index = steps["build_index"].result
    baseline = in_own_process(
        bare,
        imports=("pyarrow.csv", "pyarrow.parquet", "faiss", "lightgbm"),
        catalog=CACHE / f"sample-{rows}" / "catalog.csv",
        out=work / "bare",
        preprocessed=work / "preprocessed",
        factory=index["spec"]["factory"],
    )
    ours = {name: step.seconds for name, step in steps.items()}
    ours["build_index"] = index["build"]
    bare_total = sum(baseline.result.values())
    for name, step in steps.items():
        print(
            f"  {name:<12} {ours[name]:7.1f} s   imports {step.import_seconds:4.1f} s   "
            f"peak {step.peak_mib:6.0f} MiB"
        )
    print(f"  index tuning {index['tuning']:7.1f} s, counted apart ({index['spec']['factory']})")
    print("  bare: " + ", ".join(f"{name} {took:.1f} s" for name, took in baseline.result.items()))
    return report(
        "pipeline",
        [
            Bound("ingest..build_index / bare library calls", sum(ours.values()) / bare_total, 1.35),
            Bound("largest peak memory, MiB", max(step.peak_mib for step in steps.values()), 2560),
        ],
        {"rows": rows, "ours": ours, "bare": baseline.result, "index": index},
    )


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS) else 1)
