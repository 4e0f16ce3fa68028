"""`kalends event`: bookings, classes and blocks on the schedules of a site."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from kalends.cli.options import Json, SiteId, TimeZone, the_one
from kalends.cli.output import Answer, facts, line, table
from kalends.cli.session import Session, run

if TYPE_CHECKING:
    from rich.console import RenderableType

    from kalends.schedules.event_drafts import AskedTimes
    from kalends.schedules.event_finding import EventOnSchedule

app = typer.Typer(
    name="event", help="Make, list, change and cancel events on the schedules of a site.", no_args_is_help=True
)

DAYS = 7
PAGE = 1_000

Argument = Annotated[str | None, typer.Argument(metavar="[EVENT]", help="The event.", show_default=False)]
Option = Annotated[str | None, typer.Option("--event", metavar="ID", help="The event, in place of EVENT.")]
Notes = Annotated[str | None, typer.Option("--notes", metavar="TEXT", help="Notes, up to 5,000 characters.")]
Interval = Annotated[int | None, typer.Option("--every", metavar="WEEKS", help="It recurs each so many weeks.")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help="The last day, or the latest local time of a start.")
]


@app.command()
def create(
    *,
    schedule: Annotated[str, typer.Option("--schedule", metavar="ID", help="The schedule that it is on.")],
    start: Annotated[str, typer.Option("--start", metavar="WHEN", help="Local time, or date of an all-day event.")],
    end: Annotated[
        str, typer.Option("--end", metavar="WHEN", help="Local time, or the date after the last day; exclusive.")
    ],
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="Its title; the schedule's default by default.")
    ] = None,
    time_zone: TimeZone = None,
    kind: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="DEFAULT, WORKING_HOURS, APPOINTMENT, CLASS or COURSE."),
    ] = None,
    free: Annotated[bool, typer.Option("--free", help="It does not block.")] = False,
    notes: Notes = None,
    interval: Interval = None,
    until: Until = None,
    site: SiteId = None,
    json: Json = False,
) -> None:
    """Make an event, by default in the schedule's time zone. With --every it recurs on the weekday of its start."""
    if until is not None and interval is None:
        raise typer.BadParameter("--until goes with --every.")

    async def work(session: Session) -> Answer:
        from kalends.model.schedule_event import EventType
        from kalends.schedules.event_drafts import AskedRule, EventDraft

        if kind is not None and kind not in set(EventType):
            raise typer.BadParameter(f"--type must be one of {', '.join(EventType)}.")
        draft = EventDraft(
            schedule_id=schedule,
            times=_times(start, end, time_zone),
            type=EventType(kind or EventType.DEFAULT),
            rule=None if interval is None else AskedRule(interval, until=_latest(until)),
            content=_content(title, notes, free=free or None),
        )
        made = await session.kalends.event_creating.create((await session.site(site)).id, draft)
        return _answer(made)

    run(work, as_json=json)


@app.command()
def get(*, event_id: Argument = None, event: Option = None, site: SiteId = None, json: Json = False) -> None:
    """Show an event: a single one, a series, or an instance of one."""
    wanted = the_one(event_id, event, "event")

    async def work(session: Session) -> Answer:
        return _answer(await session.kalends.event_reading.get((await session.site(site)).id, wanted))

    run(work, as_json=json)


