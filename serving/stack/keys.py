"""The keys of a stack: the page's and the user's. Those of the previous run are revoked."""

from __future__ import annotations

from dataclasses import dataclass

from segue.database import migrate, open_engine
from segue.keys import Scope, create_key, list_keys, revoke_key

__all__ = ["StackKeys", "make_keys"]

_PAGE, _ADMIN = "page of this machine", "admin of this machine"


@dataclass(frozen=True)
class StackKeys:
    """The credentials, each ``<id>.<secret>``."""

    page: str
    admin: str


def make_keys(database_url: str) -> StackKeys:
    """Create both keys in the database, after migrating it."""
    migrate(database_url)
    engine = open_engine(database_url)
    try:
        for key in list_keys(engine):
            if key.name in (_PAGE, _ADMIN) and key.revoked_at is None:
                revoke_key(engine, key.id)
        _, page = create_key(engine, name=_PAGE, scopes=(Scope.READ, Scope.FEEDBACK))
        _, admin = create_key(engine, name=_ADMIN, scopes=tuple(Scope))
    finally:
        engine.dispose()
    return StackKeys(page, admin)
