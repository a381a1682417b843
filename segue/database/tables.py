"""The tables. `migrations/` makes them; a test compares the two."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from segue.database.types import UtcDateTime
from segue.limits import ID_LENGTH

__all__ = [
    "API_KEYS",
    "FEEDBACK",
    "FORGOTTEN_SESSIONS",
    "METADATA",
    "PSEUDONYM_KEY",
    "RECOMMEND_ITEMS",
    "RECOMMEND_LOGS",
]

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# Ids are compared byte by byte: MySQL's default takes "a" for "A", and Spotify's ids need both.
_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}

# Ids of tracks and sessions come from outside; ingest and the gateway refuse longer ones.
_ID = String(ID_LENGTH)

# One row a list that was shown.
RECOMMEND_LOGS = Table(
    "recommend_logs",
    METADATA,
    Column("impression_id", Uuid, primary_key=True),
    Column("time", UtcDateTime, nullable=False, index=True),
    Column("session", _ID, index=True),
    Column("api", String(16), nullable=False),
    Column("request", JSON, nullable=False),
    Column("seeds", JSON, nullable=False),
    Column("k", Integer, nullable=False),
    # how many were shown: with the rank of each item it is what a correction for position needs
    Column("list_size", Integer, nullable=False),
    Column("latency_seconds", Double, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("degraded", Boolean(create_constraint=False), nullable=False),
    Column("list_diversity", Double),
    Column("avg_popularity", Double),
    Column("genre_precision", Double),
    **_OPTIONS,
)

# One row a track of a list. No foreign key, here or below: rows may arrive in any order from a spool.
RECOMMEND_ITEMS = Table(
    "recommend_items",
    METADATA,
    Column("impression_id", Uuid, primary_key=True),
    Column("rank", SmallInteger, primary_key=True, autoincrement=False),
    Column("track_id", _ID, nullable=False),
    Column("score", Double, nullable=False),
    **_OPTIONS,
)

# One row for what a listener did with a track of a list.
FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("feedback_id", Uuid, primary_key=True),
    Column("impression_id", Uuid, nullable=False, index=True),
    Column("track_id", _ID, nullable=False),
    Column("event", String(16), nullable=False),
    Column("time", UtcDateTime, nullable=False, index=True),
    Column("session", _ID, index=True),
    **_OPTIONS,
)

# Who may call the gateway. A secret itself is nowhere.
API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    # the name while the key is live, else nothing: so names are unique among live keys on every database
    Column("live_name", String(100)),
    Column("scopes", String(100), nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    # verifies the key's tokens and can't make one: see segue.keys.token
    Column("token_public_key", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    UniqueConstraint("live_name"),
    **_OPTIONS,
)

# Sessions that were erased: what a spool still holds of one from before that moment is dropped.
FORGOTTEN_SESSIONS = Table(
    "forgotten_sessions",
    METADATA,
    Column("pseudonym", String(64), primary_key=True),
    Column("forgotten_at", UtcDateTime, nullable=False),
    **_OPTIONS,
)

# The one secret under which sessions are hashed, so that an export has the same pseudonyms every time and
# nobody without the database can tell whose they are.
PSEUDONYM_KEY = Table(
    "pseudonym_key",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    **_OPTIONS,
)
