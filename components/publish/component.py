"""Publish the bundle, and point the channel at it if the gate passed."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def publish(
    tracks: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    index: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    store: str,
    channel: str,
    run_id: str,
    promote: bool,
    reason: str,
    published: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
) -> None:
    """Publish the bundle to the store, promote it if the gate passed, and record the run in MLflow.

    Args:
        tracks: Folder of ingest.
        features: Folder of preprocess.
        model: Folder of train.
        index: Folder of build_index.
        evaluation: Folder of evaluate.
        store: A path, file:///path or s3://bucket/prefix.
        channel: The channel to point at the bundle.
        run_id: Identifies this run among the bundle's evaluations.
        promote: Promote the bundle if the gate passed.
        reason: Recorded in the channel.
        published: What was published, and what happened to the channel, as JSON.
        metrics: Size of the bundle.
        summary: The same as a table.
    """
    from pathlib import Path

    from segue import journal, steps

    folders = steps.Folders(*(Path(folder.path) for folder in (tracks, features, model, index)))
    target = steps.Target(store=store, channel=channel, run_id=run_id, promote=promote, reason=reason)
    with journal.step("publish") as log:
        result = steps.publish(folders, Path(evaluation.path), Path(published.path), target=target, log=log)
        result.report(log, metrics, summary)
