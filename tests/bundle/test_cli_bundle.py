"""``segue bundle``: what it prints, its exit codes, and that it changes what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from segue.bundle.channel import read_channel
from segue.cli import build_app
from segue.errors import BundleError, ChannelError, ChannelPinned, NoSuchChannel, SegueError
from segue.store.base import Store
from tests.bundle.tiny import publish_tiny

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(build_app("bundle"), ["bundle", *words])

    return invoke


def parsed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


def refused(result: Result, kind: type[SegueError], told: str) -> None:
    assert result.exit_code == 1
    assert isinstance(result.exception, kind)
    assert told in str(result.exception)


@pytest.fixture
def two(store: Store, tmp_path: Path) -> tuple[str, str]:
    """Two bundles, promoted one after the other."""
    return publish_tiny(store, tmp_path, "one").digest, publish_tiny(store, tmp_path, "two").digest


class TestList:
    def test_shows_channels_and_bundles(self, run: Run, store: Store, two: tuple[str, str]) -> None:
        shown = run("list", store.url).stdout
        for text in ("champion~1", two[0][:12], two[1][:12], "published two", "2,998"):
            assert text in shown
        found = parsed(run("list", store.url, "--json"))
        assert found["channels"]["champion"]["digest"] == two[1]
        assert {bundle["digest"]: bundle["channels"] for bundle in found["bundles"]} == {
            two[0]: ["champion~1"],
            two[1]: ["champion"],
        }

    def test_an_empty_store_is_said(self, run: Run, store: Store) -> None:
        result = run("list", store.url)
        assert result.exit_code == 0
        assert "holds no bundles and no channels" in result.stdout

    def test_markup_in_a_reason_is_text(self, run: Run, store: Store, two: tuple[str, str]) -> None:
        run("pin", store.url, "--reason", "[bold red]stop[/] \x1b[31m")
        shown = run("list", store.url).stdout
        assert "[bold red]stop[/]" in shown
        assert "\x1b" not in shown


class TestShow:
    def test_a_bundle_by_each_of_its_addresses(self, run: Run, store: Store, two: tuple[str, str]) -> None:
        store.write(f"evaluations/{two[1]}/run-9/report.html", b"x")
        for url in ("channels/champion", f"bundles/{two[1]}", f"bundles/{two[1][:8]}"):
            found = parsed(run("show", f"{store.url}/{url}", "--json"))
            assert found["digest"] == two[1]
            assert found["definition"]["tracks"] == 3
            assert list(found["evaluations"]) == ["run-9"]
        shown = run("show", f"{store.url}/channels/champion").stdout
        for text in (two[1], "sound (2)", "popularity (1 trees)", "run-9", "generation 2", "tracks.parquet"):
            assert text in shown

    def test_what_is_not_there(self, run: Run, store: Store) -> None:
        refused(run("show", f"{store.url}/channels/champion"), ChannelError, "no bundle yet")
        refused(run("show", f"{store.url}/bundles/{'0' * 64}"), BundleError, "no such bundle")


class TestVerify:
    def test_says_ok_with_0_and_what_is_wrong_with_1(
        self, run: Run, store: Store, two: tuple[str, str]
    ) -> None:
        url = f"{store.url}/bundles/{two[0]}"
        assert parsed(run("verify", url, "--json"))["ok"]
        assert run("verify", url).exit_code == 0
        store.write(f"bundles/{two[0]}/index.faiss", b"x" * 200)
        assert run("verify", url, "--quick").exit_code == 0
        result = run("verify", url)
        assert result.exit_code == 1
        assert "index.faiss has sha256" in result.stdout
        result = run("verify", url, "--json")
        assert result.exit_code == 1
        states = {check["name"]: check["state"] for check in orjson.loads(result.stdout)["files"]}
        assert states.pop("index.faiss") == "sha256"
        assert set(states.values()) == {"ok"}


class TestMoves:
    def test_roll_back_then_promote_by_force_then_unpin(
        self, run: Run, store: Store, two: tuple[str, str]
    ) -> None:
        one, second = two
        assert "pinned" in run("rollback", store.url, "--reason", "odd", "--by", "ann").stdout
        state = read_channel(store, "champion")
        assert (state.digest, state.pinned, state.by, state.reason) == (one, True, "ann", "odd")
        refused(run("promote", store.url, second[:8], "-m", "x"), ChannelPinned, "pinned by ann (odd)")
        found = parsed(run("promote", store.url, second[:8], "-m", "x", "--force", "--json"))
        assert (found["channel"], found["digest"], found["generation"]) == ("champion", second, 4)
        assert not parsed(run("unpin", store.url, "-m", "done", "--json"))["pinned"]
        assert parsed(run("pin", store.url, "-m", "festival", "--json"))["pinned"]
        assert read_channel(store, "champion").by != ""

    def test_another_channel(self, run: Run, store: Store, two: tuple[str, str]) -> None:
        run("promote", store.url, two[0], "--channel", "canary", "--reason", "try")
        assert read_channel(store, "canary").digest == two[0]
        assert read_channel(store, "champion").digest == two[1]

    @pytest.mark.parametrize("command", ["pin", "unpin", "rollback"])
    def test_a_channel_that_is_not_there(
        self, run: Run, store: Store, two: tuple[str, str], command: str
    ) -> None:
        before = store.entries("channels/")
        found = run(command, store.url, "--channel", "champoin", "-m", "festival")
        refused(found, NoSuchChannel, "has no channel champoin: it has champion")
        assert found.stdout == ""
        assert store.entries("channels/") == before

    def test_a_broken_bundle_is_not_promoted(self, run: Run, store: Store, two: tuple[str, str]) -> None:
        store.write(f"bundles/{two[0]}/index.faiss", b"x" * 200)
        refused(run("promote", store.url, two[0], "-m", "x"), BundleError, "is not whole")
        assert read_channel(store, "champion").digest == two[1]

    def test_a_reason_is_asked_for(self, run: Run, store: Store) -> None:
        result = run("rollback", store.url)
        assert result.exit_code == 2
        assert "--reason" in result.stderr


class TestPrune:
    def test_removes_only_with_yes(
        self, run: Run, store: Store, two: tuple[str, str], tmp_path: Path
    ) -> None:
        loose = publish_tiny(store, tmp_path, "loose", promote=False).digest
        assert "nothing to remove" in run("prune", store.url).stdout
        shown = run("prune", store.url, "--keep-days", "0").stdout
        assert loose[:12] in shown
        assert "run again with --yes" in shown
        assert store.stat(f"bundles/{loose}/bundle.json") is not None
        found = parsed(run("prune", store.url, "--keep-days", "0", "--yes", "--json"))
        assert found["removed"]
        assert [bundle["digest"] for bundle in found["bundles"]] == [loose]
        assert store.entries(f"bundles/{loose}/") == ()


def test_every_command_has_help_with_an_example(run: Run) -> None:
    shown = run("--help").stdout
    for name in ("list", "show", "verify", "promote", "rollback", "pin", "unpin", "prune"):
        assert name in shown
        assert f"Example: segue bundle {name}" in run(name, "--help").stdout


@pytest.mark.live
def test_the_console_script_says_one_line_and_no_secret(minio: Any, s3_url: str, tmp_path: Path) -> None:
    secret = "a-secret-that-nobody-may-see"
    result = subprocess.run(
        [sys.executable, "-c", "from segue.cli import main; main()", "bundle", "list", s3_url],
        env={**os.environ, **minio.variables, "SEGUE_S3_SECRET_KEY": secret},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("segue: ")
    assert "check SEGUE_S3_ACCESS_KEY and SEGUE_S3_SECRET_KEY" in result.stderr
    assert secret not in result.stderr
