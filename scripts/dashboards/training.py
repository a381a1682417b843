"""*Training*: outcome and metrics of the latest runs, and the checks of the gate."""

from __future__ import annotations

from scripts.dashboards.layout import Board, Panel, Row

__all__ = ["TRAINING"]

_BY = "namespace, release, channel"
_LAST = "segue_training_last_run_timestamp_seconds"

TRAINING = Board(
    name="training",
    title="Training",
    description="What training left in the store, as the gateways read it.",
    rows=[
        Row(
            "Runs",
            [
                Panel(
                    title="Runs",
                    description="Runs that the store knows: passed or refused by the gate, failed before it.",
                    queries=[(f"max by ({_BY}, outcome) (segue_training_runs{{$S}})", "{{outcome}}")],
                    alert="SegueTrainingFailed",
                ),
                Panel(
                    title="Age of the newest run",
                    description="Since the newest run of each outcome ended.",
                    queries=[
                        (
                            f"time() - max by ({_BY}, outcome) ({_LAST}{{$S}})",
                            "{{outcome}}",
                        )
                    ],
                    unit="s",
                    kind="bars",
                    alert="SegueTrainingFailed",
                ),
                Panel(
                    title="Champion",
                    description="Since a run ended with the champion's bundle, and since the channel moved.",
                    queries=[
                        (
                            f"time() - max by ({_BY}) (segue_champion_{moment}_timestamp_seconds{{$S}} != 0)",
                            name,
                        )
                        for moment, name in (("evaluated", "confirmed"), ("updated", "moved"))
                    ],
                    unit="s",
                    kind="bars",
                    alert="SegueChampionStale",
                ),
            ],
        ),
        Row(
            "The newest runs",
            [
                Panel(
                    title="Figures by bundle",
                    description="What evaluation measured on each of the newest five bundles.",
                    queries=[
                        (
                            f"max by ({_BY}, digest, figure) (segue_training_figure{{$S}})",
                            "{{figure}} {{digest}}",
                        )
                    ],
                    kind="bars",
                    width=12,
                    alert="SegueTrainingRefused",
                ),
                Panel(
                    title="Gate",
                    description="The checks of the newest run and what each said.",
                    queries=[
                        (f"max by ({_BY}, check, outcome) (segue_gate_check{{$S}})", "{{check}}: {{outcome}}")
                    ],
                    kind="bars",
                    width=12,
                    alert="SegueTrainingRefused",
                ),
            ],
        ),
        Row(
            "Catalogue",
            [
                Panel(
                    title="Catalogue",
                    description="Rows of the newest run's catalogue, kept and rejected.",
                    queries=[(f"max by ({_BY}, state) (segue_catalog_rows{{$S}})", "{{state}}")],
                    kind="bars",
                    alert="SegueCatalogDrift",
                ),
                Panel(
                    title="Tracks in service",
                    description="Tracks of the bundle that is answered from.",
                    queries=[(f"max by ({_BY}) (segue_bundle_tracks{{$S}})", "{{release}}")],
                ),
                Panel(
                    title="Catalogue drift",
                    description="PSI by column, the newest run's catalogue against its champion's.",
                    queries=[("segue:catalog_psi{$S}", "{{column}}")],
                    kind="bars",
                    alert="SegueCatalogDrift",
                ),
            ],
        ),
    ],
)
