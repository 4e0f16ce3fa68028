"""The history of a connection: its runs, the newest first, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kalends.connections.finding import find_connection
from kalends.model.errors import Invalid, Rule
from kalends.model.identity import Identity, Permission
from kalends.store.database import Database
from kalends.store.runs import Run, RunPosition, Runs
from kalends.vault.cursors import Cursors
from kalends.vault.signing import Signer

DEFAULT_LIMIT = 20
CURSOR_PURPOSE = "run cursors"
CURSOR_FIELD = "cursorPaging.cursor"


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of runs; `next_cursor` only where there are more."""

    runs: Sequence[Run]
    next_cursor: str | None


class RunListing:
    """Answers which syncs a connection has had: those that changed something, failed, or were asked for."""

    def __init__(self, database: Database, signer: Signer) -> None:
        self._database = database
        self._cursors = Cursors(signer, CURSOR_FIELD)

    async def list(
        self, identity: Identity, connection_id: str, *, cursor: str | None = None, limit: int | None = None
    ) -> RunPage:
        """Return a page: the first one, or the one that a cursor of the same connection leads to.

        Raises `Invalid`, `NotFound`, `PermissionDenied`.
        """
        limit = limit or DEFAULT_LIMIT
        after = None if cursor is None else self._position(identity.site_id, connection_id, cursor)
        async with self._database.read() as reader:
            connection = await find_connection(reader, identity, connection_id, Permission.READ_ALL_CONNECTIONS)
            found = await Runs(reader, identity.site_id).page(connection.id, after=after, limit=limit + 1)
        page = found[:limit]
        return RunPage(page, self._cursor(identity.site_id, page[-1]) if len(found) > limit else None)

    def _cursor(self, site_id: str, last: Run) -> str:
        claims = {"connection": last.connection_id, "after": [last.started_at.isoformat(), last.id]}
        return self._cursors.make(site_id, claims)

    def _position(self, site_id: str, connection_id: str, cursor: str) -> RunPosition:
        claims = self._cursors.read(site_id, cursor)
        if claims["connection"] != connection_id:
            raise Invalid.one(
                CURSOR_FIELD, "The cursor is one of another connection.", Rule.OTHER, name="INVALID_CURSOR"
            )
        started_at, run_id = claims["after"]
        return RunPosition(datetime.fromisoformat(started_at), run_id)
