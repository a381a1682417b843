"""The exceptions of Segue.

::

    SegueError                what went wrong, and what to do
    ├── SettingsError         an environment variable or option has a wrong value
    ├── CatalogError          a catalogue can't be read, or is not one
    │   └── TooManyRejects    more rows are rejected than the limit allows
    ├── InteractionsError     a playlists file can't be read, or is not one
    ├── TrainingError         the data is too small or unsuitable for training
    ├── RecallError           no index met the recall target
    ├── RequestError          a recommendation request has an invalid field
    ├── UnknownSeeds          none of the seeds is in the catalogue
    ├── BundleError           a bundle is missing, corrupt or of another schema
    │   ├── BundleFileMissing  a file of it, or all of it, is missing
    │   ├── UnsupportedSchema  its schema is one that this version can't read
    │   └── ChecksumError     a file differs from the sha256 in bundle.json
    ├── StoreError            the object store reported an error or did not answer
    │   ├── StoreUnavailable  it did not answer, after retries
    │   └── StoreAccessDenied it refused the credentials
    ├── ChannelError          a channel can't be moved
    │   ├── NoSuchChannel     no channel has that name
    │   ├── ChannelConflict   another process moved it first
    │   └── ChannelPinned     it is pinned, and the caller is not allowed to move it
    ├── StatusError           the training status can't be read or written
    ├── DatabaseError         the database reported an error
    │   ├── DatabaseUnavailable  it did not answer
    │   └── SchemaError       its tables are not those of this version
    ├── CredentialError       a key can't be created, found or revoked
    └── LogError              the log's spool can't be used

A message is one line for a person: it names the field, file, row or variable, the actual value and the
expected one. Commands print it without a traceback, and exit 1.
"""

from __future__ import annotations

from collections.abc import Sequence


class SegueError(Exception):
    """Base of the exceptions of Segue."""


class SettingsError(SegueError):
    """An environment variable or option has a wrong value."""


class CatalogError(SegueError):
    """A catalogue can't be read, or is not one."""


class TooManyRejects(CatalogError):
    """More rows are rejected than the limit allows."""


class InteractionsError(SegueError):
    """A playlists file can't be read, is not one, or has too few playlists for evaluation."""


class TrainingError(SegueError):
    """The data is too small or unsuitable for training."""


class RecallError(SegueError):
    """No index met the recall target."""


class RequestError(SegueError):
    """A recommendation request has an invalid field.

    Parameters
    ----------
    field
        Dotted path of the field in the request, for example ``filters.year``.
    message
        The actual value and the expected one.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class UnknownSeeds(SegueError):
    """None of the seeds is in the catalogue. A `hint` says what may be meant, such as ``did you mean …?``."""

    def __init__(self, seeds: Sequence[str], *, hint: str = "") -> None:
        text = f"none of the seeds is in the catalogue: {', '.join(seeds)}"
        super().__init__(f"{text}; {hint}" if hint else text)
        self.seeds = tuple(seeds)


class BundleError(SegueError):
    """A bundle is missing, corrupt or of another schema."""


class BundleFileMissing(BundleError):
    """A file of a bundle, or the whole bundle, is missing."""


class UnsupportedSchema(BundleError):
    """A bundle's schema is one that this version of Segue can't read."""


class ChecksumError(BundleError):
    """A file differs from the sha256 in bundle.json."""


class StoreError(SegueError):
    """The object store reported an error or did not answer."""


class StoreUnavailable(StoreError):
    """The store did not answer, after retries."""


class StoreAccessDenied(StoreError):
    """The store refused the credentials."""


class ChannelError(SegueError):
    """A channel can't be moved."""


class NoSuchChannel(ChannelError):
    """No channel has that name."""


class ChannelConflict(ChannelError):
    """Another process moved the channel first."""


class ChannelPinned(ChannelError):
    """The channel is pinned, and the caller is not allowed to move it."""


class StatusError(SegueError):
    """The training status can't be read or written."""


class DatabaseError(SegueError):
    """The database reported an error."""


class DatabaseUnavailable(DatabaseError):
    """The database did not answer."""


class SchemaError(DatabaseError):
    """The database's tables are not those of this version."""


class CredentialError(SegueError):
    """A key can't be created, found or revoked."""


class LogError(SegueError):
    """The log's spool can't be used."""
