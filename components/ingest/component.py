"""Read a catalogue into canonical Parquet."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest(
    catalog: str,
    interactions: str,
    layout: dict[str, str],
    max_rejected: float,
    tracks: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
) -> None:
    """Read a catalogue, and playlists if given, into canonical Parquet.

    Args:
        catalog: CSV, CSV.gz, Parquet, folder or glob; a path, s3://, https:// or kaggle://owner/dataset.
        interactions: playlist_id,track_id pairs, from the same kinds of sources; empty for none.
        layout: Canonical column names by your own, such as {"band": "artist_name"}, for unknown ones.
        max_rejected: Share of bad rows above which the catalogue is refused.
        tracks: Folder with tracks, rejected rows, playlists and the profile.
        metrics: Rows read, kept and rejected.
        summary: The profile as tables.
    """
    from pathlib import Path

    from segue import journal, steps

    with journal.step("ingest") as log:
        result = steps.ingest(
            catalog,
            Path(tracks.path),
            interactions=interactions,
            layout=layout,
            max_rejected=max_rejected,
            log=log,
        )
        result.report(log, metrics, summary)
