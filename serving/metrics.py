"""Every metric of the processes, in one place. No label ever holds a track, a user or a query.

The comment above each says who reads it.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

__all__ = [
    "BUNDLE_GENERATION",
    "BUNDLE_INFO",
    "BUNDLE_LOAD_SECONDS",
    "BUNDLE_POLL_FAILURES",
    "BUNDLE_REFUSED",
    "BUNDLE_SWITCHES",
    "BUNDLE_TRACKS",
    "BUNDLE_VERSIONS",
    "DEGRADED",
    "EMPTY",
    "GATEWAY_BREAKER_OPEN",
    "GATEWAY_IMAGE_FETCHES",
    "GATEWAY_RATE_LIMITED",
    "GATEWAY_REQUESTS",
    "GATEWAY_SECONDS",
    "GATEWAY_TRANSFORMER_CALLS",
    "INFLIGHT",
    "INSTANCES",
    "KEYS_AGE",
    "LIVE_RECALL",
    "LIVE_RECALL_SAMPLES",
    "LOG_LOST",
    "LOG_QUEUED",
    "LOG_REJECTED",
    "LOG_SPOOLED",
    "LOG_WRITTEN",
    "OUTPUT_BIN",
    "PREDICTOR_CALLS",
    "QUERY_BIN",
    "RANKED_ROWS",
    "RANKER_COMPILED",
    "RECOMPUTED",
    "REFERENCE_RATIO",
    "REQUESTS",
    "REQUEST_SECONDS",
    "STAGE_SECONDS",
    "UNKNOWN_SEEDS",
]

# A second series beside each counter, which nothing here reads.
disable_created_metrics()  # type: ignore[no-untyped-call]

# A recommendation takes milliseconds: kserve's own buckets start where these end to be useful.
_SECONDS = (
    0.0005,
    0.001,
    0.002,
    0.003,
    0.005,
    0.0075,
    0.01,
    0.015,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.0,
)

# --- both processes -------------------------------------------------------------------------------------

# Panel "Bundle in service" (version beside each pod); alert SegueVersionsDiffer (pods on different digests).
BUNDLE_INFO = Gauge(
    "segue_bundle_info", "1 for the bundle that new requests are answered from.", ("digest", "generation")
)
# Panel "Bundle in service"; alert SegueBundleStuck compares it between pods.
BUNDLE_GENERATION = Gauge("segue_bundle_generation", "Generation of the channel's pointer as last read.")
# Panel "Bundle in service".
BUNDLE_TRACKS = Gauge("segue_bundle_tracks", "Tracks of the bundle in service.")
# Panel "Memory": explains steps in it.
BUNDLE_VERSIONS = Gauge("segue_bundle_versions", "Versions of the bundle held in memory.")
# Panel "Rollouts".
BUNDLE_SWITCHES = Counter("segue_bundle_switches", "Changes of the bundle in service.")
# Panel "Rollouts": how long a swap takes.
BUNDLE_LOAD_SECONDS = Histogram(
    "segue_bundle_load_seconds",
    "Time to fetch, check and open a bundle.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
# Alert SegueBundleRefused (page at once: the pipeline published something that can't be served).
BUNDLE_REFUSED = Counter("segue_bundle_refused", "Bundles refused, by what was wrong.", ("reason",))
# Alert SegueStoreUnreachable (ticket: serving goes on, rollouts do not).
BUNDLE_POLL_FAILURES = Counter(
    "segue_bundle_poll_failures", "Reads of the pointer or of a bundle that the store did not answer."
)
# Panels "Requests" and "Errors"; alert SegueErrorRate reads outcome=error and overloaded.
REQUESTS = Counter("segue_requests", "Calls, by outcome.", ("outcome",))
# Panel "Latency"; alert SegueLatency reads the p99.
REQUEST_SECONDS = Histogram(
    "segue_request_seconds", "Time to answer a call, without the web framework.", buckets=_SECONDS
)
# Panel "Saturation"; the autoscaler's trigger in the KEDA overlay.
INFLIGHT = Gauge("segue_inflight_instances", "Instances being worked on.")

# --- transformer ----------------------------------------------------------------------------------------

# Panel "Requests": lists made, where a call may hold several instances.
INSTANCES = Counter("segue_instances", "Instances answered.")
# Panel "Latency by stage": resolve, retrieve, rerank (the predictor's answer included), finish.
STAGE_SECONDS = Histogram("segue_stage_seconds", "Time of a stage.", ("stage",), buckets=_SECONDS)
# Panel "Quality": filters too narrow for the catalogue.
EMPTY = Counter("segue_empty_answers", "Answers with an empty list.")
# Alert SegueDegraded (page when the share stays above 5 %).
DEGRADED = Counter("segue_degraded", "Answers in the order of similarity alone, by reason.", ("reason",))
# Panel "Quality": callers with ids of another catalogue.
UNKNOWN_SEEDS = Counter("segue_unknown_seeds", "Seeds that the catalogue lacks.")
# Panel "Predictor calls"; alert SeguePredictorFlapping reads outcome=retried.
PREDICTOR_CALLS = Counter(
    "segue_predictor_calls", "Calls to the predictor: ok, retried, or how they failed.", ("outcome",)
)
# Panel "Rollouts": work done twice because the predictor lacked the bundle asked for.
RECOMPUTED = Counter("segue_recomputed", "Calls computed again with a bundle that the predictor has.")
# Alert SegueLiveRecall (ticket below the index's recall target less 0.02).
LIVE_RECALL = Gauge(
    "segue_live_recall", "Share of the exact neighbours that the index found, last 200 sampled.", ("digest",)
)
# The same alert asks for at least 50 samples.
LIVE_RECALL_SAMPLES = Counter("segue_live_recall_samples", "Requests searched again exactly.", ("digest",))

# Names of the families that serving/transformer/drift.py counts itself (no cost on the request's path):
# recording rule segue:query_psi, alert SegueQueryDrift.
QUERY_BIN = "segue_query_bin"
# Recording rule segue:output_psi, alert SegueOutputDrift.
OUTPUT_BIN = "segue_output_bin"
# Both rules, as what is expected.
REFERENCE_RATIO = "segue_reference_ratio"

# --- predictor ------------------------------------------------------------------------------------------

# Panel "Ranking": rows a second.
RANKED_ROWS = Counter("segue_ranked_rows", "Rows that the boosters predicted.")
# Panel "Ranking": whether the bundle in service runs compiled.
RANKER_COMPILED = Gauge("segue_ranker_compiled", "1 once the bundle's boosters run compiled.", ("digest",))

# --- gateway --------------------------------------------------------------------------------------------

# Panels "API requests" and "API errors"; alert SegueGatewayErrorRate reads class=5xx.
GATEWAY_REQUESTS = Counter(
    "segue_gateway_requests", "Requests, by route and class of status.", ("route", "status")
)
# Panel "API latency"; alert SegueGatewayLatency reads the p99 of /api/recommendations.
GATEWAY_SECONDS = Histogram(
    "segue_gateway_request_seconds", "Time to answer a request, by route.", ("route",), buckets=_SECONDS
)
# Panel "Calls to the transformer"; alert SegueGatewayErrorRate links to it.
GATEWAY_TRANSFORMER_CALLS = Counter(
    "segue_gateway_transformer_calls",
    "Calls for a list: ok, retried, refused, or how they failed.",
    ("target", "outcome"),
)
# Alert SegueBreakerOpen (page: lists are refused without asking).
GATEWAY_BREAKER_OPEN = Gauge(
    "segue_gateway_breaker_open", "1 while the transformer is left alone.", ("target",)
)
# Panel "API requests": keys over their rate.
GATEWAY_RATE_LIMITED = Counter("segue_gateway_rate_limited", "Requests refused for a key's rate.")
# Panel "Covers".
GATEWAY_IMAGE_FETCHES = Counter("segue_gateway_image_fetches", "Calls for covers: ok, failed.", ("outcome",))
# Alert SegueKeysStale (ticket: revoked keys go on working).
KEYS_AGE = Gauge("segue_keys_age_seconds", "Time since the keys were last read.")
# Panel "Log": records in memory.
LOG_QUEUED = Gauge("segue_log_queued", "Records of the log that are in memory alone.")
# Panel "Log"; alert SegueLogSpooling (ticket while the database is away for long).
LOG_SPOOLED = Gauge("segue_log_spooled", "Records of the log that wait on disk.")
# Panel "Log".
LOG_WRITTEN = Counter("segue_log_written", "Records of the log that the database has.")
# Alert SegueLogRejected (ticket: the database refuses what is in them).
LOG_REJECTED = Counter("segue_log_rejected", "Records of the log that the database refused.")
# Alert SegueLogLost (page: memory and disk are full).
LOG_LOST = Counter("segue_log_lost", "Records of the log that are nowhere.")
