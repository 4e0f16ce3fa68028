"""What the store holds of one connection, read past the product: content as it is, and where it lies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, bindparam, create_engine, literal_column, select

from kalends.store.database import Database
from kalends.store.tables import calendars, connections, groups, items, occurrences, passes, readings, runs

CONTENTS = (items, groups, occurrences)
EVERYTHING = (connections, calendars, readings, passes, *CONTENTS, runs)
STAMPED = frozenset({"seen_pass", "where"})
"""What changes of an item that a full pass has only seen."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The rows of a site, as mappings by column; `where` is the place on the disk where a row lies."""

    rows: Mapping[str, list[dict[str, Any]]]

    @property
    def connection(self) -> dict[str, Any]:
        """The only connection."""
        (row,) = self.rows["connections"]
        return row

    @property
    def calendars(self) -> Mapping[str, dict[str, Any]]:
        """The provider's id of a calendar → its row."""
        return {row["external_id"]: row for row in self.rows["calendars"]}

    def of(self, table: Table, external_id: str) -> list[dict[str, Any]]:
        """Return the rows of a table that belong to a calendar."""
        calendar = self.calendars.get(external_id)
        return [row for row in self.rows[table.name] if calendar and row["calendar_id"] == calendar["id"]]

    def reading(self, external_id: str) -> dict[str, Any] | None:
        """Return how far a calendar was read, None where it is not known."""
        found = self.of(readings, external_id)
        return found[0] if found else None

    def items(self, external_id: str) -> Mapping[str, dict[str, Any]]:
        """Return the items of a calendar by key."""
        return {row["item_key"]: row for row in self.of(items, external_id)}

    def written(self, later: "Stored", external_id: str, table: Table, *, stamps: bool = True) -> set[str]:
        """Return the groups of a calendar of which rows were written up to a later look; `stamps` count or do not."""
        # on PostgreSQL, a row that is stamped lies elsewhere afterwards
        left_out = frozenset[str]() if stamps else STAMPED
        before, after = (
            {tuple((name, str(value)) for name, value in row.items() if name not in left_out) for row in rows}
            for rows in (self.of(table, external_id), later.of(table, external_id))
        )
        return {dict(row)["group_key"] for row in before ^ after}


class Looks:
    """Looks at what is stored, without going through the product; on SQLite without a thread, for there are many."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._embedded = create_engine(database.url.set(drivername="sqlite")) if database.embedded else None
        place = "rowid" if database.embedded else "ctid"
        self._queries = {
            table.name: select(table, literal_column(f"{table.name}.{place}").label("where")).where(
                table.c.site_id == bindparam("site")
            )
            for table in EVERYTHING
        }

    async def at(self, site_id: str) -> Stored:
        """Read everything that is stored of a site's connections."""
        if self._embedded is not None:
            with self._embedded.connect() as reader:
                return self._read(reader, site_id)
        async with self._database.read() as transaction:
            return await transaction.run_sync(self._read, site_id)

    def close(self) -> None:
        """Close what was opened for looking."""
        if self._embedded is not None:
            self._embedded.dispose()

    def _read(self, reader: Connection, site_id: str) -> Stored:
        return Stored(
            {
                name: [dict(row) for row in reader.execute(query, {"site": site_id}).mappings()]
                for name, query in self._queries.items()
            }
        )
