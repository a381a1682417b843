"""Turn tracks into features, a fitted transform and a split."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def preprocess(
    tracks: dsl.Input[dsl.Dataset],
    code_version: str,
    features: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
) -> None:
    """De-duplicate, group recordings, split by artist, fit the transform.

    Args:
        tracks: Folder of ingest.
        code_version: Part of the cache key.
        features: Folder with tracks, features, transform, split and playlists.
        metrics: Tracks, artists, recordings.
        summary: The same as a table.
    """
    from pathlib import Path

    from segue import journal, steps

    with journal.step("preprocess") as log:
        steps.preprocess(Path(tracks.path), Path(features.path), log=log).report(log, metrics, summary)
