"""The training pipeline: a catalogue becomes a published, evaluated bundle."""

from collections.abc import Callable

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from components.build_index import build_index
from components.evaluate import evaluate
from components.ingest import ingest
from components.preprocess import preprocess
from components.publish import publish
from components.record_failure import record_failure
from components.train import train
from segue import __version__

__all__ = ["NAME", "STEPS", "training_pipeline"]

NAME = "segue-training"
STEPS = ("ingest", "preprocess", "train", "build_index", "evaluate", "publish")

Prepare = Callable[[str, dsl.PipelineTask], None]


def training_pipeline(prepare: Prepare, *, run_id: str = dsl.PIPELINE_JOB_ID_PLACEHOLDER) -> BaseComponent:
    """Make the pipeline, and call `prepare` with each step's name and task.

    That is `pipelines.cluster.for_cluster`, or a no-op for a local run, which also has a `run_id` of its own.
    """

    def prepared(name: str, task: dsl.PipelineTask) -> dsl.PipelineTask:
        prepare(name, task)
        return task

    @dsl.pipeline(name=NAME, description="A track catalogue becomes a published, evaluated bundle.")
    def segue_training(
        catalog: str,
        store: str,
        interactions: str = "",
        channel: str = "champion",
        promote: bool = True,
        reason: str = "training pipeline",
        layout: dict[str, str] = {},
        max_rejected: float = 0.2,
        rounds: int = 300,
        learning_rate: float = 0.08,
        num_leaves: int = 31,
        max_train_rows: int = 2_000_000,
        relevance_rounds: int = 60,
        max_queries: int = 3_000,
        trials: int = 0,
        threads: int = 2,
        seed: int = 7,
        recall_target: float = 0.99,
        neighbours: int = 200,
        max_seeds: int = 3000,
        loss_allowed: float = 0.05,
        gate_tolerance: float = 0.02,
        max_psi: float = 0.25,
        min_row_ratio: float = 0.8,
        max_missing_rise: float = 0.1,
        code_version: str = __version__,
    ) -> None:
        """Train, evaluate and publish a bundle.

        Args:
            catalog: CSV, CSV.gz, Parquet, folder or glob; a path, s3://, https:// or kaggle://owner/dataset.
            store: Where bundles go; a path, file:///path or s3://bucket/prefix.
            interactions: playlist_id,track_id pairs, from the same kinds of sources; empty for none.
            channel: The channel to point at the bundle if the gate passes.
            promote: Promote the bundle if the gate passes; false only publishes it.
            reason: Recorded in the channel.
            layout: Canonical column names by your own, such as {"band": "artist_name"}, for unknown ones.
            max_rejected: Share of bad rows above which the catalogue is refused.
            rounds: Maximum number of trees of the popularity model; early stopping may leave fewer.
            learning_rate: LightGBM's learning rate.
            num_leaves: LightGBM's leaves per tree.
            max_train_rows: Maximum number of training tracks, a random sample.
            relevance_rounds: Trees of the relevance model, trained if there are playlists; 0 for none.
            max_queries: Maximum number of training queries of the relevance model.
            trials: Trials of a search for the relevance model's parameters; 0 for no search.
            threads: LightGBM's threads; changes the models, and thus the digest.
            seed: Seed of sampling and training.
            recall_target: Share of the exact neighbours that the index must find.
            neighbours: Neighbours per query for the recall target, and default candidates per request.
            max_seeds: Maximum number of seeds of the evaluation.
            loss_allowed: Share of the leading metric that the default popularity_weight may cost.
            gate_tolerance: How far the leading metric may fall below the champion's, as a share of it.
            max_psi: Maximum population stability index of a column against the champion's catalogue.
            min_row_ratio: Minimum number of tracks, as a ratio to the champion's.
            max_missing_rise: How much a column's share of missing values may rise.
            code_version: Part of the cache key of steps; set by this program.
        """
        at_exit = prepared("record_failure", record_failure(store=store, run_id=run_id))
        with dsl.ExitHandler(at_exit, name="training"):
            tracks = prepared(
                "ingest",
                ingest(catalog=catalog, interactions=interactions, layout=layout, max_rejected=max_rejected),
            ).outputs["tracks"]
            features = prepared("preprocess", preprocess(tracks=tracks, code_version=code_version)).outputs[
                "features"
            ]
            model = prepared(
                "train",
                train(
                    features=features,
                    code_version=code_version,
                    rounds=rounds,
                    learning_rate=learning_rate,
                    num_leaves=num_leaves,
                    max_train_rows=max_train_rows,
                    relevance_rounds=relevance_rounds,
                    candidates=neighbours,
                    max_queries=max_queries,
                    trials=trials,
                    threads=threads,
                    seed=seed,
                ),
            ).outputs["model"]
            index = prepared(
                "build_index",
                build_index(
                    model=model,
                    features=features,
                    code_version=code_version,
                    recall_target=recall_target,
                    neighbours=neighbours,
                ),
            ).outputs["index"]
            parts = {"tracks": tracks, "features": features, "model": model, "index": index}
            evaluation = prepared(
                "evaluate",
                evaluate(
                    **parts,
                    store=store,
                    channel=channel,
                    neighbours=neighbours,
                    max_seeds=max_seeds,
                    loss_allowed=loss_allowed,
                    gate_tolerance=gate_tolerance,
                    max_psi=max_psi,
                    min_row_ratio=min_row_ratio,
                    max_missing_rise=max_missing_rise,
                ),
            ).outputs["evaluation"]
            prepared(
                "publish",
                publish(
                    **parts,
                    evaluation=evaluation,
                    store=store,
                    channel=channel,
                    run_id=run_id,
                    promote=promote,
                    reason=reason,
                ),
            )

    return segue_training
