"""The gateway's database: it is connected, and migrated where that is allowed, in the background."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import Engine

from segue.database import migrate, open_engine
from segue.database.migrate import check_schema
from segue.database.settings import DatabaseSettings
from segue.errors import DatabaseError

__all__ = ["Database"]

logger = logging.getLogger(__name__)

_AGAIN_SECONDS = 2.0


class Database:
    """Waits for the database in the background, so that the gateway runs while it does not answer.

    Its tables are migrated to this version at the start if that is allowed; SQLite's always are, since the
    file is local.
    """

    def __init__(self, settings: DatabaseSettings, *, may_migrate: bool) -> None:
        self._url = settings.url.get_secret_value()
        self.engine: Engine = open_engine(self._url)
        self._may_migrate = may_migrate or self.engine.dialect.name == "sqlite"
        self.waiting_for: str | None = "the first connection to the database"

    async def connect(self) -> None:
        """Try until the tables are those of this version; log and keys handle later outages."""
        while True:
            try:
                await asyncio.to_thread(self._prepare)
            except DatabaseError as error:
                if str(error) != self.waiting_for:
                    logger.warning("not ready: %s", error)
                self.waiting_for = str(error)
            else:
                self.waiting_for = None
                return
            await asyncio.sleep(_AGAIN_SECONDS)

    def _prepare(self) -> None:
        if self._may_migrate:
            migrate(self._url)
        check_schema(self.engine)
