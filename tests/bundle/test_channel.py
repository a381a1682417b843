"""The pointer: its moves, what they keep, and two who move it at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.bundle.channel import MAX_PREVIOUS, Channel, pin, promote, read_channel, rollback, unpin
from segue.errors import BundleError, ChannelConflict, ChannelError, ChannelPinned, NoSuchChannel
from segue.store.base import Store
from segue.store.open import open_store
from tests.bundle.tiny import publish_tiny

DIGESTS = [f"{number:064x}" for number in range(14)]

moves = st.lists(
    st.one_of(
        st.tuples(st.just("promote"), st.sampled_from(DIGESTS)),
        st.tuples(st.sampled_from(["rollback", "pin", "unpin"]), st.none()),
    ),
    max_size=40,
)


def moved(channel: Channel, move: str, digest: str | None) -> Channel:
    if move == "promote":
        return channel.promoted(str(digest), by="b", reason="r")
    if move == "rollback":
        return channel.rolled_back(channel.previous[0], by="b", reason="r") if channel.previous else channel
    return channel.with_pin(move == "pin", by="b", reason="r")


class TestMoves:
    @given(moves)
    def test_keep_the_channel_sound(self, sequence: list[tuple[str, str | None]]) -> None:
        channel = Channel()
        for move, digest in sequence:
            before, channel = channel, moved(channel, move, digest)
            assert channel.generation == before.generation + (channel is not before)
            assert channel.digest not in channel.previous
            assert len(set(channel.previous)) == len(channel.previous) <= MAX_PREVIOUS
            assert (channel.digest is None) <= (channel.previous == ())
            assert Channel.model_validate_json(channel.model_dump_json()) == channel
            if move == "promote":
                assert channel.digest == digest
                assert channel.pinned == before.pinned
                if before.digest not in (None, digest):
                    assert channel.previous[0] == before.digest
            elif move == "rollback" and before.previous:
                assert channel.digest == before.previous[0]
                assert channel.pinned
            else:
                assert (channel.digest, channel.previous) == (before.digest, before.previous)

    @given(st.lists(st.sampled_from(DIGESTS), max_size=30))
    def test_promotions_then_rollbacks_go_back_through_history(self, promoted: list[str]) -> None:
        channel = Channel()
        for digest in promoted:
            channel = channel.promoted(digest, by="b", reason="r")
        history = channel.previous
        seen = []
        while channel.previous:
            channel = channel.rolled_back(channel.previous[0], by="b", reason="r")
            seen.append(channel.digest)
        assert tuple(seen) == history
        newest_first = list(dict.fromkeys(reversed(promoted)))
        assert list(history) == newest_first[1 : MAX_PREVIOUS + 1]

    def test_control_characters_and_novels_do_not_reach_a_terminal(self) -> None:
        channel = Channel().promoted(DIGESTS[0], by="me\x1b[31m", reason="a\nb\x00" + "c" * 1000)
        assert channel.by == "me [31m"
        assert channel.reason.startswith("a b ccc")
        assert len(channel.reason) <= 500


class TestChannel:
    def test_that_nobody_wrote_is_empty(self, store: Store) -> None:
        channel = read_channel(store, "champion")
        assert (channel.digest, channel.previous, channel.generation, channel.pinned) == (None, (), 0, False)

    def test_moves_as_the_design_says(self, store: Store, tmp_path: Path) -> None:
        first, second = (publish_tiny(store, tmp_path, label).digest for label in ("one", "two"))
        state = read_channel(store, "champion")
        assert (state.digest, state.previous, state.generation) == (second, (first,), 2)

        state = rollback(store, "champion", by="ann", reason="odd lists")
        assert (state.digest, state.previous, state.generation) == (first, (), 3)
        assert (state.pinned, state.by, state.reason) == (True, "ann", "odd lists")
        with pytest.raises(ChannelPinned, match=r"pinned by ann \(odd lists\)"):
            promote(store, "champion", second, by="nightly", reason="gate passed")
        assert read_channel(store, "champion") == state

        forced = promote(store, "champion", second, by="ann", reason="was innocent", force=True)
        assert (forced.digest, forced.previous, forced.pinned) == (second, (first,), True)
        freed = unpin(store, "champion", by="ann", reason="again")
        assert not freed.pinned
        third = publish_tiny(store, tmp_path, "three")
        assert third.promoted
        assert third.channel.previous == (second, first)
        assert pin(store, "champion", by="bob", reason="festival").pinned

    def test_the_file_in_the_store_is_the_documented_one(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "one").digest
        found = orjson.loads(store.read("channels/champion.json"))
        assert sorted(found) == sorted(
            ["digest", "previous", "generation", "pinned", "updated", "by", "reason"]
        )
        assert (found["digest"], found["previous"], found["by"]) == (digest, [], "tests")
        assert found["updated"].endswith("Z")

    def test_promoting_the_champion_again_changes_nothing(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "one").digest
        pinned = pin(store, "champion", by="ann", reason="keep")
        assert promote(store, "champion", digest, by="nightly", reason="same data") == pinned

    def test_rolling_back_passes_over_a_bundle_that_is_broken(self, store: Store, tmp_path: Path) -> None:
        one, two, three = (publish_tiny(store, tmp_path, label).digest for label in ("one", "two", "three"))
        store.delete(f"bundles/{two}/index.faiss")
        state = rollback(store, "champion", by="ann", reason="odd")
        assert state.digest == one != three
        assert state.previous == ()

    def test_nothing_to_roll_back_to_is_an_error_that_changes_nothing(
        self, store: Store, tmp_path: Path
    ) -> None:
        one = publish_tiny(store, tmp_path, "one").digest
        with pytest.raises(ChannelError, match="no previous bundle"):
            rollback(store, "champion", by="ann", reason="odd")
        before = publish_tiny(store, tmp_path, "two").channel
        store.delete(f"bundles/{one}/bundle.json")
        with pytest.raises(ChannelError, match=r"nothing to roll back to: .*holds no bundle\.json"):
            rollback(store, "champion", by="ann", reason="odd")
        assert read_channel(store, "champion") == before

    @pytest.mark.parametrize("move", [pin, unpin, rollback])
    def test_a_name_that_no_channel_has_is_refused_with_those_that_there_are(
        self, store: Store, tmp_path: Path, move: Callable[..., Channel]
    ) -> None:
        with pytest.raises(NoSuchChannel, match=r"has no channel champion: it has none yet"):
            move(store, "champion", by="ann", reason="festival")
        digest = publish_tiny(store, tmp_path, "one").digest
        promote(store, "canary", digest, by="ann", reason="try")
        with pytest.raises(NoSuchChannel, match=r"has no channel champoin: it has canary, champion$"):
            move(store, "champoin", by="ann", reason="festival")
        names = [entry.key for entry in store.entries("channels/")]
        assert sorted(names) == ["channels/canary.json", "channels/champion.json"]

    def test_a_channel_that_was_emptied_can_be_pinned(self, store: Store) -> None:
        store.write("channels/champion.json", Channel().model_dump_json().encode())
        assert pin(store, "champion", by="ann", reason="not yet").pinned

    def test_a_promotion_verifies_first(self, store: Store, tmp_path: Path) -> None:
        before = publish_tiny(store, tmp_path, "one").channel
        two = publish_tiny(store, tmp_path, "two", promote=False).digest
        store.write(f"bundles/{two}/index.faiss", b"x" * 200)
        with pytest.raises(BundleError, match=r"index\.faiss has sha256"):
            promote(store, "champion", two, by="ann", reason="because")
        with pytest.raises(BundleError, match="no such bundle"):
            promote(store, "champion", "f" * 64, by="ann", reason="because")
        assert read_channel(store, "champion") == before

    def test_a_promotion_that_expects_another_generation_is_refused(
        self, store: Store, tmp_path: Path
    ) -> None:
        one = publish_tiny(store, tmp_path, "one").digest
        publish_tiny(store, tmp_path, "two")
        with pytest.raises(ChannelConflict, match="generation 2, expected 1: tests moved it"):
            promote(store, "champion", one, by="nightly", reason="judged", expected_generation=1)
        assert (
            promote(store, "champion", one, by="nightly", reason="judged", expected_generation=2).generation
            == 3
        )

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b'{"digest": 7}', b'{"digest": "../x"}', b'{"generation": -1}', b"\xff"]
    )
    def test_what_is_no_channel_is_refused_and_left_alone(self, store: Store, content: bytes) -> None:
        store.write("channels/champion.json", content)
        with pytest.raises(ChannelError, match="champion"):
            read_channel(store, "champion")
        with pytest.raises(ChannelError):
            pin(store, "champion", by="ann", reason="x")
        assert store.read("channels/champion.json") == content

    @pytest.mark.parametrize("name", ["", "A", "../x", "a/b", "a.json", "x" * 64])
    def test_names_are_plain(self, store: Store, name: str) -> None:
        with pytest.raises(ChannelError, match="can't be the name of a channel"):
            read_channel(store, name)


_PROMOTER = """
import sys
from segue.bundle.channel import promote
from segue.store.open import open_store
store = open_store(sys.argv[1])
digests = sys.argv[2:]
print("ready", flush=True)
sys.stdin.readline()
for digest in digests:
    print(promote(store, "champion", digest, by=digest[:4], reason="race", quick=True).generation, flush=True)
"""


def test_two_processes_at_once_lose_no_generation(store_url: str, tmp_path: Path) -> None:
    """Two processes promote eight times each, between two bundles each: that makes sixteen generations."""
    store = open_store(store_url)
    labels = ("a", "b", "c", "d")
    digests = [publish_tiny(store, tmp_path, label, promote=False).digest for label in labels]
    command = [sys.executable, "-c", _PROMOTER, store_url]
    racers = [
        subprocess.Popen([*command, *pair * 4], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for pair in (digests[:2], digests[2:])
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    generations = []
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        told, _ = racer.communicate(timeout=60)
        assert racer.returncode == 0
        generations.append([int(line) for line in told.split()])
    assert sorted(generations[0] + generations[1]) == list(range(1, 17))
    state = read_channel(store, "champion")
    assert state.generation == 16
    assert {state.digest, *state.previous} == set(digests)
