"""All metrics of the processes. No label holds a track, a user or a query.

The comment above each names what reads it.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, Summary, disable_created_metrics

# They would be a second series for each counter.
disable_created_metrics()  # type: ignore[no-untyped-call]

# A recommendation takes milliseconds, for which kserve's buckets are too wide.
_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)

# --- both processes -------------------------------------------------------------------------------------

# Panel "Bundle in service" (version beside each pod); alert SegueVersionsDiffer (pods on different digests).
BUNDLE_INFO = Gauge(
    "segue_bundle_info", "1 for the bundle that new requests are answered from.", ("digest", "generation")
)
# Alert SegueBundleStuck compares it between pods.
BUNDLE_GENERATION = Gauge("segue_bundle_generation", "Generation of the channel's pointer as last read.")
# Panel "Tracks in service".
BUNDLE_TRACKS = Gauge("segue_bundle_tracks", "Tracks of the bundle in service.")
# Panel "Rollouts": explains steps in "Memory".
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
# Panels "Requests" and "Errors"; alerts SegueErrorBudgetBurn and SegueOverloaded.
REQUESTS = Counter("segue_requests", "Calls, by outcome.", ("outcome",))
# Panel "Latency"; alert SegueLatencyBudgetBurn.
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
# Panel "Empty lists", alert SegueEmptyLists: filters too narrow for the catalogue.
EMPTY = Counter("segue_empty_answers", "Answers with an empty list.")
# Alert SegueDegraded (page when the share stays above 5 %).
DEGRADED = Counter("segue_degraded", "Answers in the order of similarity alone, by reason.", ("reason",))
# Panel "Unknown seeds": callers with ids of another catalogue.
UNKNOWN_SEEDS = Counter("segue_unknown_seeds", "Seeds that the catalogue lacks.")
# Panel "Predictor calls"; alert SeguePredictorFlapping reads outcome=retried.
PREDICTOR_CALLS = Counter(
    "segue_predictor_calls", "Calls to the predictor: ok, retried, or how they failed.", ("outcome",)
)
# Panel "Rollouts": calls computed twice because the predictor had not loaded the requested bundle.
RECOMPUTED = Counter("segue_recomputed", "Calls computed again with a bundle that the predictor has.")
# Alert SegueLiveRecall (ticket below the index's recall target less 0.02).
LIVE_RECALL = Gauge(
    "segue_live_recall", "Share of the exact neighbours that the index found, last 200 sampled.", ("digest",)
)
# The same alert asks for at least 50 samples.
LIVE_RECALL_SAMPLES = Counter("segue_live_recall_samples", "Requests searched again exactly.", ("digest",))

# Names of the families that serving/transformer/drift.py counts, without a cost for requests:
# recording rule segue:query_psi, alert SegueQueryDrift.
QUERY_BIN = "segue_query_bin"
# Recording rule segue:output_psi, alert SegueOutputDrift.
OUTPUT_BIN = "segue_output_bin"
# Both rules: the expected shares.
REFERENCE_RATIO = "segue_reference_ratio"

# --- predictor ------------------------------------------------------------------------------------------

# Panel "Ranking": rows a second.
RANKED_ROWS = Counter("segue_ranked_rows", "Rows that the boosters predicted.")
# Panel "Ranking": whether the bundle in service runs compiled.
RANKER_COMPILED = Gauge("segue_ranker_compiled", "1 once the bundle's boosters run compiled.", ("digest",))

# --- gateway --------------------------------------------------------------------------------------------

# Panels "API requests" and "API errors"; alert SegueErrorBudgetBurn reads status=5xx.
GATEWAY_REQUESTS = Counter(
    "segue_gateway_requests", "Requests, by route and class of status.", ("route", "status")
)
# Panel "API latency"; alert SegueLatencyBudgetBurn reads those of lists.
GATEWAY_SECONDS = Histogram(
    "segue_gateway_request_seconds", "Time to answer a request, by route.", ("route",), buckets=_SECONDS
)
# Panel "Calls to the transformer"; alert SegueBreakerOpen links to it.
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
LOG_LOST = Counter("segue_log_lost", "Records of the log that were lost.")

# --- gateway: what the lists are like -------------------------------------------------------------------

# Panel "List diversity".
LIST_DIVERSITY = Summary(
    "segue_list_diversity", "Mean distance of two tracks of a list; 1 is that of two random tracks."
)
# Panel "Genre precision".
LIST_GENRE_PRECISION = Summary(
    "segue_list_genre_precision", "Share of a list's tracks whose genre is a seed's."
)
# Panel "Popularity lift": over the next one.
LIST_POPULARITY = Summary("segue_list_popularity", "Mean popularity of a list, 0 to 100.")
# Panel "Popularity lift".
SEED_POPULARITY = Summary("segue_seed_popularity", "Mean popularity of the seeds of the same lists.")
# Panel "Coverage".
LIST_COVERAGE = Gauge(
    "segue_list_coverage_ratio", "Share of the catalogue's tracks in the last 2,000 lists of this process."
)
# Panel "Feedback rate by popularity": what the next one is divided by.
SHOWN = Counter("segue_shown", "Recommended tracks, by band of popularity.", ("band",))
# Panel "Feedback rate by popularity".
FEEDBACK = Counter(
    "segue_feedback", "What listeners did, by event and the track's band of popularity.", ("event", "band")
)

# --- gateway: what training left in the store -----------------------------------------------------------

# Panel "Runs".
TRAINING_RUNS = Gauge("segue_training_runs", "Runs that the store knows, by outcome.", ("outcome",))
# Alerts SegueTrainingFailed and SegueTrainingRefused: which outcome is the newest.
TRAINING_LAST = Gauge(
    "segue_training_last_run_timestamp_seconds", "When the newest run of an outcome ended.", ("outcome",)
)
# Alert SegueChampionStale.
CHAMPION_EVALUATED = Gauge(
    "segue_champion_evaluated_timestamp_seconds", "When a run last ended with the champion's bundle."
)
# Panel "Champion".
CHAMPION_UPDATED = Gauge("segue_champion_updated_timestamp_seconds", "When the channel was moved last.")
# Panel "Figures by bundle".
TRAINING_FIGURE = Gauge(
    "segue_training_figure", "What evaluation measured on the newest five bundles.", ("digest", "figure")
)
# Panel "Gate": passed, failed or not_checked.
GATE_CHECK = Gauge(
    "segue_gate_check", "1 for the outcome of a check in the newest run.", ("check", "outcome")
)
# Panel "Catalogue".
CATALOG_ROWS = Gauge("segue_catalog_rows", "Rows of the newest run: kept, rejected.", ("state",))
# Recording rule segue:catalog_psi, alert SegueCatalogDrift.
CATALOG_PSI = Gauge(
    "segue_catalog_psi", "PSI of the newest run's catalogue against its champion's, by column.", ("column",)
)

__all__ = [name for name in globals() if name.isupper() and not name.startswith("_")]
