"""What an operator is shown of a connection beyond the API: its calendars, its runs, and what could not be read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kalends.api.connection_messages import ConnectionMessage
from kalends.api.health_messages import DoubtMessage, ExportsMessage
from kalends.cli.output import instant
from kalends.connections.exports import ExportHealth, export_health
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.contents import Contents
from kalends.store.database import Database
from kalends.store.groups import Quarantined, quarantined
from kalends.store.runs import Run, Runs

if TYPE_CHECKING:
    from kalends.connections.views import ConnectionView
    from kalends.model.connection import Connection
    from kalends.providers.quirks import Quirk

RUNS_SHOWN = 10


@dataclass(frozen=True)
class Inspection:
    """What is stored of a connection; `items` counts the items of each calendar by our id of it.

    `quirks` are the deviations of its server by name, None for one that this version does not know.
    """

    calendars: Sequence[StoredCalendar]
    items: dict[str, int]
    quarantined: Sequence[Quarantined]
    runs: Sequence[Run]
    exports: ExportHealth
    quirks: "Mapping[str, Quirk | None]"


async def inspect(database: Database, connection: "Connection", known: "Mapping[str, Quirk]") -> Inspection:
    """Return what is stored of a connection; `known` are the deviations that its provider's plugin knows of."""
    site_id = connection.site_id
    async with database.read() as reader:
        calendars = await Calendars(reader, site_id).of_connection(connection.id)
        return Inspection(
            calendars,
            {one.id: await Contents(reader, site_id, one.id).items.count() for one in calendars},
            await quarantined(reader, site_id, connection.id),
            await Runs(reader, site_id).latest(connection.id, RUNS_SHOWN),
            await export_health(reader, connection, calendars),
            {name: known.get(name) for name in (*known, *sorted(connection.quirks)) if name in connection.quirks},
        )


def connection_document(view: "ConnectionView") -> dict[str, Any]:
    """Return a connection as the API answers it, with what an operator needs besides."""
    one = view.connection
    return {
        "connectionId": one.id,
        **ConnectionMessage.of(view).model_dump(mode="json", by_alias=True, exclude_none=True),
        "createdDate": instant(one.created_at),
        "lastGoodReadDate": instant(one.last_good_read_at),
        "failures": one.failures,
        "lastError": one.last_error,
    }


def inspection_document(found: Inspection) -> dict[str, Any]:
    """Return an inspection as JSON documents write it."""
    return {
        "calendars": [
            {
                "id": one.calendar.id,
                "name": one.calendar.name,
                "imported": one.selected,
                "items": found.items[one.id],
                "lastGoodReadDate": instant(one.last_good_read_at),
                "goneDate": instant(one.gone_at),
            }
            for one in found.calendars
        ],
        "doubts": [
            one.model_dump(mode="json", by_alias=True, exclude_none=True)
            for one in DoubtMessage.of_each(found.calendars)
        ],
        "exports": exports_document(found.exports),
        "quarantined": [
            {"calendar": one.calendar, "uid": one.problem.uid, "reason": one.problem.reason}
            for one in found.quarantined
        ],
        "quirks": [
            {"name": name, "summary": quirk and quirk.summary, "consequence": quirk and quirk.consequence}
            for name, quirk in found.quirks.items()
        ],
        "runs": [run_document(one) for one in found.runs],
    }


def exports_document(exports: ExportHealth) -> dict[str, Any]:
    """Return how exporting is doing as JSON documents write it."""
    return ExportsMessage.of(exports).model_dump(mode="json", by_alias=True, exclude_none=True)


def run_document(run: Run) -> dict[str, Any]:
    """Return a run as JSON documents write it."""
    return {
        "cause": run.cause.value,
        "outcome": run.outcome.value,
        "counts": asdict(run.counts),
        "requests": run.requests,
        "startedDate": instant(run.started_at),
        "endedDate": instant(run.ended_at),
        "error": run.error,
    }
