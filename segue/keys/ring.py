"""All keys in memory, so that a request is checked without a database query."""

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

# The secret for an unknown key is compared with this hash, so that it takes as long as for a known key.
_UNKNOWN = secret_sha256("")


class KeyRing:
    """The keys in memory, refreshed every `ttl_seconds` by a background thread.

    That is the longest time that a revoked key still works. While the database does not answer, the last keys
    stay valid, so that nobody is locked out; a key that is revoked meanwhile works until the next refresh.
    """

    def __init__(self, engine: Engine, *, ttl_seconds: float = 15.0) -> None:
        self._engine = engine
        self._ttl_seconds = ttl_seconds
        self._keys: dict[str, StoredKey] = {}
        self._read_at: float | None = None
        self._is_stale = False
        self._refreshing = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the keys were read at least once; before that every credential is refused."""
        return self._read_at is not None

    @property
    def age_seconds(self) -> float:
        """Seconds since the keys were last read; infinite before."""
        return float("inf") if self._read_at is None else time.monotonic() - self._read_at

    def start(self) -> None:
        """Start the background thread; returns at once."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="segue-keys", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the background thread; the keys stay."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)
            self._thread = None

    def refresh(self) -> None:
        """Read the keys now. It blocks on the database: call it in a thread.

        Raises
        ------
        DatabaseError
            The database does not answer, or reported an error; the keys stay as they were.
        """
        with self._refreshing:
            with explained(self._engine):
                keys = read_keys(self._engine)
            self._keys = {stored.key.id: stored for stored in keys}
            self._read_at = time.monotonic()

    def knows(self, credential: str) -> bool:
        """Whether the credential's key is in memory; if not, `refresh` may load it."""
        return _split(credential)[0] in self._keys

    def check(self, credential: str) -> Key | None:
        """Verify a credential, without a database query and in constant time.

        Parameters
        ----------
        credential
            ``<id>.<secret>``, or a token from `issue`.

        Returns
        -------
        Key or None
            None if it is wrong, or its key is unknown, revoked or expired.
        """
        key_id, secret = _split(credential)
        stored = self._keys.get(key_id)
        if secret is None:
            is_right = stored is not None and is_signed(credential, key_id, stored.token_public_key)
        else:
            expected = stored.secret_sha256 if stored is not None else _UNKNOWN
            is_right = hmac.compare_digest(secret_sha256(secret), expected)
        if stored is None or not is_right or not stored.key.is_live(datetime.now(UTC)):
            return None
        return stored.key

    def issue(self, credential: str, *, seconds: int = 3600) -> str | None:
        """Issue a token for a key's credential. It is valid no longer than the key.

        Parameters
        ----------
        credential
            ``<id>.<secret>``; a token is not accepted.
        seconds
            Lifetime of the token.

        Returns
        -------
        str or None
            None for a token, and if `check` would return None.
        """
        key_id, secret = _split(credential)
        if secret is None or self.check(credential) is None:
            return None
        return sign_token(key_id, secret, now=datetime.now(UTC), seconds=seconds)

    def _run(self) -> None:
        while True:
            try:
                self.refresh()
            except DatabaseError as error:
                if not self._is_stale:
                    _LOG.warning("the keys can't be read, the last ones stay in use: %s", error)
                self._is_stale = True
            else:
                if self._is_stale:
                    _LOG.info("the keys can be read again")
                self._is_stale = False
            # a gateway without keys refuses every request: it retries more often
            if self._stopping.wait(self._ttl_seconds if self.is_loaded else min(1.0, self._ttl_seconds)):
                return


def _split(credential: str) -> tuple[str, str | None]:
    """Split a credential into a key's id and its secret; the secret is None for a token."""
    if credential.count(".") == 2:  # a JWT has three parts
        return named_key(credential) or "", None
    key_id, _, secret = credential.partition(".")
    return key_id, secret
