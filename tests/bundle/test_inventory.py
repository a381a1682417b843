"""What a store holds, what verify finds, and what prune takes away."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.bundle import inventory
from segue.bundle.channel import promote, read_channel, rollback
from segue.bundle.definition import FILES
from segue.bundle.inventory import find_digest, list_bundles, list_channels, list_evaluations, prune
from segue.bundle.location import BundleLocation
from segue.bundle.verify import verify_bundle
from segue.errors import BundleError
from segue.store.base import Store
from tests.bundle.tiny import publish_tiny


def digests(store: Store) -> set[str]:
    return {bundle.digest for bundle in list_bundles(store)}


class TestVerify:
    def test_finds_nothing_wrong_with_a_whole_bundle(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "one").digest
        seen: list[str] = []
        found = verify_bundle(
            BundleLocation.in_store(store, digest), on_file=lambda check: seen.append(check.name)
        )
        assert (found.digest, found.problems, found.is_whole) == (digest, (), True)
        assert seen == sorted(FILES) == [check.name for check in found.files]

    def test_finds_everything_that_is_wrong(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "one").digest
        store.write(f"bundles/{digest}/index.faiss", b"x" * 200)
        store.write(f"bundles/{digest}/features.npy", b"x")
        store.delete(f"bundles/{digest}/search.sqlite")
        store.write(f"bundles/{digest}/notes/readme.txt", b"hello")
        found = verify_bundle(BundleLocation.in_store(store, digest))
        assert {check.name: check.state for check in found.problems} == {
            "index.faiss": "sha256",
            "features.npy": "size",
            "search.sqlite": "missing",
            "notes/readme.txt": "unexpected",
        }
        assert not found.is_whole

    def test_an_unexpected_file_is_told_but_breaks_nothing(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "one", promote=False).digest
        store.write(f"bundles/{digest}/readme.txt", b"hello")
        found = verify_bundle(BundleLocation.in_store(store, digest))
        assert [check.problem for check in found.problems] == ["readme.txt is not in bundle.json"]
        assert found.is_whole
        assert promote(store, "champion", digest, by="ann", reason="fine").digest == digest

    def test_quick_sees_sizes_and_full_sees_bytes(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "one").digest
        store.write(f"bundles/{digest}/index.faiss", b"x" * 200)
        assert verify_bundle(BundleLocation.in_store(store, digest), quick=True).is_whole
        assert not verify_bundle(BundleLocation.in_store(store, digest)).is_whole

    def test_what_is_no_digest_is_no_bundle(self, store: Store) -> None:
        with pytest.raises(BundleError, match="expected 64 hex digits"):
            BundleLocation.in_store(store, "../../etc")


class TestList:
    def test_bundles_with_their_state_and_channels(self, store: Store, tmp_path: Path) -> None:
        one = publish_tiny(store, tmp_path, "one").digest
        two = publish_tiny(store, tmp_path, "two").digest
        canary = publish_tiny(store, tmp_path, "three", channel="canary").digest
        half, changed = "a" * 64, publish_tiny(store, tmp_path, "four", promote=False).digest
        store.write(f"bundles/{half}/tracks.parquet", b"12345")
        store.write(f"bundles/{changed}/bundle.json", b"{}")
        found = {bundle.digest: bundle for bundle in list_bundles(store)}
        assert {digest: (bundle.state, bundle.channels) for digest, bundle in found.items()} == {
            one: ("ok", ("champion~1",)),
            two: ("ok", ("champion",)),
            canary: ("ok", ("canary",)),
            half: ("half-written", ()),
            changed: ("unreadable", ()),
        }
        assert (found[one].tracks, found[half].tracks, found[half].bytes) == (3, None, 5)
        assert set(list_channels(store)) == {"canary", "champion"}

    def test_an_empty_store(self, store: Store) -> None:
        assert list_bundles(store) == []
        assert list_channels(store) == {}
        assert prune(store, dry_run=False) == []

    def test_evaluations_by_run(self, store: Store) -> None:
        digest = "b" * 64
        for key in ("run-1/metrics.json", "run-1/report.html", "run-2/report.html"):
            store.write(f"evaluations/{digest}/{key}", b"x")
        found = list_evaluations(store, digest)
        assert {run: len(keys) for run, keys in found.items()} == {"run-1": 2, "run-2": 1}
        assert list_evaluations(store, "c" * 64) == {}

    def test_a_prefix_must_fit_one_bundle(self, store: Store) -> None:
        for digest in ("12345678" + "0" * 56, "12345678" + "1" * 56, "a" * 64):
            store.write(f"bundles/{digest}/bundle.json", b"{}")
        assert find_digest(store, "aaaaaaaa") == "a" * 64
        assert find_digest(store, "123456780") == "12345678" + "0" * 56
        with pytest.raises(BundleError, match="2 bundles start with 12345678"):
            find_digest(store, "12345678")
        with pytest.raises(BundleError, match="no bundle starts with bbbbbbbb"):
            find_digest(store, "bbbbbbbb")
        with pytest.raises(BundleError, match="at least 8"):
            find_digest(store, "1234567")


class TestPrune:
    def test_keeps_what_channels_need(self, store: Store, tmp_path: Path) -> None:
        made = [publish_tiny(store, tmp_path, f"n{number}").digest for number in range(5)]
        other = publish_tiny(store, tmp_path, "canary", channel="canary").digest
        loose = publish_tiny(store, tmp_path, "loose", promote=False).digest
        half = "a" * 64
        store.write(f"bundles/{half}/tracks.parquet", b"12345")
        before = digests(store)

        planned = prune(store, keep=2, keep_days=0)
        assert digests(store) == before
        assert {gone.digest: gone.why for gone in planned} == {
            made[0]: "in no channel",
            made[1]: "in no channel",
            loose: "in no channel",
            half: "half-written",
        }
        assert prune(store, keep=2, keep_days=0, dry_run=False) == planned
        assert digests(store) == {*made[2:], other}
        assert all(len(store.entries(f"bundles/{digest}/")) == 9 for digest in digests(store))
        assert prune(store, keep=2, keep_days=0, dry_run=False) == []

    def test_keeps_what_is_young(self, store: Store, tmp_path: Path) -> None:
        publish_tiny(store, tmp_path, "loose", promote=False)
        store.write(f"bundles/{'a' * 64}/tracks.parquet", b"being written")
        assert prune(store, keep_days=0.01, dry_run=False) == []
        assert len(digests(store)) == 2

    def test_keeps_evaluations(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "loose", promote=False).digest
        store.write(f"evaluations/{digest}/run-1/report.html", b"x")
        prune(store, keep_days=0, dry_run=False)
        assert [entry.key for entry in store.entries("")] == [f"evaluations/{digest}/run-1/report.html"]

    def test_a_rollback_passes_over_what_was_pruned(self, store: Store, tmp_path: Path) -> None:
        one, two, three = (publish_tiny(store, tmp_path, label).digest for label in ("one", "two", "three"))
        assert [gone.digest for gone in prune(store, keep=1, keep_days=0, dry_run=False)] == [one]
        assert rollback(store, "champion", by="ann", reason="odd").digest == two
        assert read_channel(store, "champion").previous == (one,)
        assert three in digests(store)

    def test_a_bundle_promoted_in_the_last_moment_stays(self, store: Store, tmp_path: Path) -> None:
        loose = publish_tiny(store, tmp_path, "loose", promote=False).digest

        def somebody_promotes(_gone: object) -> None:
            promote(store, "champion", loose, by="ann", reason="just now")

        assert prune(store, keep_days=0, dry_run=False, on_bundle=somebody_promotes) == []
        assert not verify_bundle(BundleLocation.in_store(store, loose)).problems

    def test_a_promotion_of_what_is_being_pruned_is_undone(
        self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other order: the prune looks at the channels just before the pointer moves."""
        old = publish_tiny(store, tmp_path, "old").channel
        loose = publish_tiny(store, tmp_path, "loose", promote=False).digest
        needed, failures = inventory._needed, []

        def look_then_be_overtaken(in_store: Store, keep: int) -> set[str]:
            found = needed(in_store, keep)
            if store.stat(f"bundles/{loose}/bundle.json") is None:
                failures.append(self._promote_unverified(store, loose))
            return found

        monkeypatch.setattr(inventory, "_needed", look_then_be_overtaken)
        assert [gone.digest for gone in prune(store, keep_days=0, dry_run=False)] == [loose]
        assert "was pruned while it was promoted" in failures[0]
        state = read_channel(store, "champion")
        assert (state.digest, state.previous, state.generation) == (old.digest, (), 3)

    @staticmethod
    def _promote_unverified(store: Store, digest: str) -> str:
        """A promotion that had verified the bundle before the prune began."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("segue.bundle.channel.require_whole", lambda *_args, **_options: None)
            with pytest.raises(BundleError) as caught:
                promote(store, "champion", digest, by="nightly", reason="overtaken")
        return str(caught.value)
