"""The log and the keys.

Revision: 0001, the first.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from segue.database.types import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "if_not_exists": True,
}


def upgrade() -> None:
    """Create the tables. MySQL can't roll back DDL: each statement must be idempotent."""
    op.create_table(
        "recommend_logs",
        sa.Column("impression_id", sa.Uuid(), nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.Column("session", sa.String(255)),
        sa.Column("api", sa.String(16), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("seeds", sa.JSON(), nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.Column("list_size", sa.Integer(), nullable=False),
        sa.Column("latency_seconds", sa.Double(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("degraded", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("list_diversity", sa.Double()),
        sa.Column("avg_popularity", sa.Double()),
        sa.Column("genre_precision", sa.Double()),
        sa.PrimaryKeyConstraint("impression_id", name="pk_recommend_logs"),
        **_OPTIONS,
    )
    op.create_table(
        "recommend_items",
        sa.Column("impression_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("track_id", sa.String(255), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("impression_id", "rank", name="pk_recommend_items"),
        **_OPTIONS,
    )
    op.create_table(
        "feedback",
        sa.Column("feedback_id", sa.Uuid(), nullable=False),
        sa.Column("impression_id", sa.Uuid(), nullable=False),
        sa.Column("track_id", sa.String(255), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.Column("session", sa.String(255)),
        sa.PrimaryKeyConstraint("feedback_id", name="pk_feedback"),
        **_OPTIONS,
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("live_name", sa.String(100)),
        sa.Column("scopes", sa.String(100), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("token_public_key", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("revoked_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("live_name", name="uq_api_keys_live_name"),
        **_OPTIONS,
    )
    op.create_table(
        "forgotten_sessions",
        sa.Column("pseudonym", sa.String(64), nullable=False),
        sa.Column("forgotten_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_forgotten_sessions"),
        **_OPTIONS,
    )
    op.create_table(
        "pseudonym_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pseudonym_key"),
        sa.CheckConstraint("id = 1", name="ck_pseudonym_key_one_row"),
        **_OPTIONS,
    )
    for table, column in (
        ("recommend_logs", "time"),
        ("recommend_logs", "session"),
        ("feedback", "impression_id"),
        ("feedback", "time"),
        ("feedback", "session"),
    ):
        _create_index(table, column)


def _create_index(table: str, column: str) -> None:
    name = f"ix_{table}_{column}"
    # MySQL has no CREATE INDEX IF NOT EXISTS
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, [column])


def downgrade() -> None:
    """Drop the tables and their rows."""
    for name in (
        "pseudonym_key",
        "forgotten_sessions",
        "api_keys",
        "feedback",
        "recommend_items",
        "recommend_logs",
    ):
        op.drop_table(name, if_exists=True)
