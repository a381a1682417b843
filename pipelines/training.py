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
    """Put the pipeline together.

    Parameters
    ----------
    prepare
        Called with each step's name and task: `pipelines.cluster.for_cluster`, or nothing for a run here.
    run_id
        Names the run; on a cluster, KFP's own id.
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
            interactions: playlist_id,track_id pairs, from the same kinds of places; empty for none.
            channel: The pointer that is moved if the gate passes.
            promote: Move the pointer; false publishes the bundle and leaves it beside.
            reason: Recorded in the pointer.
            layout: Canonical names by your own, such as {"band": "artist_name"}, where yours are not known.
            max_rejected: Share of bad rows above which the catalogue is refused.
            rounds: Most trees of the popularity model; early stopping may leave fewer.
            learning_rate: LightGBM's learning rate.
            num_leaves: LightGBM's leaves a tree.
            max_train_rows: Training tracks are sampled down to this many.
            relevance_rounds: Trees of the relevance model, learned where there are playlists; 0 for none.
            max_queries: Training queries of the relevance model at most.
            trials: Trials of a search for the relevance model's parameters; 0 for no search.
            threads: LightGBM's threads; part of the result, so part of the digest.
            seed: Seed of sampling and training.
            recall_target: Share of the exact neighbours that the index must find.
            neighbours: Neighbours a query that the target is meant for, and candidates a request by default.
            max_seeds: Seeds that the evaluation judges at most.
            loss_allowed: Share of the leading figure that the default popularity_weight may cost.
            gate_tolerance: How far the leading figure may fall under the champion's, as a share of it.
            max_psi: Population stability index up to which a column counts as unmoved.
            min_row_ratio: Least number of tracks over the champion's.
            max_missing_rise: How much a column's share of missing values may rise.
            code_version: Other code does not take this code's cached steps; filled in by this program.
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
