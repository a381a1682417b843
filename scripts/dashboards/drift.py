"""*Drift*: have requests changed since last week, and do lists look as in the evaluation?"""

from __future__ import annotations

from scripts.dashboards.layout import Board, Panel, Row

__all__ = ["DRIFT"]

_FEATURE = 'feature=~"$feature"'


def _distribution(
    title: str, description: str, query: str, *, alert: str, legend: str = "{{bin}}", width: int = 8
) -> Panel:
    """Shares of bins as bars."""
    return Panel(
        title=title,
        description=description,
        queries=[(query, legend)],
        unit="percentunit",
        kind="bars",
        width=width,
        alert=alert,
    )


DRIFT = Board(
    name="drift",
    title="Drift",
    description="What listeners ask for against the week before, and what they get against the evaluation.",
    variables=[("feature", "segue:query_psi{$S}", "feature")],
    rows=[
        Row(
            "Queries",
            [
                Panel(
                    title="Query drift by feature",
                    description="PSI of the last hour's seeds against the week before; an alert above 0.2.",
                    queries=[("max by (feature) (segue:query_psi{$S})", "{{feature}}")],
                    width=16,
                    alert="SegueQueryDrift",
                ),
                Panel(
                    title="Rows of the last hour",
                    description="Seeds counted; below 500 nobody is alerted, since PSI is large by chance.",
                    queries=[("max by (release) (segue:query_rows:increase1h{$S})", "{{release}}")],
                    alert="SegueQueryDrift",
                ),
                _distribution(
                    "Query distribution: last hour",
                    "Share of each bin of the chosen feature in the last hour.",
                    f"segue:query_bin:share1h{{$S, {_FEATURE}}}",
                    legend="{{feature}} {{bin}}",
                    width=12,
                    alert="SegueQueryDrift",
                ),
                _distribution(
                    "Query distribution: week before",
                    "Share of the same bins in the week before: compare line by line.",
                    f"segue:query_bin:expected{{$S, {_FEATURE}}}",
                    legend="{{feature}} {{bin}}",
                    width=12,
                    alert="SegueQueryDrift",
                ),
                Panel(
                    title="Unknown seeds",
                    description="Seeds a second that the catalogue lacks: callers with ids of another one.",
                    queries=[("sum by (release) (rate(segue_unknown_seeds_total{$S}[5m]))", "{{release}}")],
                    unit="reqps",
                    alert="SegueQueryDrift",
                ),
                Panel(
                    title="Catalogue drift",
                    description="PSI of the newest run's catalogue; above 0.25 the gate refuses it.",
                    queries=[("segue:catalog_psi{$S}", "{{column}}")],
                    kind="bars",
                    width=16,
                    alert="SegueCatalogDrift",
                ),
            ],
        ),
        Row(
            "Outputs",
            [
                Panel(
                    title="Output drift",
                    description="PSI of what whole lists show against the evaluation's lists.",
                    queries=[("max by (feature) (segue:output_psi{$S})", "{{feature}}")],
                    alert="SegueOutputDrift",
                ),
                _distribution(
                    "Scores: last hour",
                    "Share of each bin of the score in whole lists.",
                    'segue:output_bin:share1h{$S, feature="output:score"}',
                    alert="SegueOutputDrift",
                ),
                _distribution(
                    "Scores: evaluation",
                    "The same bins in the evaluation's lists.",
                    'segue:output_bin:expected{$S, feature="output:score"}',
                    alert="SegueOutputDrift",
                ),
                _distribution(
                    "Distances: last hour",
                    "Share of each bin of similarity, which falls with the distance.",
                    'segue:output_bin:share1h{$S, feature="output:similarity"}',
                    width=12,
                    alert="SegueOutputDrift",
                ),
                _distribution(
                    "Distances: evaluation",
                    "The same bins in the evaluation's lists.",
                    'segue:output_bin:expected{$S, feature="output:similarity"}',
                    width=12,
                    alert="SegueOutputDrift",
                ),
            ],
        ),
    ],
)
