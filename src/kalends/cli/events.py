"""`kalends events`: what blocks people, as the API answers it."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from kalends.cli.options import Json, SiteId
from kalends.cli.output import Answer, line, table
from kalends.cli.session import Session, operator_of, run

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from kalends.connections.events import ListedEvent

app = typer.Typer(name="events", help="Look at imported events.", no_args_is_help=True)

DAYS = 7
PAGE = 1_000


@app.command("list")
def list_(
    *,
    site: SiteId = None,
    schedule: Annotated[
        list[str] | None, typer.Option("--schedule", metavar="ID", help="Only of this schedule; may be repeated.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="WHEN", help="Date, or date-time (RFC 3339). Default: today.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="WHEN", help="Date, or date-time (RFC 3339). Default: 7 days later.")
    ] = None,
    include_free: Annotated[
        bool, typer.Option("--include-free", help="Also what does not block: free and declined events.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial-failure", help="Leave out, and name, what cannot be read, rather than fail.")
    ] = False,
    json: Json = False,
) -> None:
    """List the events that block the people of a site, by start, in the site's time zone."""

    async def work(session: Session) -> Answer:
        from kalends.api.events import EventMessage
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
            include_free=include_free,
        )
        listing, operator = session.kalends.events, operator_of(on.id)
        page = await listing.first(operator, query)
        failures, found = page.failures, list(page.events)
        while page.next_cursor:
            page = await listing.next(operator, page.next_cursor)
            found.extend(page.events)
        names = {one.id: one.name for one in await session.kalends.schedules.all(on.id)}
        shown: list[RenderableType] = [
            events_table(found, names, zone),
            line(f"{counted(len(found), 'event')}, times in {on.time_zone}"),
        ]
        document: dict[str, Any] = {
            "events": [EventMessage.of(one).model_dump(mode="json", by_alias=True, exclude_none=True) for one in found]
        }
        if failures:
            document["failedConnectionIds"] = list(failures.connection_ids)
            shown.append(line("Could not be read:", ", ".join(failures.connection_ids), style="bold red"))
        return Answer(document, shown)

    run(work, as_json=json)


def events_table(
    events: Sequence["ListedEvent"], schedule_names: dict[str, str], zone: ZoneInfo, title: str | None = None
) -> "Table":
    """Return events as a table, a day at a time."""
    rows = []
    shown_day = ""
    for one in events:
        day = f"{(one.start if one.all_day else one.start.astimezone(zone)):%a %d %b}"
        rows.append(
            (
                day if day != shown_day else "",
                hours(one.start, one.end, zone, all_day=one.all_day),
                schedule_names.get(one.schedule_id, one.schedule_id),
                one.calendar_name,
                one.title,
            )
        )
        shown_day = day
    return table(("day", "time", "schedule", "calendar", "event"), rows, title=title)


def hours(start: datetime, end: datetime, zone: ZoneInfo, *, all_day: bool) -> str:
    """Return when on the day of its start an event is, and until which day where that is another one."""
    if all_day:
        last = (end - timedelta(microseconds=1)).date()
        return "all day" if last == start.date() else f"until {last:%a %d %b}"
    start, end = start.astimezone(zone), end.astimezone(zone)
    return f"{start:%H:%M} – {end:%H:%M}" if start.date() == end.date() else f"{start:%H:%M} – {end:%a %H:%M}"


def span(start: str | None, end: str | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return what `--from` and `--to` say; raises `typer.BadParameter`."""
    begins = _moment(start, zone, "--from") if start else _today(zone)
    ends = _moment(end, zone, "--to") if end else begins + timedelta(days=DAYS)
    if begins >= ends:
        raise typer.BadParameter("--from must be before --to.")
    return begins, ends


def _today(zone: ZoneInfo) -> datetime:
    return datetime.combine(datetime.now(zone).date(), time(), zone)


def _moment(text: str, zone: ZoneInfo, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{option}: {text!r} is neither a date such as 2026-01-31 nor a date-time such as 2026-01-31T09:00:00Z."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
