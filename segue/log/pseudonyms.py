"""Pseudonyms of sessions: the same at every export, and only the database's secret links them."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import Connection, select

from segue.database.statements import insert_once
from segue.database.tables import PSEUDONYM_KEY

__all__ = ["pseudonym", "pseudonym_key"]


def pseudonym_key(connection: Connection) -> bytes:
    """Read the database's secret for pseudonyms, which the first call creates.

    The caller must commit the connection's transaction.
    """
    found = connection.execute(select(PSEUDONYM_KEY.c.secret)).scalar()
    if found is None:
        row = {"id": 1, "secret": secrets.token_hex(32)}
        connection.execute(insert_once(connection, PSEUDONYM_KEY), row)
        found = connection.execute(select(PSEUDONYM_KEY.c.secret)).scalar_one()
    return bytes.fromhex(found)


def pseudonym(key: bytes, session: str) -> str:
    """Hash a session's id with the secret: 64 hexadecimal digits.

    A hash without a secret could be reversed by trying ids.
    """
    return hmac.digest(key, session.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
