"""A KServe pair that does no work: V1 in, the same raw tensor between them over gRPC, a list as long out.

``python -m tests.benchmarks.noop_pair transformer|predictor HTTP_PORT GRPC_PORT COLUMNS [PREDICTOR]``
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import numpy as np

ROWS, K = 200, 10
ITEM = {
    "rank": 1,
    "track_id": "3AJwUDP919kvQ9QcozQPxg",
    "track_name": "A track of a middling name",
    "artist_name": "Some artist",
    "score": 0.912345,
    "similarity": 0.912345,
    "popularity": 58.0,
    "predicted_popularity": 61.234,
    "relevance": None,
}
ANSWER = {
    "items": [ITEM] * K,
    "digest": "0" * 64,
    "degraded": False,
    "unknown_seeds": [],
    "pool": {"retrieved": ROWS, "after_filters": ROWS},
    "reason": None,
}


def main() -> None:
    program, http_port, grpc_port, columns, *predictor = sys.argv[1:]
    sys.argv = sys.argv[:1]
    # request logs at INFO halve the rate: a fair opponent is a quiet one
    for name in ("kserve", "kserve.trace", "uvicorn", "uvicorn.access"):
        logging.getLogger(name).setLevel("ERROR")
    logging.getLogger("kserve").addHandler(logging.NullHandler())

    import kserve
    from kserve.predictor_config import PredictorConfig

    features = np.zeros((ROWS, int(columns)), np.float32)
    popularity = np.zeros(ROWS, np.float32)

    class Noop(kserve.Model):  # type: ignore[misc]
        def load(self) -> bool:
            self.ready = True
            return True

    class NoopPredictor(Noop):
        async def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
            payload.inputs[0].as_numpy()
            output = kserve.InferOutput("predicted_popularity", [ROWS], "FP32")
            output.set_data_from_numpy(popularity, binary_data=True)
            return kserve.InferResponse(payload.id, self.name, [output])

    class NoopTransformer(Noop):
        async def preprocess(self, payload: Any, headers: Any = None) -> Any:
            assert payload["instances"]
            tensor = kserve.InferInput("features", [ROWS, int(columns)], "FP32")
            tensor.set_data_from_numpy(features, binary_data=True)
            return kserve.InferRequest(self.name, [tensor])

        async def postprocess(self, result: Any, headers: Any = None, response_headers: Any = None) -> Any:
            result.outputs[0].as_numpy()
            return {"predictions": [ANSWER]}

    model = (NoopTransformer if program == "transformer" else NoopPredictor)("segue")
    model.load()
    config = PredictorConfig(
        predictor_host=predictor[0] if predictor else "",
        predictor_protocol="grpc-v2",
        predictor_request_timeout_seconds=10,
    )
    kserve.ModelServer(
        http_port=int(http_port),
        grpc_port=int(grpc_port),
        enable_latency_logging=False,
        predictor_config=config,
    ).start([model])


if __name__ == "__main__":
    main()
