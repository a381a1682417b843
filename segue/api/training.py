"""Train a bundle in this process: the pipeline's steps, one after the other."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from segue import steps
from segue.api.hints import near
from segue.api.model import Model
from segue.bundle.reader import open_bundle
from segue.errors import SettingsError
from segue.journal import Journal

__all__ = ["train"]

StrPath = str | PathLike[str]


def train(
    catalog: StrPath,
    interactions: StrPath = "",
    *,
    store: StrPath = ".segue/store",
    channel: str = "champion",
    layout: Mapping[str, str] | None = None,
    report: StrPath | None = None,
    progress: Callable[[str], object] | None = print,
    **settings: Any,
) -> Model:
    """Train, evaluate and publish a bundle, as ``python -m pipelines run`` does.

    The same data and settings give the same bundle, to the byte.

    Parameters
    ----------
    catalog, interactions
        Tracks, and playlists if there are any: CSV, CSV.gz, Parquet, a folder or glob; a path, ``s3://``,
        ``https://``, ``kaggle://owner/dataset``, or ``sample://20000`` and ``sample://20000/playlists``.
    store, channel
        Where the bundle is published, and the channel that points at it if the gate passes.
    layout
        Canonical column names by the catalogue's own, for columns whose names are not known.
    report
        Where a copy of the evaluation's report, an HTML page, is written.
    progress
        Receives the result of each step, in one line; None: nobody.
    **settings
        Settings of a run, as ``--set`` takes them, such as ``rounds=100`` or ``promote=False``.

    Returns
    -------
    The new bundle, also where the gate refused it.

    Raises
    ------
    SettingsError
        There is no such setting, or its value is not allowed.
    CatalogError, InteractionsError, TrainingError, RecallError, StoreError
        A step failed; the channel is unchanged.

    Examples
    --------
    >>> model = segue.train("tracks.csv", "playlists.csv")  # doctest: +SKIP
    """
    parts = _parts(settings)
    say = progress or (lambda _: None)
    with tempfile.TemporaryDirectory(prefix="segue-train-") as work:
        folder = Path(work)
        folders = steps.Folders(*(folder / name for name in ("tracks", "features", "model", "index")))
        target = steps.Target(store=fspath(store), channel=channel, run_id=_run_id(), **parts["target"])
        evaluated, published = folder / "evaluation", folder / "published.json"
        page = folder / "report.html"

        def run(name: str, step: Callable[[Journal], steps.StepResult]) -> None:
            say(f"{name}: {step(Journal(name)).line}")

        run(
            "ingest",
            lambda log: steps.ingest(
                fspath(catalog),
                folders.tracks,
                interactions=fspath(interactions),
                layout=layout,
                log=log,
                **parts["ingest"],
            ),
        )
        run("preprocess", lambda log: steps.preprocess(folders.tracks, folders.features, log=log))
        run(
            "train",
            lambda log: steps.train(folders.features, folders.model, settings=parts["train"], log=log),
        )
        run(
            "build_index",
            lambda log: steps.build_index(
                folders.model, folders.features, folders.index, settings=parts["index"], log=log
            ),
        )
        run(
            "evaluate",
            lambda log: steps.evaluate(
                folders,
                evaluated,
                page=page,
                store=target.store,
                channel=channel,
                settings=parts["evaluation"],
                log=log,
            ),
        )
        run("publish", lambda log: steps.publish(folders, evaluated, published, target=target, log=log))
        if report is not None:
            Path(report).write_bytes(page.read_bytes())
        url = orjson.loads(published.read_bytes())["url"]
    return Model(open_bundle(url), threads=parts["train"].get("threads", 2))


def _parts(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings of each step."""
    from segue.evaluate.gate import GateSettings
    from segue.evaluate.settings import EvaluationSettings
    from segue.index.settings import IndexSettings
    from segue.ranking.settings import TrainSettings

    fields = {
        "ingest": {"max_rejected"},
        "train": _fields(TrainSettings),
        "index": _fields(IndexSettings),
        # a run's seed is the training's: evaluations are compared, so theirs stays
        "evaluation": _fields(EvaluationSettings) - {"gate", "seed"},
        "gate": _fields(GateSettings),
        "target": {"promote", "reason"},
    }
    known = set().union(*fields.values())
    for name in settings:
        if name not in known:
            raise SettingsError(f"{name}: there is no such setting{near(name, known)}")
    steps.check_settings(settings)
    parts = {
        part: {name: value for name, value in settings.items() if name in names}
        for part, names in fields.items()
    }
    if "neighbours" in settings:
        parts["train"].setdefault("candidates", settings["neighbours"])
    parts["evaluation"]["gate"] = parts.pop("gate")
    return parts


def _fields(kind: type[BaseModel]) -> set[str]:
    return set(kind.model_fields)


def _run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
