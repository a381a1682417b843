"""Names that stand for sessions, the same at every export, and that only the database can tell whose."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import Connection, select

from segue.database.statements import insert_once
from segue.database.tables import PSEUDONYM_KEY

__all__ = ["pseudonym", "pseudonym_key"]


def pseudonym_key(connection: Connection) -> bytes:
    """Read the database's secret for pseudonyms; who asks first draws it.

    The connection's transaction has to be committed for it to stay.
    """
    found = connection.execute(select(PSEUDONYM_KEY.c.secret)).scalar()
    if found is None:
        row = {"id": 1, "secret": secrets.token_hex(32)}
        connection.execute(insert_once(connection, PSEUDONYM_KEY), row)
        found = connection.execute(select(PSEUDONYM_KEY.c.secret)).scalar_one()
    return bytes.fromhex(found)


def pseudonym(key: bytes, session: str) -> str:
    """Hash a session's id under the secret: 64 hexadecimal digits.

    A plain hash could be undone by trying ids out.
    """
    return hmac.digest(key, session.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
