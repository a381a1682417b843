"""Evaluate the new bundle, compare it with the champion, and decide by the gate."""

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
    """Evaluate the lists, the popularity model and the index, and compare them with the champion's.

    Args:
        tracks: Folder of ingest.
        features: Folder of preprocess.
        model: Folder of train.
        index: Folder of build_index.
        store: Store of the champion.
        channel: The channel that points at it.
        neighbours: Candidates per seed.
        max_seeds: Maximum number of seeds.
        loss_allowed: Share of the leading metric that the default popularity_weight may cost.
        gate_tolerance: How far the leading metric may fall below the champion's, as a share of it.
        max_psi: Maximum population stability index of a column against the champion's catalogue.
        min_row_ratio: Minimum number of tracks, as a ratio to the champion's.
        max_missing_rise: How much a column's share of missing values may rise.
        evaluation: Folder with metrics, verdict, defaults and the report.
        report: The report in HTML.
        metrics: The metrics.
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
