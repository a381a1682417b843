"""API keys and their scopes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from segue.errors import CredentialError

__all__ = ["Key", "Scope", "StoredKey", "new_id", "new_secret", "parse_scopes", "secret_sha256"]


class Scope(StrEnum):
    """What a key allows: read (recommend, search), feedback (send events), admin (move channels)."""

    READ = "read"
    FEEDBACK = "feedback"
    ADMIN = "admin"


@dataclass(frozen=True)
class Key:
    """A key, without its secret.

    Attributes
    ----------
    id
        Public part of the credential.
    name
        Name for people; unique among live keys.
    scopes
        What it allows.
    created_at, expires_at, revoked_at
        Times in UTC; None: never.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_live(self, at: datetime) -> bool:
        """Whether it is neither revoked nor expired at that time."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True)
class StoredKey:
    """A key as stored: with the hash that verifies its secret and the public key that verifies its tokens."""

    key: Key
    secret_sha256: str
    token_public_key: bytes


def new_id() -> str:
    """Generate a random id: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def new_secret() -> str:
    """Generate a secret of 256 random bits. It needs no escaping in URLs, headers and shells."""
    return secrets.token_urlsafe(32)


def secret_sha256(secret: str) -> str:
    """Hash a secret. Unlike a password, 256 random bits can't be guessed, so a slow hash is not needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def parse_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Parse the names of scopes.

    Raises
    ------
    CredentialError
        A name is unknown, or there are no names.
    """
    known = [scope.value for scope in Scope]
    names = list(names)
    for name in names:
        if name not in known:
            raise CredentialError(f"scope {name!r}: expected one of {', '.join(known)}")
    if not names:
        raise CredentialError(f"a key needs at least one scope of {', '.join(known)}")
    return frozenset(Scope(name) for name in names)
