"""`kalends event conflicts`: external events that overlap events on the same schedule."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from kalends.cli.events import hours, span
from kalends.cli.options import Json, SiteId
from kalends.cli.output import Answer, line, table
from kalends.cli.session import Session, operator_of, run

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from kalends.connections.conflicts import Conflict

PAGE = 1_000


def conflicts(
    *,
    schedule: Annotated[
        list[str] | None, typer.Option("--schedule", metavar="ID", help="Only of this schedule; may be repeated.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="WHEN", help="Date, or date-time (RFC 3339). Default: today.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="WHEN", help="Date, or date-time (RFC 3339). Default: 7 days later.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial-failure", help="Leave out, and name, what cannot be read, rather than fail.")
    ] = False,
    site: SiteId = None,
    json: Json = False,
) -> None:
    """List external events that overlap events on the same schedule, by their start, in the site's time zone."""

    async def work(session: Session) -> Answer:
        from kalends.api.conflicts import ConflictMessage
        from kalends.connections.queries import EventQuery
        from kalends.doctor.finding import counted
        from kalends.model.time import Window

        on = await session.site(site)
        zone = ZoneInfo(on.time_zone)
        query = EventQuery(
            span=Window(*span(start, end, zone)),
            schedule_ids=await session.known_schedules(on.id, schedule),
            personal=True,
            limit=PAGE,
            partial_failure=partial,
        )
        listing, operator = session.kalends.conflicts, operator_of(on.id)
        page = await listing.first(operator, query)
        failures, found = page.failures, list(page.conflicts)
        while page.next_cursor:
            page = await listing.next(operator, page.next_cursor)
            found.extend(page.conflicts)
        names = {one.id: one.name for one in await session.kalends.schedules.all(on.id)}
        shown: list[RenderableType] = [
            _table(found, names, zone),
            line(f"{counted(len(found), 'conflict')}, times in {on.time_zone}"),
        ]
        document: dict[str, Any] = {
            "conflicts": [
                ConflictMessage.of(one).model_dump(mode="json", by_alias=True, exclude_none=True) for one in found
            ]
        }
        if failures:
            document["failedConnectionIds"] = list(failures.connection_ids)
            shown.append(line("Could not be read:", ", ".join(failures.connection_ids), style="bold red"))
        return Answer(document, shown)

    run(work, as_json=json)


def _table(found: Sequence["Conflict"], schedule_names: dict[str, str], zone: ZoneInfo) -> "Table":
    rows = [
        (
            f"{(one.start if one.view.times.all_day else one.start.astimezone(zone)):%a %d %b %Y}",
            hours(one.start, one.end, zone, all_day=one.view.times.all_day),
            schedule_names.get(one.external.schedule_id, one.external.schedule_id),
            one.title,
            one.view.id,
            _external_hours(one, zone),
            one.external.calendar_name,
            one.external.title,
        )
        for one in found
    ]
    return table(("day", "time", "schedule", "title", "event", "external", "calendar", "external event"), rows)


def _external_hours(conflict: "Conflict", zone: ZoneInfo) -> str:
    """Return when the external event is, with its day where that is another one than of the schedule's event."""
    external = conflict.external
    start = external.start if external.all_day else external.start.astimezone(zone)
    when = hours(external.start, external.end, zone, all_day=external.all_day)
    beside = conflict.start if conflict.view.times.all_day else conflict.start.astimezone(zone)
    return when if start.date() == beside.date() else f"{start:%a %d %b}, {when}"
