"""The transformer beside predictors that fail in every way: it degrades, retries once, or recomputes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
import orjson
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as wire
from prometheus_client import REGISTRY

from serving.errors import NotReady, Overloaded
from serving.settings import TransformerSettings
from serving.transformer.model import Transformer
from serving.transformer.predictor_client import grpc_target
from serving.transformer.served_bundles import ServedBundles
from tests.serving.conftest import BundleStore

SEEDS = {"seeds": ["id000001"]}


@dataclass
class Scripted(wire.GRPCInferenceServiceServicer):
    """A real gRPC predictor of boosters that say 50, with faults on order."""

    loaded: list[str]
    faults: list[grpc.StatusCode] = field(default_factory=list)
    pause_seconds: float = 0.0
    asked: list[str] = field(default_factory=list)
    instance: str = "scripted"
    # version 0.1 gave its bundles in the message of a refusal, later versions give them in its metadata
    is_old: bool = False
    rows_off: int = 0

    async def ModelReady(self, request: Any, context: Any) -> Any:
        return pb.ModelReadyResponse(ready=True)

    async def ModelInfer(self, request: Any, context: Any) -> Any:
        digest = request.parameters["bundle"].string_param
        self.asked.append(digest)
        await asyncio.sleep(self.pause_seconds)
        if self.faults:
            await context.abort(self.faults.pop(0), "as ordered")
        if digest not in self.loaded:
            loaded = ",".join(self.loaded)
            said = f"not loaded; instance={self.instance}; loaded={loaded}" if self.is_old else "not loaded"
            metadata = (("segue-instance", self.instance), ("segue-digests", loaded))
            code = grpc.StatusCode.FAILED_PRECONDITION
            await context.abort(code, said, () if self.is_old else metadata)
        rows = request.inputs[0].shape[0] + self.rows_off
        answer = pb.ModelInferResponse(model_name="segue", id="")
        answer.outputs.add(name="predicted_popularity", datatype="FP32", shape=[rows])
        answer.raw_output_contents.append(np.full(rows, 50, np.float32).tobytes())
        answer.parameters["digests"].string_param = ",".join(self.loaded)
        answer.parameters["instance"].string_param = self.instance
        return answer


@asynccontextmanager
async def serving(predictor: Scripted) -> AsyncIterator[int]:
    server = grpc.aio.server()
    wire.add_GRPCInferenceServiceServicer_to_server(predictor, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


Ask = Callable[..., Awaitable[dict[str, Any]]]


def run(
    bundle_store: BundleStore,
    predictor: Scripted,
    script: Callable[[Transformer, Ask], Awaitable[None]],
    **settings: Any,
) -> None:
    """Run a script against a transformer of this process and a scripted predictor."""

    async def session() -> None:
        async with serving(predictor) as port:
            given = {
                "bundle": bundle_store.channel_url,
                "predictor_host": f"127.0.0.1:{port}",
                "predictor_deadline_seconds": 2.0,
                "live_recall_share": 0.0,
                **settings,
            }
            checked = TransformerSettings.model_validate(given)
            bundles = ServedBundles(checked)
            transformer = Transformer(checked, bundles)
            transformer.versions.look()
            transformer.versions._settled.set()

            async def ask(*instances: dict[str, Any]) -> dict[str, Any]:
                body, _ = await transformer({"instances": list(instances or (SEEDS,))}, {})
                predictions = orjson.loads(body)["predictions"]
                assert len({answer["digest"] for answer in predictions}) == 1
                return dict(predictions[0])

            try:
                await script(transformer, ask)
            finally:
                await transformer.client.close()
                bundles.stop()

    asyncio.run(session())


def degraded(reason: str) -> float:
    return REGISTRY.get_sample_value("segue_degraded_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize("code", ["CANCELLED", "NOT_FOUND", "UNAVAILABLE"])
def test_it_retries_once_when_a_predictor_goes_away(bundle_store: BundleStore, code: str) -> None:
    digest = bundle_store.publish(0)
    predictor = Scripted([digest], faults=[grpc.StatusCode[code]])

    async def script(_: Transformer, ask: Ask) -> None:
        answer = await ask()
        assert not answer["degraded"]
        assert {item["predicted_popularity"] for item in answer["items"]} == {50.0}
        assert predictor.asked == [digest, digest]

    run(bundle_store, predictor, script)


@pytest.mark.parametrize(
    ("faults", "reason", "calls"),
    [
        (["UNAVAILABLE", "UNAVAILABLE"], "unavailable", 2),
        (["INTERNAL"], "internal", 1),
        (["RESOURCE_EXHAUSTED"], "resource_exhausted", 1),
        (["UNKNOWN"], "unknown", 1),
    ],
)
def test_it_degrades_when_the_predictor_fails(
    bundle_store: BundleStore, faults: list[str], reason: str, calls: int
) -> None:
    digest = bundle_store.publish(0)
    predictor = Scripted([digest], faults=[grpc.StatusCode[name] for name in faults])

    async def script(_: Transformer, ask: Ask) -> None:
        before = degraded(reason)
        answer = await ask()
        assert answer["degraded"]
        assert degraded(reason) == before + 1
        assert len(predictor.asked) == calls
        similarity = [item["similarity"] for item in answer["items"]]
        assert similarity == sorted(similarity, reverse=True)
        assert {item["predicted_popularity"] for item in answer["items"]} == {None}
        assert not (await ask())["degraded"]

    run(bundle_store, predictor, script)


def test_it_degrades_within_the_deadline_when_the_predictor_is_slow(bundle_store: BundleStore) -> None:
    predictor = Scripted([bundle_store.publish(0)], pause_seconds=5)

    async def script(_: Transformer, ask: Ask) -> None:
        started = time.monotonic()
        assert (await ask())["degraded"]
        assert time.monotonic() - started < 5, "the predictor was waited for"

    run(bundle_store, predictor, script, predictor_deadline_seconds=0.2)


def test_it_degrades_when_no_predictor_is_there_and_mends_when_it_is(bundle_store: BundleStore) -> None:
    predictor = Scripted([bundle_store.publish(0)])

    async def script(transformer: Transformer, ask: Ask) -> None:
        assert (await ask())["degraded"]
        assert await transformer.healthy()

    run(bundle_store, predictor, script, predictor_host="127.0.0.1:1")


def test_it_refuses_rather_than_degrade_when_strict(bundle_store: BundleStore) -> None:
    predictor = Scripted([bundle_store.publish(0)], faults=[grpc.StatusCode.INTERNAL])

    async def script(transformer: Transformer, ask: Ask) -> None:
        with pytest.raises(NotReady, match="--strict") as refused:
            await ask()
        assert refused.value.status == 503
        assert not (await ask())["degraded"]
        assert await transformer.healthy()

    run(bundle_store, predictor, script, strict=True)


def test_it_is_not_ready_without_a_predictor_when_strict(bundle_store: BundleStore) -> None:
    predictor = Scripted([bundle_store.publish(0)])

    async def script(transformer: Transformer, ask: Ask) -> None:
        assert not await transformer.healthy()
        assert "strict" in transformer.waiting_for

    run(bundle_store, predictor, script, strict=True, predictor_host="127.0.0.1:1")


@pytest.mark.parametrize("is_old", [False, True])
def test_it_recomputes_once_with_the_bundle_before(bundle_store: BundleStore, is_old: bool) -> None:
    old = bundle_store.publish(0)
    new = bundle_store.publish(1)
    predictor = Scripted([old], is_old=is_old)

    async def script(_: Transformer, ask: Ask) -> None:
        answer = await ask()
        assert (answer["digest"], answer["degraded"]) == (old, False)
        assert predictor.asked == [new, old]
        # it was heard: the next call does not try in vain
        assert (await ask())["digest"] == old
        assert predictor.asked == [new, old, old]
        predictor.loaded.append(new)
        await ask()
        assert (await ask())["digest"] == new

    run(bundle_store, predictor, script)


def test_it_degrades_with_the_champion_when_no_bundle_is_shared(bundle_store: BundleStore) -> None:
    digest = bundle_store.publish(0)
    predictor = Scripted(["e" * 64])

    async def script(_: Transformer, ask: Ask) -> None:
        before = degraded("no_shared_bundle")
        answer = await ask()
        assert (answer["digest"], answer["degraded"]) == (digest, True)
        assert degraded("no_shared_bundle") == before + 1

    run(bundle_store, predictor, script)


def test_it_refuses_more_work_than_the_bound(bundle_store: BundleStore) -> None:
    predictor = Scripted([bundle_store.publish(0)], pause_seconds=0.3)

    async def script(_: Transformer, ask: Ask) -> None:
        calls = [asyncio.create_task(ask()) for _ in range(4)]
        done = await asyncio.gather(*calls, return_exceptions=True)
        refused = [error for error in done if isinstance(error, Overloaded)]
        assert len(refused) == 2
        assert (refused[0].status, refused[0].retry_after_seconds) == (503, 1)
        assert all(not answer["degraded"] for answer in done if isinstance(answer, dict))
        # a call larger than the bound gets in where nothing else is
        assert not (await ask(*[SEEDS] * 5))["degraded"]

    run(bundle_store, predictor, script, max_inflight=2)


def test_it_refuses_a_call_that_waits_too_long_for_a_thread(bundle_store: BundleStore) -> None:
    predictor = Scripted([bundle_store.publish(0)])
    slow = {"seeds": [{"genre": "metal"}], "k": 100, "candidates": 1000, "diversity": 0.5}

    async def script(_: Transformer, ask: Ask) -> None:
        calls = [asyncio.create_task(ask(*[slow] * 8)) for _ in range(6)]
        done = await asyncio.gather(*calls, return_exceptions=True)
        refused = [error for error in done if isinstance(error, Overloaded)]
        assert refused
        assert len(refused) < 6, "the first has a thread at once"
        assert refused[0].detail == "no thread came free within 0.05 s"
        assert refused[0].fields == {"overloaded": True}
        # nothing of them is worked on any more
        assert not (await ask(slow))["degraded"]

    run(bundle_store, predictor, script, threads=1, max_wait_seconds=0.05)


def test_it_refuses_with_the_reason_while_there_is_no_bundle(bundle_store: BundleStore) -> None:
    async def script(transformer: Transformer, ask: Ask) -> None:
        assert not await transformer.healthy()
        with pytest.raises(NotReady, match=r"waiting for the first bundle in .*champion"):
            await ask()

    run(bundle_store, Scripted([]), script)


def test_it_degrades_when_an_answer_does_not_fit(bundle_store: BundleStore) -> None:
    predictor = Scripted([bundle_store.publish(0)], rows_off=1)

    async def script(_: Transformer, ask: Ask) -> None:
        before = degraded("misfit")
        assert (await ask())["degraded"]
        assert degraded("misfit") == before + 1

    run(bundle_store, predictor, script)


def test_it_explains_without_contributions_when_those_fail(bundle_store: BundleStore) -> None:
    predictor = Scripted([bundle_store.publish(0)])

    async def script(_: Transformer, ask: Ask) -> None:
        # a scripted predictor knows nothing of contributions, and answers with another tensor
        answer = await ask({**SEEDS, "explain": True})
        assert not answer["degraded"]
        assert "popularity" not in answer["explanation"]["items"][0]

    run(bundle_store, predictor, script)


def test_it_finds_predictors_that_come_later(bundle_store: BundleStore) -> None:
    """The channel is opened anew now and then; calls on the old one finish."""
    predictor = Scripted([bundle_store.publish(0)])

    async def script(transformer: Transformer, ask: Ask) -> None:
        await ask()
        first = transformer.client._channel
        slow = asyncio.create_task(ask())
        predictor.pause_seconds = 0.3
        await asyncio.sleep(0.35)
        assert not (await ask())["degraded"]
        assert transformer.client._channel is not first
        assert not (await slow)["degraded"]

    run(bundle_store, predictor, script, channel_seconds=0.2)


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("segue-predictor.music", "dns:///segue-predictor.music:8081"),
        ("127.0.0.1:9000", "dns:///127.0.0.1:9000"),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", "ipv4:127.0.0.1:1,127.0.0.1:2"),
    ],
)
def test_it_makes_a_target_of_what_kserve_passes(host: str, target: str) -> None:
    assert grpc_target(host) == target
