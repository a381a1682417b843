"""*Quality*: diversity, coverage and popularity of the lists, and feedback on them."""

from __future__ import annotations

from scripts.dashboards.layout import Board, Panel, Row

__all__ = ["QUALITY"]


def _mean(name: str) -> str:
    total, count = (f"sum by (release) (rate({name}_{part}{{$S}}[5m]))" for part in ("sum", "count"))
    return f"{total} / ({count} > 0)"


QUALITY = Board(
    name="quality",
    title="Quality",
    description="What the lists are like, and what listeners do with them.",
    rows=[
        Row(
            "Lists",
            [
                Panel(
                    title="List diversity",
                    description="Mean distance of two tracks of a list; 1 is that of two random tracks.",
                    queries=[(_mean("segue_list_diversity"), "{{release}}")],
                ),
                Panel(
                    title="Coverage",
                    description="Share of the catalogue in the last 2,000 lists of each gateway pod.",
                    queries=[("segue_list_coverage_ratio{$S}", "{{release}} {{pod}}")],
                    unit="percentunit",
                ),
                Panel(
                    title="Popularity lift",
                    description="Mean popularity of lists over that of their seeds; 1 is as popular.",
                    queries=[
                        (
                            "sum by (release) (rate(segue_list_popularity_sum{$S}[5m])) / "
                            "(sum by (release) (rate(segue_seed_popularity_sum{$S}[5m])) > 0)",
                            "{{release}}",
                        )
                    ],
                ),
                Panel(
                    title="Genre precision",
                    description="Share of a list's tracks whose genre is a seed's, where both have one.",
                    queries=[(_mean("segue_list_genre_precision"), "{{release}}")],
                    unit="percentunit",
                    top=1,
                ),
                Panel(
                    title="Empty lists",
                    description="Share of lists that hold nothing: filters that no track passes.",
                    queries=[("segue:empty:ratio5m{$S}", "{{release}}")],
                    unit="percentunit",
                    alert="SegueEmptyLists",
                ),
                Panel(
                    title="Live recall",
                    description="Share of the exact neighbours that the index finds for sampled requests.",
                    queries=[("segue:live_recall{$S}", "{{release}}")],
                    unit="percentunit",
                    top=1,
                    alert="SegueLiveRecall",
                ),
            ],
        ),
        Row(
            "Feedback",
            [
                Panel(
                    title="Feedback rate by popularity",
                    description="Plays, clicks and likes a shown track, by band of its popularity.",
                    queries=[
                        (
                            'sum by (band) (rate(segue_feedback_total{$S, event=~"play|click|like"}[5m])) / '
                            "(sum by (band) (rate(segue_shown_total{$S}[5m])) > 0)",
                            "popularity {{band}}",
                        )
                    ],
                    unit="percentunit",
                    width=12,
                ),
                Panel(
                    title="Feedback",
                    description="Events a second by kind.",
                    queries=[("sum by (event) (rate(segue_feedback_total{$S}[5m]))", "{{event}}")],
                    unit="reqps",
                    width=12,
                ),
            ],
        ),
    ],
)
