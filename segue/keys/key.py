"""What a key is and what it allows."""

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
    """What a key allows: to read (recommend, search), to send feedback, to move bundles."""

    READ = "read"
    FEEDBACK = "feedback"
    ADMIN = "admin"


@dataclass(frozen=True)
class Key:
    """A key, without its secret.

    Attributes
    ----------
    id
        What a caller names it by; not secret.
    name
        What people call it; unique among live keys.
    scopes
        What it allows.
    created_at, expires_at, revoked_at
        UTC.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_live(self, at: datetime) -> bool:
        """Tell whether it is neither revoked nor expired at that moment."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True)
class StoredKey:
    """A key as the database has it: with what checks its secret and its tokens, and can make neither."""

    key: Key
    secret_sha256: str
    token_public_key: bytes


def new_id() -> str:
    """Draw an id: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def new_secret() -> str:
    """Draw a secret of 256 bits, in characters that a URL, a header and a shell leave alone."""
    return secrets.token_urlsafe(32)


def secret_sha256(secret: str) -> str:
    """Hash a secret. A slow hash protects what people choose; 256 drawn bits nobody can try out."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def parse_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Read scopes by name.

    Raises
    ------
    CredentialError
        One is no scope, or there is none.
    """
    known = [scope.value for scope in Scope]
    names = list(names)
    for name in names:
        if name not in known:
            raise CredentialError(f"scope {name!r}: expected one of {', '.join(known)}")
    if not names:
        raise CredentialError(f"a key needs at least one scope of {', '.join(known)}")
    return frozenset(Scope(name) for name in names)
