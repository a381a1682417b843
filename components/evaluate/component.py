"""Measure the bundle to be, set it beside the champion, and let the gate decide."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    tracks: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    index: dsl.Input[dsl.Model],
    store: str,
    channel: str,
    neighbours: int,
    max_seeds: int,
    loss_allowed: float,
    gate_tolerance: float,
    max_psi: float,
    min_row_ratio: float,
    max_missing_rise: float,
    evaluation: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
) -> None:
    """Judge the lists, the popularity model and the index; compare with the champion.

    Args:
        tracks: Folder of ingest.
        features: Folder of preprocess.
        model: Folder of train.
        index: Folder of build_index.
        store: Where the champion lies.
        channel: The channel that points at it.
        neighbours: Candidates a seed.
        max_seeds: Seeds judged at most.
        loss_allowed: Share of the leading figure that the default popularity_weight may cost.
        gate_tolerance: How far the leading figure may fall under the champion's, as a share of it.
        max_psi: Population stability index up to which a column counts as unmoved.
        min_row_ratio: Least number of tracks over the champion's.
        max_missing_rise: How much a column's share of missing values may rise.
        evaluation: Folder with metrics, verdict, defaults and the report.
        report: The report, a page.
        metrics: The leading figures.
        summary: The gate's verdict.
    """
    from pathlib import Path

    from segue import journal, steps

    folders = steps.Folders(*(Path(folder.path) for folder in (tracks, features, model, index)))
    gate = {"gate_tolerance": gate_tolerance, "max_psi": max_psi}
    gate |= {"min_row_ratio": min_row_ratio, "max_missing_rise": max_missing_rise}
    settings = {"neighbours": neighbours, "max_seeds": max_seeds, "loss_allowed": loss_allowed, "gate": gate}
    with journal.step("evaluate") as log:
        out, page = Path(evaluation.path), Path(report.path)
        result = steps.evaluate(
            folders, out, page=page, store=store, channel=channel, settings=settings, log=log
        )
        result.report(log, metrics, summary)
