"""Build the cheapest FAISS index that meets the recall target."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def build_index(
    model: dsl.Input[dsl.Model],
    features: dsl.Input[dsl.Dataset],
    code_version: str,
    recall_target: float,
    neighbours: int,
    index: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
) -> None:
    """Choose and build the index over the embedding.

    Args:
        model: Folder of train.
        features: Folder of preprocess, whose split defines the held-out queries.
        code_version: Part of the cache key.
        recall_target: Share of the exact neighbours that a search must find.
        neighbours: Neighbours per query.
        index: Folder with the index and the measured curve.
        metrics: Recall of the chosen index.
        summary: The curve.
    """
    from pathlib import Path

    from segue import journal, steps

    with journal.step("build_index") as log:
        folders = (Path(folder.path) for folder in (model, features, index))
        settings = {"recall_target": recall_target, "neighbours": neighbours}
        result = steps.build_index(*folders, settings=settings, log=log)
        result.report(log, metrics, summary)