@app.command("list")
def list_(
    *,
    schedule: Annotated[
        list[str] | None, typer.Option("--schedule", metavar="ID", help="Only of this schedule; may be repeated.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="WHEN", help="Local time or date. Default: today.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="WHEN", help="Local time or date. Default: 7 days later.")
    ] = None,
    series: Annotated[bool, typer.Option("--series", help="Series as such, in place of their instances.")] = False,
    cancelled: Annotated[bool, typer.Option("--cancelled", help="Also what was cancelled.")] = False,
    site: SiteId = None,
    json: Json = False,
) -> None:
    """List events by start, in the site's time zone; series come as their instances."""

    async def work(session: Session) -> Answer:
        from kalends.model.schedule_event import EventStatus, EventType, RecurrenceType, instant
        from kalends.model.time import Window
        from kalends.schedules.event_queries import USUAL_RECURRENCE, EventQuery
        from kalends.store.schedule_events import EventFilter

        on = await session.site(site)
        today = datetime.now(ZoneInfo(on.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        begins = _local(start, "--from") if start else today
        ends = _local(end, "--to") if end else begins + timedelta(days=DAYS)
        if begins >= ends:
            raise typer.BadParameter("--from must be before --to.")
        query = EventQuery(
            Window(instant(begins, on.time_zone), instant(ends, on.time_zone)),
            EventFilter(schedule_ids=await session.known_schedules(on.id, schedule), types=tuple(EventType)),
            statuses=tuple(EventStatus) if cancelled else (EventStatus.CONFIRMED,),
            recurrence=(RecurrenceType.NONE, RecurrenceType.MASTER) if series else USUAL_RECURRENCE,
            limit=PAGE,
            time_zone=on.time_zone,
        )
        reading = session.kalends.event_reading
        page = await reading.first(on.id, query)
        found = list(page.events)
        while page.next_cursor:
            page = await reading.next(on.id, page.next_cursor)
            found.extend(page.events)
        return _list(found, on.time_zone)

    run(work, as_json=json)


@app.command()
def update(
    *,
    event_id: Argument = None,
    event: Option = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Its title.")] = None,
    start: Annotated[str | None, typer.Option("--start", metavar="WHEN", help="Local time or date.")] = None,
    end: Annotated[str | None, typer.Option("--end", metavar="WHEN", help="Local time or date; exclusive.")] = None,
    time_zone: TimeZone = None,
    notes: Notes = None,
    free: Annotated[bool, typer.Option("--free", help="It does not block.")] = False,
    busy: Annotated[bool, typer.Option("--busy", help="It blocks.")] = False,
    interval: Interval = None,
    until: Until = None,
    following: Annotated[
        bool, typer.Option("--following", help="Change this instance and all that follow it.")
    ] = False,
    site: SiteId = None,
    json: Json = False,
) -> None:
    """Change what is given of an event. Of a series, what has begun stays; an instance alone becomes an exception."""
    wanted = the_one(event_id, event, "event")
    if free and busy:
        raise typer.BadParameter("--free and --busy exclude each other.")
    if not (free or busy or {title, start, end, time_zone, notes, interval, until} != {None}):
        raise typer.BadParameter("Say what is to be changed.")

    async def work(session: Session) -> Answer:
        from kalends.model.schedule_event import WeeklyRule
        from kalends.schedules.event_drafts import AskedRule, EventChange

        on, kalends = (await session.site(site)).id, session.kalends
        before = (await kalends.event_reading.get(on, wanted)).view
        rule = None
        if interval is not None or until is not None:
            present = before.segment.rule or WeeklyRule()
            rule = AskedRule(
                present.interval if interval is None else interval,
                until=_latest(until) or present.until,
            )
        change = EventChange(
            _times(start, end, time_zone), rule, _content(title, notes, free=free if free or busy else None)
        )
        changing = kalends.event_changing
        changed = await (changing.update_following if following else changing.update)(
            on, before.id, change, revision=before.revision
        )
        return _answer(changed)

    run(work, as_json=json)


@app.command()
def cancel(
    *,
    event_id: Argument = None,
    event: Option = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    site: SiteId = None,
    json: Json = False,
) -> None:
    """Cancel an event for ever: a single one, one instance, or of a series all that has not begun."""
    wanted = the_one(event_id, event, "event")
    if not yes:
        typer.confirm(f"Cancel event {wanted} for ever?", abort=True, err=True)

    async def work(session: Session) -> Answer:
        return _answer(await session.kalends.event_cancelling.cancel((await session.site(site)).id, wanted))

    run(work, as_json=json)


def _times(start: str | None, end: str | None, time_zone: str | None) -> "AskedTimes":
    """Return what is said of times; two dates make an event all-day, two local times a timed one."""
    from kalends.schedules.event_drafts import AskedTimes

    given = [one for one in (start, end) if one is not None]
    dates = [_is_date(one) for one in given]
    if len(set(dates)) > 1:
        raise typer.BadParameter("--start and --end must both be dates, or both local times.")
    return AskedTimes(
        start=_local(start, "--start") if start else None,
        end=_local(end, "--end") if end else None,
        zone=time_zone,
        all_day=dates[0] if given else None,
    )


def _content(title: str | None, notes: str | None, *, free: bool | None) -> dict[str, Any]:
    transparency = None if free is None else "TRANSPARENT" if free else "OPAQUE"
    said = {"title": title, "notes": notes, "transparency": transparency}
    return {name: value for name, value in said.items() if value is not None}


def _is_date(text: str) -> bool:
    return len(text) == len("2026-01-31")


def _local(text: str, option: str) -> datetime:
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        wall = None
    if wall is None or wall.tzinfo is not None:
        raise typer.BadParameter(
            f"{option}: {text!r} is neither a date such as 2026-01-31 nor a local time such as 2026-01-31T09:00."
        )
    return wall


def _latest(until: str | None) -> datetime | None:
    """Return the latest start: a day counts as a whole."""
    if until is None:
        return None
    wall = _local(until, "--until")
    return wall.replace(hour=23, minute=59) if _is_date(until) else wall


def _answer(found: "EventOnSchedule") -> Answer:
    view = found.view
    recurs = f"every {view.rule.interval} weeks" if view.rule and view.rule.interval > 1 else "every week"
    shown = facts(
        event=view.id,
        schedule=f"{found.schedule.name} ({found.schedule.id})",
        title=view.content.get("title"),
        type=view.event.type,
        status=view.status,
        start=_shown(view.times.start, all_day=view.times.all_day),
        end=_shown(view.times.end, all_day=view.times.all_day),
        time_zone=view.times.zone,
        recurs=recurs if view.rule else view.recurrence.lower(),
        until=view.rule.until if view.rule else None,
        notes=view.content.get("notes"),
        revision=view.revision,
    )
    return Answer(_document(found), [shown])


def _list(found: list["EventOnSchedule"], zone: str) -> Answer:
    from kalends.doctor.finding import counted

    rows = [
        (
            f"{_there(one, zone):%a %d %b %Y}",
            "all day" if one.view.times.all_day else f"{_there(one, zone):%H:%M}",
            one.schedule.name,
            one.view.content.get("title"),
            one.view.status.lower(),
            one.view.id,
        )
        for one in found
    ]
    shown: list[RenderableType] = [
        table(("day", "time", "schedule", "title", "status", "event"), rows),
        line(f"{counted(len(found), 'event')}, times in {zone}"),
    ]
    return Answer({"events": [_document(one, zone) for one in found]}, shown)


def _there(found: "EventOnSchedule", zone: str) -> datetime:
    """Return the start as a clock in a zone shows it; an all-day event is on its day everywhere."""
    times = found.view.times
    return times.start if times.all_day else times.start_at.astimezone(ZoneInfo(zone))


def _shown(wall: datetime, *, all_day: bool) -> str:
    return f"{wall:%Y-%m-%d}" if all_day else f"{wall:%Y-%m-%d %H:%M}"


def _document(found: "EventOnSchedule", zone: str | None = None) -> dict[str, Any]:
    from kalends.api.schedule_event_messages import ScheduleEventMessage

    return ScheduleEventMessage.of(found, zone).model_dump(mode="json", by_alias=True, exclude_none=True)
