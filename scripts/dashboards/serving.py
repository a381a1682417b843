"""*Serving*: requests, errors, latency, error budget, and the bundles in service."""

from __future__ import annotations

from scripts.dashboards.layout import Board, Panel, Row

__all__ = ["SERVING"]

_LISTS = 'route=~"/api/recommendations|/v1/recommendations"'


def _quantile(share: str, bucket: str, by: str) -> str:
    return f"histogram_quantile({share}, sum by ({by}, le) ({bucket}))"


SERVING = Board(
    name="serving",
    title="Serving",
    description="Whether Segue answers, how fast, how much is left of the error budget, with which bundle.",
    rows=[
        Row(
            "Now",
            [
                Panel(
                    title="Error budget left",
                    description="Of 30 days: 99.9 % answered, 99 % within 250 ms.",
                    queries=[("segue:slo_budget_left:ratio30d{$S}", "{{release}} {{component}} {{slo}}")],
                    unit="percentunit",
                    kind="bars",
                    alert="SegueErrorBudgetLeak",
                    top=1,
                ),
                Panel(
                    title="Burn of the last hour",
                    description="1 uses up the budget in exactly a month; an alert comes at 14.4.",
                    queries=[
                        (
                            "segue:slo_errors:ratio1h{$S} / on (slo) group_left () segue:slo_budget:ratio",
                            "{{release}} {{component}} {{slo}}",
                        )
                    ],
                    alert="SegueErrorBudgetBurn",
                ),
                Panel(
                    title="Degraded lists",
                    description="Share of lists in the order of similarity alone, without the predictor.",
                    queries=[("segue:degraded:ratio5m{$S}", "{{release}}")],
                    unit="percentunit",
                    alert="SegueDegraded",
                    top=1,
                ),
            ],
        ),
        Row(
            "Requests, errors, duration",
            [
                Panel(
                    title="Requests",
                    description="Calls a second at predictor and transformer, and instances answered.",
                    queries=[
                        (
                            "sum by (release, component) (segue:requests:rate5m{$S})",
                            "{{release}} {{component}}",
                        ),
                        ("segue:instances:rate5m{$S}", "{{release}} instances"),
                    ],
                    unit="reqps",
                ),
                Panel(
                    title="Errors",
                    description="Calls a second that had no whole list for an answer, by outcome.",
                    queries=[
                        (
                            'sum by (component, outcome) (segue:requests:rate5m{$S, outcome!="ok"})',
                            "{{component}} {{outcome}}",
                        )
                    ],
                    unit="reqps",
                    alert="SegueErrorBudgetBurn",
                ),
                Panel(
                    title="Latency",
                    description="Time to answer a call, half of them and all but one of a hundred.",
                    queries=[
                        (
                            _quantile("0.5", "segue:request_seconds_bucket:rate5m{$S}", "component"),
                            "p50 {{component}}",
                        ),
                        (
                            _quantile("0.99", "segue:request_seconds_bucket:rate5m{$S}", "component"),
                            "p99 {{component}}",
                        ),
                    ],
                    unit="s",
                    alert="SegueLatencyBudgetBurn",
                ),
                Panel(
                    title="Work by stage",
                    description="Calls a second that reach a stage; a step between two was refused.",
                    queries=[("sum by (stage) (segue:stage:rate5m{$S})", "{{stage}}")],
                    unit="reqps",
                ),
                Panel(
                    title="Latency by stage",
                    description="p99 of each; rerank includes the predictor's answer.",
                    queries=[
                        (_quantile("0.99", "segue:stage_seconds_bucket:rate5m{$S}", "stage"), "{{stage}}")
                    ],
                    unit="s",
                    alert="SegueLatencyBudgetBurn",
                ),
                Panel(
                    title="Predictor calls",
                    description="Calls to the predictor a second: ok, retried, or how they failed.",
                    queries=[
                        (
                            "sum by (outcome) (rate(segue_predictor_calls_total{$S}[5m]))",
                            "{{outcome}}",
                        )
                    ],
                    unit="reqps",
                    alert="SeguePredictorFlapping",
                ),
            ],
        ),
        Row(
            "Gateway",
            [
                Panel(
                    title="API requests",
                    description="Requests a second by route.",
                    queries=[("sum by (route) (segue:api:rate5m{$S})", "{{route}}")],
                    unit="reqps",
                ),
                Panel(
                    title="API errors",
                    description="Answers of class 4xx and 5xx a second, and requests over their key's rate.",
                    queries=[
                        (
                            'sum by (status) (segue:api:rate5m{$S, status=~"4xx|5xx"}) or vector(0)',
                            "{{status}}",
                        ),
                        ("sum(rate(segue_gateway_rate_limited_total{$S}[5m]))", "over the rate"),
                    ],
                    unit="reqps",
                    alert="SegueErrorBudgetBurn",
                ),
                Panel(
                    title="API latency",
                    description="p99 of lists at the gateway: what a listener waits for.",
                    queries=[
                        (
                            _quantile("0.99", f"segue:api_seconds_bucket:rate5m{{$S, {_LISTS}}}", "route"),
                            "{{route}}",
                        )
                    ],
                    unit="s",
                    alert="SegueLatencyBudgetBurn",
                ),
                Panel(
                    title="Calls to the transformer",
                    description="By target and outcome; the breaker is open where it says 1.",
                    queries=[
                        (
                            "sum by (target, outcome) (rate(segue_gateway_transformer_calls_total{$S}[5m]))",
                            "{{target}} {{outcome}}",
                        ),
                        ("max by (target) (segue_gateway_breaker_open{$S})", "{{target}} breaker open"),
                    ],
                    alert="SegueBreakerOpen",
                ),
                Panel(
                    title="Log",
                    description="Records in memory, on disk, and those that were lost.",
                    queries=[
                        ("sum(segue_log_queued{$S})", "in memory"),
                        ("sum(segue_log_spooled{$S})", "on disk"),
                        ("sum(segue_log_lost_total{$S})", "lost"),
                    ],
                    alert="SegueLogSpooling",
                ),
                Panel(
                    title="Saturation",
                    description="Instances being worked on, by pod; at --max_inflight requests are refused.",
                    queries=[("segue_inflight_instances{$S}", "{{component}} {{pod}}")],
                    alert="SegueOverloaded",
                ),
            ],
        ),
        Row(
            "Bundle",
            [
                Panel(
                    title="Bundle in service",
                    description="Pods by the bundle that they answer from; two for long is an alert.",
                    queries=[("count by (digest) (segue_bundle_info{$S})", "{{digest}}")],
                    alert="SegueVersionsDiffer",
                    stacked=True,
                ),
                Panel(
                    title="Rollouts",
                    description="Bundles put in service, and refused, in the last hour.",
                    queries=[
                        ("sum(increase(segue_bundle_switches_total{$S}[1h]))", "switches"),
                        ("sum(increase(segue_bundle_refused_total{$S}[1h]))", "refused"),
                        ("sum(increase(segue_recomputed_total{$S}[1h]))", "calls computed twice"),
                        ("max(segue_bundle_versions{$S})", "versions held by a pod"),
                        (
                            "sum(rate(segue_bundle_load_seconds_sum{$S}[1h])) / "
                            "(sum(rate(segue_bundle_load_seconds_count{$S}[1h])) > 0)",
                            "seconds to load one",
                        ),
                    ],
                    alert="SegueBundleRefused",
                ),
                Panel(
                    title="Memory",
                    description="Resident memory by pod; a bundle more explains a step.",
                    queries=[
                        ("process_resident_memory_bytes{$S}", "{{component}} {{pod}}"),
                    ],
                    unit="bytes",
                ),
                Panel(
                    title="Ranking",
                    description="Rows a second that the boosters predict, and pods that run them compiled.",
                    queries=[
                        ("sum by (release) (rate(segue_ranked_rows_total{$S}[5m]))", "{{release}} rows/s"),
                        ("sum by (release) (segue_ranker_compiled{$S})", "{{release}} compiled"),
                    ],
                    width=12,
                    alert="SegueDegraded",
                ),
                Panel(
                    title="Covers",
                    description="Calls for covers a second: ok, failed; none where no credentials are given.",
                    queries=[
                        (
                            "sum by (outcome) (rate(segue_gateway_image_fetches_total{$S}[5m])) or vector(0)",
                            "{{outcome}}",
                        )
                    ],
                    unit="reqps",
                    width=12,
                ),
            ],
        ),
    ],
)
