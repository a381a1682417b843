"""The tables. `migrations/` creates them; a test compares the two."""

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
# Binary collation: MySQL's default ignores case, and Spotify's ids are case-sensitive.
_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}

# Ids of tracks and sessions are user input: ingest and the gateway refuse longer ones.
_ID = String(ID_LENGTH)

# One row per list that was shown.
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
    # number of items shown: with each item's rank, for a position bias correction
    Column("list_size", Integer, nullable=False),
    Column("latency_seconds", Double, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("degraded", Boolean(create_constraint=False), nullable=False),
    Column("list_diversity", Double),
    Column("avg_popularity", Double),
    Column("genre_precision", Double),
    **_OPTIONS,
)

# One row per track of a list. No foreign keys, here or below: rows may arrive from a spool in any order.
RECOMMEND_ITEMS = Table(
    "recommend_items",
    METADATA,
    Column("impression_id", Uuid, primary_key=True),
    Column("rank", SmallInteger, primary_key=True, autoincrement=False),
    Column("track_id", _ID, nullable=False),
    Column("score", Double, nullable=False),
    **_OPTIONS,
)

# One row per event of a listener on a track of a list.
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

# The gateway's API keys; secrets are not stored.
API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    # the name while the key is live, then NULL: makes names unique among live keys on every database
    Column("live_name", String(100)),
    Column("scopes", String(100), nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    # verifies tokens, but can't sign them: see segue.keys.token
    Column("token_public_key", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    UniqueConstraint("live_name"),
    **_OPTIONS,
)

# Erased sessions: records in a spool from before the erasure are dropped.
FORGOTTEN_SESSIONS = Table(
    "forgotten_sessions",
    METADATA,
    Column("pseudonym", String(64), primary_key=True),
    Column("forgotten_at", UtcDateTime, nullable=False),
    **_OPTIONS,
)

# The secret key of the hash of sessions: exports have stable pseudonyms, which can't be reversed without it.
PSEUDONYM_KEY = Table(
    "pseudonym_key",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    **_OPTIONS,
)
