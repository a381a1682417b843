"""Addresses of bundles and channels."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.bundle.urls import parse_bundle_url
from segue.errors import BundleError, ChannelError

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "store", ["s3://bucket/prefix", "s3://bucket", ".segue/real", "/var/lib/segue", "file:///a"]
)
def test_a_digest_and_a_channel_of_any_store(store: str) -> None:
    bundle = parse_bundle_url(f"{store}/bundles/{DIGEST}")
    assert (bundle.store, bundle.digest, bundle.channel, bundle.folder) == (store, DIGEST, None, None)
    channel = parse_bundle_url(f"{store}/channels/champion/")
    assert (channel.store, channel.digest, channel.channel, channel.folder) == (store, None, "champion", None)


def test_a_prefix_of_eight_digits_is_enough() -> None:
    assert parse_bundle_url("s3://bucket/bundles/01234567").digest == "01234567"
    with pytest.raises(BundleError):
        parse_bundle_url("s3://bucket/bundles/0123456")


def test_a_folder_that_holds_a_bundle(tmp_path: Path) -> None:
    mounted = tmp_path / "channels" / "models"
    mounted.mkdir(parents=True)
    (mounted / "bundle.json").write_text("{}")
    assert parse_bundle_url(str(mounted)).folder == mounted
    assert parse_bundle_url(f"file://{mounted}").folder == mounted


def test_a_store_is_not_a_bundle_and_the_message_says_what_is(tmp_path: Path) -> None:
    (tmp_path / "channels").mkdir()
    with pytest.raises(BundleError, match=r"did you mean .*/channels/champion"):
        parse_bundle_url(str(tmp_path))


def test_the_file_of_a_channel_is_not_its_name() -> None:
    with pytest.raises(ChannelError, match="did you mean 'champion'"):
        parse_bundle_url("s3://bucket/channels/champion.json")


@pytest.mark.parametrize(
    "url", ["", "s3://bucket", "/nowhere", "s3://b/bundles/xyz", "bundles/" + DIGEST, "s3://b/channels/A B"]
)
def test_nothing_else_is_an_address(url: str) -> None:
    with pytest.raises((BundleError, ChannelError)):
        parse_bundle_url(url)
