"""All keys in memory: a request is checked without asking the database."""

from __future__ import annotations

import hmac
import logging
import threading
import time
from datetime import UTC, datetime

from sqlalchemy import Engine

from segue.database.engine import explained
from segue.errors import DatabaseError
from segue.keys.key import Key, StoredKey, secret_sha256
from segue.keys.store import read_keys
from segue.keys.token import is_signed, named_key, sign_token

__all__ = ["KeyRing"]

_LOG = logging.getLogger(__name__)

# A caller whose key is not known is compared with this, so that it waits as long as one whose key is.
_NOBODY = secret_sha256("")


class KeyRing:
    """The keys as last read, read anew every so often by a thread of its own.

    While the database is away it goes on with what it has, so that nobody is locked out; a key that is
    revoked then works until the database is back.

    Parameters
    ----------
    engine
        The database.
    ttl_seconds
        How often the keys are read, and how long a revoked key may go on working.
    """

    def __init__(self, engine: Engine, *, ttl_seconds: float = 15.0) -> None:
        self._engine = engine
        self._ttl_seconds = ttl_seconds
        self._keys: dict[str, StoredKey] = {}
        self._read_at: float | None = None
        self._is_away = False
        self._refreshing = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the keys were read at least once. Before that nobody can be let in."""
        return self._read_at is not None

    @property
    def age_seconds(self) -> float:
        """Seconds since the keys were last read; infinite before."""
        return float("inf") if self._read_at is None else time.monotonic() - self._read_at

    def start(self) -> None:
        """Begin to read the keys in the background; returns at once."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="segue-keys", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop reading; what was read stays."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)
            self._thread = None

    def refresh(self) -> None:
        """Read the keys now. It waits for the database: call it in a thread.

        Raises
        ------
        DatabaseError
            The database is away or refused; the keys stay as they were.
        """
        with self._refreshing:
            with explained(self._engine):
                found = read_keys(self._engine)
            self._keys = {stored.key.id: stored for stored in found}
            self._read_at = time.monotonic()

    def knows(self, credential: str) -> bool:
        """Tell whether the key that a credential names is in memory: else `refresh` may bring it."""
        return _named(credential)[0] in self._keys

    def check(self, credential: str) -> Key | None:
        """Tell whose credential this is.

        Nothing is asked of the database, and a wrong secret takes as long as a right one.

        Parameters
        ----------
        credential
            ``<id>.<secret>``, or a token of `issue`.

        Returns
        -------
        Key or None
            None where it is wrong, or its key is unknown, revoked or expired.
        """
        key_id, secret = _named(credential)
        stored = self._keys.get(key_id)
        if secret is None:
            is_right = stored is not None and is_signed(credential, key_id, stored.token_public_key)
        else:
            expected = stored.secret_sha256 if stored is not None else _NOBODY
            is_right = hmac.compare_digest(secret_sha256(secret), expected)
        if stored is None or not is_right or not stored.key.is_live(datetime.now(UTC)):
            return None
        return stored.key

    def issue(self, credential: str, *, seconds: int = 3600) -> str | None:
        """Make a token for who shows a key's secret. It ends with the key, if that is sooner.

        Parameters
        ----------
        credential
            ``<id>.<secret>``; a token can't be turned into another.
        seconds
            How long it is good for.

        Returns
        -------
        str or None
            None where `check` would return None.
        """
        key_id, secret = _named(credential)
        if secret is None or self.check(credential) is None:
            return None
        return sign_token(key_id, secret, now=datetime.now(UTC), seconds=seconds)

    def _run(self) -> None:
        while True:
            try:
                self.refresh()
            except DatabaseError as error:
                if not self._is_away:
                    _LOG.warning("the keys can't be read, going on with those of before: %s", error)
                self._is_away = True
            else:
                if self._is_away:
                    _LOG.info("the keys can be read again")
                self._is_away = False
            # a gateway that has no key yet lets nobody in: it asks more often
            if self._stopping.wait(self._ttl_seconds if self.is_loaded else min(1.0, self._ttl_seconds)):
                return


def _named(credential: str) -> tuple[str, str | None]:
    """Split a credential into a key's id and its secret; the secret is None for a token."""
    if credential.count(".") == 2:  # a JWT has three parts
        return named_key(credential) or "", None
    key_id, _, secret = credential.partition(".")
    return key_id, secret
