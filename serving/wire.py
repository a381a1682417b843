"""Names on the wire between the gateway, the transformer and the predictor, which both sides use."""

from __future__ import annotations

from collections.abc import Iterable

# A header of HTTP and a key of gRPC's metadata: the id of a request, in the log of every process.
REQUEST_ID = "x-request-id"
# Pattern of the ids that callers may send.
PLAIN_ID = r"[A-Za-z0-9._:/+=@-]{1,128}"

# Fields of KServe's V1 protocol, and of the JSON of an error.
INSTANCES, PREDICTIONS = "instances", "predictions"
ERROR, UNKNOWN_SEEDS, OVERLOADED = "error", "unknown_seeds", "overloaded"

# Tensors of the transformer: one JSON document per element.
REQUEST, RESPONSE = "request", "response"

# Tensors of the predictor: the ranking matrix, and one output per booster, by the booster's name.
FEATURES = "features"
BOOSTER_OUTPUTS = {"popularity": "predicted_popularity", "relevance": "relevance"}
# A parameter of a request to the predictor, and the name of the tensor that it asks for.
CONTRIBUTIONS = "contributions"
# Further parameters of a request: digest of the bundle; whether the caller makes no other call meanwhile.
BUNDLE, ALONE = "bundle", "alone"
# Parameters of a response, beside `BUNDLE`: digests of all bundles loaded, and an id of the process.
DIGESTS, INSTANCE = "digests", "instance"
# The same two in the trailing metadata of FAILED_PRECONDITION.
METADATA_DIGESTS, METADATA_INSTANCE = "segue-digests", "segue-instance"


def predict_path(model: str) -> str:
    """Path of V1 predictions."""
    return f"/v1/models/{model}:predict"


def ready_path(model: str) -> str:
    """Path of the readiness probe."""
    return f"/v2/models/{model}/ready"


def join_digests(digests: Iterable[str]) -> str:
    """Digests as the text of a parameter."""
    return ",".join(digests)


def split_digests(text: str) -> frozenset[str]:
    """The digests in the text of a parameter."""
    return frozenset(filter(None, text.split(",")))
