"""The gRPC server."""

from __future__ import annotations

from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceServicer

from serving.grpc_server import Servicer


def test_every_method_of_the_protocol_turns_faults_into_a_status() -> None:
    methods = {name for name in vars(GRPCInferenceServiceServicer) if not name.startswith("_")}
    assert "ModelInfer" in methods
    assert methods == {name for name in vars(Servicer) if not name.startswith("_")}
