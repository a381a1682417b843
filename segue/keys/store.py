"""Create, list and revoke keys in the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from segue.database.engine import WRITE, explained
from segue.database.tables import API_KEYS
from segue.errors import CredentialError
from segue.keys.key import Key, Scope, StoredKey, new_id, new_secret, parse_scopes, secret_sha256
from segue.keys.token import public_key

__all__ = ["check_name", "create_key", "list_keys", "read_keys", "revoke_key"]

_MAX_NAME_LENGTH = 100


def create_key(
    engine: Engine, *, name: str, scopes: Iterable[Scope], expires_at: datetime | None = None
) -> tuple[Key, str]:
    """Create a key.

    Parameters
    ----------
    name
        1 to 100 printable characters, unique among live keys.
    scopes
        At least one.
    expires_at
        In the future, with a zone; None: never.

    Returns
    -------
    key
        The new key.
    credential
        ``<id>.<secret>``. It is not stored, so it can't be shown again.

    Raises
    ------
    CredentialError
        A value is wrong, or a live key has that name.
    DatabaseError
        The database does not answer, or reported an error.
    """
    now = datetime.now(UTC)
    check_name(name)
    _check_expiry(expires_at, now)
    secret = new_secret()
    key = Key(
        id=new_id(),
        name=name,
        scopes=parse_scopes(scopes),
        created_at=now,
        expires_at=expires_at.astimezone(UTC) if expires_at else None,
    )
    row = {
        "id": key.id,
        "name": name,
        "live_name": name,
        "scopes": " ".join(sorted(key.scopes)),
        "secret_sha256": secret_sha256(secret),
        "token_public_key": public_key(secret).hex(),
        "created_at": now,
        "expires_at": key.expires_at,
    }
    with explained(engine), engine.connect().execution_options(**WRITE) as connection:
        # the name of an expired key is free again; a transaction of its own, because on MySQL two that
        # search for the same name and then insert it are a deadlock
        expired = (API_KEYS.c.live_name == name) & (API_KEYS.c.expires_at <= now)
        with connection.begin():
            connection.execute(update(API_KEYS).where(expired).values(live_name=None))
        try:
            with connection.begin():
                connection.execute(insert(API_KEYS), row)
        except IntegrityError:
            raise CredentialError(
                f"a live key is named {name!r} already: choose another name, or revoke that one first"
            ) from None
    return key, f"{key.id}.{secret}"


def list_keys(engine: Engine) -> list[Key]:
    """List all keys, revoked and expired ones too, oldest first; raises as `create_key` does."""
    with explained(engine):
        return [stored.key for stored in read_keys(engine)]


def revoke_key(engine: Engine, key_id: str) -> Key:
    """Revoke a key and its tokens. A revoked key is unchanged.

    Gateways apply this at their next refresh.

    Raises
    ------
    CredentialError
        There is no such key.
    DatabaseError
        The database does not answer, or reported an error.
    """
    has_id = API_KEYS.c.id == key_id
    with explained(engine), engine.connect().execution_options(**WRITE) as connection, connection.begin():
        live = has_id & API_KEYS.c.revoked_at.is_(None)
        connection.execute(update(API_KEYS).where(live).values(revoked_at=datetime.now(UTC), live_name=None))
        row = connection.execute(select(API_KEYS).where(has_id)).one_or_none()
    if row is None:
        raise CredentialError(f"no key has the id or live name {key_id!r}: segue keys list shows them")
    return _stored(row).key


def read_keys(engine: Engine) -> list[StoredKey]:
    """Read all keys with the data that verifies them, oldest first."""
    with engine.connect() as connection:
        rows = connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.id)).all()
    return [_stored(row) for row in rows]


def check_name(name: str) -> None:
    """Raise `CredentialError` unless a key may have this name."""
    if not name or len(name) > _MAX_NAME_LENGTH or not name.isprintable() or name != name.strip():
        raise CredentialError(f"name {name!r}: expected 1 to {_MAX_NAME_LENGTH} printable characters")


def _check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is None:
        return
    if expires_at.tzinfo is None:
        raise CredentialError(f"expires_at {expires_at.isoformat()}: expected a time with its zone")
    if expires_at <= now:
        raise CredentialError(f"expires_at {expires_at.isoformat()}: is past")


def _stored(row: Row[Any]) -> StoredKey:
    # scopes of a newer version are ignored
    known = {scope.value for scope in Scope}
    key = Key(
        id=row.id,
        name=row.name,
        scopes=frozenset(Scope(name) for name in row.scopes.split() if name in known),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
    return StoredKey(key, row.secret_sha256, bytes.fromhex(row.token_public_key))
