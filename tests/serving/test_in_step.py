"""Real processes under load: swaps, kills, broken bundles, a store that goes away, an empty store."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from tests.serving.conftest import BundleStore
from tests.serving.load import Load
from tests.serving.processes import Served, predictor, transformer, wait_for

FAST = {"poll_seconds": "0.2", "retry_refused_seconds": "1"}


class Deployment:
    """So many predictors and transformers on one channel."""

    def __init__(self, bundle_store: BundleStore, folder: Path, replicas: int) -> None:
        self.bundle_store = bundle_store
        self.predictors = [predictor(folder, bundle_store.channel_url, **FAST) for _ in range(replicas)]
        # two cores carry all of this: the deadline must not measure the machine
        flags = {**FAST, "predictor_deadline_seconds": "5"}
        self.transformers = [
            transformer(folder, bundle_store.channel_url, *self.predictors, **flags) for _ in range(replicas)
        ]

    @property
    def all(self) -> list[Served]:
        return [*self.predictors, *self.transformers]

    def start(self) -> Deployment:
        for served in self.all:
            served.start()
        return self

    def wait_ready(self) -> Deployment:
        for served in self.all:
            served.wait_ready()
        return self

    def wait_in_service(self, digest: str) -> None:
        for served in self.all:
            wait_for(
                lambda served=served: served.metric("segue_bundle_info", digest=digest) == 1,  # type: ignore[misc]
                f"{digest[:12]} in service",
                about=served.tail,
            )

    def stop(self) -> list[int]:
        return [served.stop() for served in self.all if served.process is not None]


@pytest.fixture(params=[1, 2], ids=["one replica", "two replicas"])
def replicas(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def deployment(bundle_store: BundleStore, tmp_path: Path, replicas: int) -> Iterator[Deployment]:
    deployed = Deployment(bundle_store, tmp_path, replicas)
    try:
        yield deployed
    finally:
        codes = deployed.stop()
    assert set(codes) <= {0, -9}, [served.tail() for served in deployed.all]


def assert_clean(load: Load) -> None:
    assert load.mixed == []
    assert load.failures == []


@pytest.mark.live
def test_it_puts_ten_champions_in_service_without_a_failed_request(
    bundle_store: BundleStore, deployment: Deployment
) -> None:
    digests = [bundle_store.publish(0)]
    deployment.start().wait_ready()
    with Load(bundle_store, deployment.transformers) as load:
        for number in range(1, 11):
            digests.append(bundle_store.publish(number))
            load.go_on(60)
        deployment.wait_in_service(digests[-1])
        load.go_on(100)
    assert_clean(load)
    assert load.degraded == 0
    assert load.digests[digests[-1]] > 0
    assert set(load.digests) <= set(digests)
    assert len(load.digests) >= 3


@pytest.mark.live
def test_it_answers_on_when_a_predictor_is_killed(
    bundle_store: BundleStore, deployment: Deployment, replicas: int
) -> None:
    bundle_store.publish(0)
    deployment.start().wait_ready()
    killed = deployment.predictors[0]
    with Load(bundle_store, deployment.transformers) as load:
        killed.kill()
        load.go_on(200)
        degraded = load.degraded
        killed.start().wait_ready()
        time.sleep(1.5)
        whole = load.degraded
        load.go_on(100)
        assert load.degraded == whole
    assert_clean(load)
    # with a second predictor a retry finds it; alone, answers are degraded until it is back
    assert degraded > 0 if replicas == 1 else degraded <= load.clients


@pytest.mark.live
def test_it_loses_only_what_is_in_flight_when_a_transformer_is_killed(
    bundle_store: BundleStore, tmp_path: Path
) -> None:
    bundle_store.publish(0)
    deployment = Deployment(bundle_store, tmp_path, 2).start().wait_ready()
    try:
        with Load(bundle_store, deployment.transformers) as load:
            load.transformers = deployment.transformers[1:]
            deployment.transformers[0].kill()
            load.go_on(200)
        assert len(load.failures) <= load.clients
        assert load.mixed == []
        assert load.degraded == 0
    finally:
        deployment.stop()


@pytest.mark.live
def test_it_drains_on_sigterm(bundle_store: BundleStore, tmp_path: Path) -> None:
    bundle_store.publish(0)
    deployment = Deployment(bundle_store, tmp_path, 2).start().wait_ready()
    try:
        with Load(bundle_store, deployment.transformers) as load:
            assert deployment.predictors[0].stop() == 0
            load.go_on(100)
            # a pod that is going away is out of the service's list before it is told to end
            load.transformers = deployment.transformers[1:]
            assert deployment.transformers[0].stop() == 0
            load.go_on(100)
        assert_clean(load)
        assert load.degraded == 0
    finally:
        deployment.stop()


def corrupt(bundle_store: BundleStore, good: str) -> str:
    bad = bundle_store.publish(1, promote=False)
    path = bundle_store.root / "bundles" / bad / "popularity.txt"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    # what only one of the two reads is broken for the other one too
    path = bundle_store.root / "bundles" / bad / "embedding.npy"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return bad


def lose_files(bundle_store: BundleStore, good: str) -> str:
    bad = bundle_store.publish(3, promote=False)
    for name in ("popularity.txt", "index.faiss"):
        (bundle_store.root / "bundles" / bad / name).unlink()
    return bad


def newer_schema(bundle_store: BundleStore, good: str) -> str:
    raw = orjson.loads((bundle_store.root / "bundles" / good / "bundle.json").read_bytes())
    data = orjson.dumps({**raw, "schema_version": 99}, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(data).hexdigest()
    folder = bundle_store.root / "bundles" / digest
    shutil.copytree(bundle_store.root / "bundles" / good, folder)
    (folder / "bundle.json").write_bytes(data)
    return digest


def point_at(bundle_store: BundleStore, digest: str, before: str) -> None:
    """Move the pointer past the checks of `promote`, as a broken publisher would."""
    path = bundle_store.root / "channels" / "champion.json"
    old = orjson.loads(path.read_bytes())
    moved = {**old, "digest": digest, "previous": [before], "generation": old["generation"] + 1}
    part = path.with_suffix(".part")
    part.write_bytes(orjson.dumps(moved))
    part.replace(path)


@pytest.mark.live
def test_it_stays_in_service_whatever_is_published(bundle_store: BundleStore, deployment: Deployment) -> None:
    good = bundle_store.publish(0)
    deployment.start().wait_ready()
    breaks: dict[str, Callable[[BundleStore, str], str]] = {
        "checksum": corrupt,
        "missing": lose_files,
        "schema": newer_schema,
    }
    with Load(bundle_store, deployment.transformers) as load:
        for reason, make in breaks.items():
            bad = make(bundle_store, good)
            point_at(bundle_store, bad, good)
            for served in deployment.all:
                wait_for(
                    lambda served=served, reason=reason: (  # type: ignore[misc]
                        served.metric("segue_bundle_refused_total", reason=reason) == 1
                    ),
                    f"a bundle refused for {reason}",
                    about=served.tail,
                )
            load.go_on(30)
            # tried again, and said no second time
            time.sleep(1.5)
            for served in deployment.all:
                assert len(served.lines(f"refused bundle {bad[:12]}")) == 1
    assert_clean(load)
    assert load.degraded == 0
    assert set(load.digests) == {good}


@pytest.mark.live
def test_it_stays_in_service_while_the_store_is_away(
    bundle_store: BundleStore, deployment: Deployment
) -> None:
    good = bundle_store.publish(0)
    deployment.start().wait_ready()
    away = bundle_store.root.with_name("away")
    with Load(bundle_store, deployment.transformers) as load:
        bundle_store.root.rename(away)
        bundle_store.root.write_text("no directory", encoding="utf-8")
        time.sleep(1)
        load.go_on(50)
        bundle_store.root.unlink()
        away.rename(bundle_store.root)
        newer = bundle_store.publish(1)
        deployment.wait_in_service(newer)
        load.go_on(50)
    assert_clean(load)
    assert load.degraded == 0
    assert set(load.digests) == {good, newer}


@pytest.mark.live
def test_it_lives_and_waits_on_an_empty_store(bundle_store: BundleStore, deployment: Deployment) -> None:
    deployment.start()
    for served in deployment.all:
        wait_for(lambda served=served: served.live, "a live process", about=served.tail)  # type: ignore[misc]
        assert not served.ready
        assert served.process is not None
        assert served.process.poll() is None
    reply = deployment.transformers[0].predict({"seeds": ["id000001"]})
    assert reply.status == 503
    assert reply.headers["retry-after"]
    assert f"waiting for the first bundle in {bundle_store.channel_url}" in reply.json["error"]
    assert len(deployment.predictors[0].lines("waiting for the first bundle")) == 1
    digest = bundle_store.publish(0)
    deployment.wait_ready()
    answer = deployment.transformers[0].predict({"seeds": ["id000001"]}).json["predictions"][0]
    assert answer == bundle_store.expected(digest, {"seeds": ["id000001"]})


@pytest.mark.live
def test_it_answers_probes_at_once_under_load(bundle_store: BundleStore, tmp_path: Path) -> None:
    bundle_store.publish(0)
    deployment = Deployment(bundle_store, tmp_path, 1).start().wait_ready()
    try:
        with Load(bundle_store, deployment.transformers, clients=8):
            waits = []
            for _ in range(50):
                started = time.monotonic()
                assert deployment.transformers[0].live
                waits.append(time.monotonic() - started)
                time.sleep(0.02)
        # eight callers, a millisecond each on the loop; the rest is this machine's two cores
        assert sorted(waits)[25] < 0.15
        assert max(waits) < 1.0
    finally:
        deployment.stop()


@pytest.mark.live
def test_it_does_not_take_a_wrong_setting(tmp_path: Path) -> None:
    served = predictor(tmp_path, "a/channels/champion", poll_seconds="soon").start()
    assert served.process is not None
    assert served.process.wait(timeout=30) == 1
    assert "--poll_seconds" in served.tail()
