"""Create a key from a given credential: a deployment's secret is generated before the database exists."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from segue.database.engine import WRITE, explained
from segue.database.tables import API_KEYS
from segue.errors import CredentialError
from segue.keys.key import Scope, parse_scopes, secret_sha256
from segue.keys.store import check_name
from segue.keys.token import public_key

__all__ = ["adopt_key", "is_credential"]

# The form that `segue keys create` generates; a shorter secret could be guessed.
_CREDENTIAL = re.compile(r"([0-9a-f]{16})\.([A-Za-z0-9_-]{43,128})")

# In every race one process succeeds, so ten attempts are enough for ten replicas that start at once.
_MAX_ATTEMPTS = 10
_MYSQL_DEADLOCK = 1213


def is_credential(text: str) -> bool:
    """Whether a text has the form of a credential that can be adopted."""
    return _CREDENTIAL.fullmatch(text) is not None


def adopt_key(engine: Engine, credential: str, *, name: str, scopes: Iterable[Scope]) -> bool:
    """Make `credential` the live key of a name, unless it is already. Another key of that name is revoked.

    It is ``<id>.<secret>``: 16 hexadecimal digits, and at least 43 characters of URL-safe base64.

    Returns
    -------
    bool
        Whether anything was changed. If several processes adopt it at once, more than one may return True.

    Raises
    ------
    CredentialError
        The credential is malformed or was revoked, or its id belongs to another secret.
    DatabaseError
        The database does not answer, or reported an error.
    """
    parts = _CREDENTIAL.fullmatch(credential)
    if parts is None:
        raise CredentialError(
            "the credential is not of the form ID.SECRET: expected 16 hexadecimal digits, a dot, and at "
            "least 43 characters of A-Z a-z 0-9 _ -"
        )
    key_id, secret = parts.groups()
    check_name(name)
    scope_names = " ".join(sorted(parse_scopes(scopes)))
    with explained(engine):
        for _ in range(_MAX_ATTEMPTS - 1):
            try:
                return _adopt(engine, key_id, secret, name, scope_names)
            except DBAPIError as error:
                if not _is_race(error):
                    raise
        return _adopt(engine, key_id, secret, name, scope_names)


def _is_race(error: DBAPIError) -> bool:
    """Whether another process adopted a key at the same time: the next attempt sees its result."""
    # on MySQL two transactions that search for the name and then insert it are a deadlock
    details = error.orig.args if error.orig else ()
    return isinstance(error, IntegrityError) or details[:1] == (_MYSQL_DEADLOCK,)


def _adopt(engine: Engine, key_id: str, secret: str, name: str, scopes: str) -> bool:
    now = datetime.now(UTC)
    with engine.connect().execution_options(**WRITE) as connection, connection.begin():
        if _is_current(connection, key_id, secret, name, scopes):
            return False
        others = (API_KEYS.c.live_name == name) & (API_KEYS.c.id != key_id)
        connection.execute(update(API_KEYS).where(others).values(revoked_at=now, live_name=None))
        row = {"name": name, "live_name": name, "scopes": scopes}
        if connection.execute(update(API_KEYS).where(API_KEYS.c.id == key_id).values(row)).rowcount == 0:
            new = {
                **row,
                "id": key_id,
                "secret_sha256": secret_sha256(secret),
                "token_public_key": public_key(secret).hex(),
                "created_at": now,
                "expires_at": None,
            }
            connection.execute(insert(API_KEYS), new)
    return True


def _is_current(connection: Connection, key_id: str, secret: str, name: str, scopes: str) -> bool:
    row = connection.execute(select(API_KEYS).where(API_KEYS.c.id == key_id)).one_or_none()
    if row is None:
        return False
    if not hmac.compare_digest(row.secret_sha256, secret_sha256(secret)):
        raise CredentialError(f"key {key_id} has another secret: generate a new credential")
    if row.revoked_at is not None:
        raise CredentialError(f"key {key_id} was revoked: generate a new credential")
    return (row.live_name, row.scopes) == (name, scopes)
