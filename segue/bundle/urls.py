"""Bundle URLs: ``<store>/bundles/<digest>``, ``<store>/channels/<name>``, or a folder with a bundle."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from segue.bundle.definition import DEFINITION
from segue.errors import BundleError, ChannelError
from segue.store.open import store_path

__all__ = ["MIN_PREFIX_LENGTH", "BundleURL", "check_channel_name", "parse_bundle_url"]

MIN_PREFIX_LENGTH = 8
_DIGEST = re.compile(rf"[0-9a-f]{{{MIN_PREFIX_LENGTH},64}}")
_CHANNEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class BundleURL:
    """A parsed address: a digest in a store, a channel of a store, or a folder; the other fields are None.

    Attributes
    ----------
    store
        URL of the store.
    digest
        Digest, or a prefix of it of at least 8 digits.
    channel
        Name of a channel.
    folder
        A folder that contains bundle.json, for example ``/mnt/models``.
    """

    store: str | None = None
    digest: str | None = None
    channel: str | None = None
    folder: Path | None = None


def check_channel_name(name: str) -> str:
    """Return the name if it is valid for a channel.

    Raises
    ------
    ChannelError
        It is empty, longer than 63 characters, does not start with a letter or digit, or has characters other
        than lower-case letters, digits, '-' and '_'.
    """
    if not _CHANNEL.fullmatch(name):
        hint = f": did you mean {name.removesuffix('.json')!r}?" if name.endswith(".json") else ""
        raise ChannelError(
            f"{name!r} can't be the name of a channel, expected lower-case letters, digits, '-', '_'{hint}"
        )
    return name


def parse_bundle_url(url: str) -> BundleURL:
    """Parse the address of a bundle or channel. Reads the disk to recognise a plain folder, but no store.

    Raises
    ------
    BundleError
        It is neither; the message describes the valid forms.
    ChannelError
        The channel's name is invalid.

    Examples
    --------
    >>> parse_bundle_url("s3://music/segue/channels/champion").channel
    'champion'
    """
    head, _, last = url.rstrip("/").rpartition("/")
    store, _, kind = head.rpartition("/")
    if kind == "bundles" and store and _DIGEST.fullmatch(last):
        return BundleURL(store=store, digest=last)
    folder = store_path(url) if url else None
    if folder is not None and (folder / DEFINITION).is_file():
        return BundleURL(folder=folder)
    if kind == "channels" and store:
        return BundleURL(store=store, channel=check_channel_name(last))
    if folder is not None and (folder / "channels").is_dir():
        raise BundleError(
            f"{url} is a store, not a bundle: did you mean {url.rstrip('/')}/channels/champion?"
        )
    raise BundleError(
        f"{url!r} is not a bundle: expected STORE/bundles/DIGEST, STORE/channels/NAME "
        f"or a folder that holds {DEFINITION}"
    )
