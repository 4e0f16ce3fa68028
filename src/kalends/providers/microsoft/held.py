"""A copy as Graph has it: the event, and where it is a series, the instances that differ and the days without one.

Version 1.0 of Graph does not say of a series which of its instances are exceptions, or were deleted: they are found by
asking for all of them ("List instances"), five years at a time at most.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from kalends.ical.zones import Zone
from kalends.model.schedule_event import EventTimes
from kalends.providers.copy_times import times_between
from kalends.providers.errors import CalendarGone, CursorRefused, Unavailable
from kalends.providers.export import CopyGone, StoredCopy
from kalends.providers.microsoft.client import GraphApi
from kalends.providers.microsoft.content import FIELDS, Content, day_of, held_content, zone_of
from kalends.providers.microsoft.pattern import Pattern, held_pattern

_PAGE = "300"
"""More than the weeks of a span."""
_SPAN = timedelta(days=1_800)
"""What instances are asked for at once; Graph allows 1,825 days."""
_MOST_SPANS = 4
"""How far a series without end is looked at: almost twenty years."""
_MOST_PAGES = 20
_SLACK = timedelta(days=2)
_SLIM = "id,type,originalStart,isAllDay"
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
_EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a series; `content` is what it says where it is an exception, None where it is as its rule has it.

    `version` is the etag of an exception. `guests` tells whether somebody is invited to it alone.
    """

    id: str
    content: Content | None = None
    version: str = ""
    guests: bool = False


@dataclass(frozen=True)
class HeldCopy:
    """A copy. `instances` are those of a series by the day of their own, as far as it is looked at.

    That is until the day `until`. `recurrence` is that of the event as Graph words it, `zone` the one that it was made
    in, None for an unknown one.
    """

    id: str
    etag: str
    content: Content
    pattern: Pattern | None
    recurrence: object
    zone: Zone | None
    guests: bool
    instances: Mapping[date, Instance] = field(default_factory=dict)
    until: date = date.min

    @property
    def missing(self) -> frozenset[date]:
        """The days on which the rule makes an instance, and none is there."""
        days = self.pattern.days(self.until) if self.pattern else ()
        return frozenset(day for day in days if day not in self.instances)

    @property
    def has_guests(self) -> bool:
        """Whether somebody is invited to it, or to an instance of it."""
        return self.guests or any(one.guests for one in self.instances.values())

    def normal(self, day: date) -> Content | None:
        """Return what an instance says that is as its rule has it; None where that is not to be known."""
        return None if self.zone is None else self.content.on(day, self.zone)

    def stored(self) -> StoredCopy:
        """Return it as the port has it."""
        return StoredCopy(self.id, self.version, self._echo(), self._times())

    @property
    def version(self) -> str:
        """The etag of a single event; of a series, that of its master and what tells its exceptions' from others."""
        if self.pattern is None:
            return self.etag
        exceptions = [[str(day), one.version] for day, one in sorted(self.instances.items()) if one.content is not None]
        return f"{self.etag} {_digest([exceptions, sorted(map(str, self.missing))])}"

    def _times(self) -> EventTimes | None:
        start, end, all_day = self.content.times
        if all_day:
            return times_between(start.date(), end.date(), None)
        return times_between(start, end, self.zone.name if self.zone else None)

    def _echo(self) -> str:
        said: list[object] = [self.content.spelled()]
        if self.pattern is not None:
            differing = [
                [str(day), one.content.spelled()]
                for day, one in sorted(self.instances.items())
                if one.content is not None and one.content != self.normal(day)
            ]
            said += [self.pattern.spelling, self.pattern.zone, differing, sorted(map(str, self.missing))]
        return _digest(said)


async def read_copy(api: GraphApi, calendar_id: str, event_id: str) -> HeldCopy:
    """Return the copy with an id, wherever in the mailbox its owner has put it.

    Raises `CopyGone` where there is none, `CalendarGone` where its calendar is no more, `Unavailable`.
    """
    event = await _event(api, calendar_id, event_id, f"{FIELDS},recurrence")
    zone, content = zone_of(event), held_content(event)
    pattern = held_pattern(event.get("recurrence"), _text(event, "originalStartTimeZone"))
    held = HeldCopy(
        id=event_id,
        etag=_text(event, "@odata.etag"),
        content=content,
        pattern=pattern,
        recurrence=event.get("recurrence"),
        zone=zone,
        guests=bool(event.get("attendees")),
    )
    if pattern is None or not pattern.plain or pattern.first is None or zone is None:
        return held
    until = min(pattern.last or date.max, pattern.first + _SPAN * _MOST_SPANS)
    instances: dict[date, Instance] = {}
    for since, to in _spans(pattern, until):
        instances |= await _instances(api, calendar_id, held, since, to)
    return replace(held, instances=instances, until=until)


async def instance_on(api: GraphApi, calendar_id: str, held: HeldCopy, day: date) -> Instance | None:
    """Return the instance of a day, beyond what is looked at too; None where there is none."""
    if day <= held.until or held.pattern is None:
        return held.instances.get(day)
    around = timedelta(weeks=held.pattern.weeks)
    found = await _instances(api, calendar_id, held, _start(day - around), _start(day + around))
    return found.get(day)


async def check_calendar(api: GraphApi, calendar_id: str) -> None:
    """See that a calendar is there; raises `CalendarGone`."""
    try:
        await api.get(api.url("calendars", calendar_id, **{"$select": "id"}))
    except CursorRefused as error:
        raise CalendarGone(str(error)) from None


async def _event(api: GraphApi, calendar_id: str, event_id: str, fields: str) -> Mapping[str, Any]:
    try:
        return await api.get(api.url("events", event_id, **{"$select": fields}))
    except (CalendarGone, CursorRefused) as error:
        await check_calendar(api, calendar_id)
        raise CopyGone(str(error)) from None


async def _instances(
    api: GraphApi, calendar_id: str, held: HeldCopy, since: datetime, until: datetime
) -> dict[date, Instance]:
    """Return the instances of a series in a span, by their own days."""
    found: dict[date, Instance] = {}
    window = {"startDateTime": since.strftime(_INSTANT), "endDateTime": until.strftime(_INSTANT)}
    url: str | None = api.url("events", held.id, "instances", **window, **{"$select": _SLIM, "$top": _PAGE})
    asked: set[str] = set()
    while url is not None:
        if url in asked or len(asked) == _MOST_PAGES:
            raise Unavailable(f"{api.host} does not come to the end of the instances of a series")
        asked.add(url)
        try:
            said = await api.get(url)
        except (CalendarGone, CursorRefused) as error:
            await check_calendar(api, calendar_id)
            raise CopyGone(str(error)) from None
        listed = said.get("value")
        if not isinstance(listed, list):
            raise Unavailable(f"{api.host} answered a list of instances that makes no sense")
        for one in listed:
            if not isinstance(one, dict) or not _text(one, "id"):
                raise Unavailable(f"{api.host} lists an instance without an id")
            if (day := day_of(one, held.zone)) is not None:
                found[day] = await _instance(api, calendar_id, one)
        url = api.link(said, "@odata.nextLink")
    return found


async def _instance(api: GraphApi, calendar_id: str, listed: Mapping[str, Any]) -> Instance:
    if listed.get("type") != _EXCEPTION:
        return Instance(str(listed["id"]))
    event = await _event(api, calendar_id, str(listed["id"]), FIELDS)
    return Instance(
        str(listed["id"]), held_content(event), _text(event, "@odata.etag"), guests=bool(event.get("attendees"))
    )


def _spans(pattern: Pattern, until: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans in which the instances until a day are, those too that were moved as far as Graph lets them."""
    if pattern.first is None:
        return
    around = timedelta(weeks=pattern.weeks) + _SLACK
    since, end = _start(pattern.first) - around, _start(until) + around
    while since < end:
        yield since, min(since + _SPAN, end)
        since += _SPAN


def _start(day: date) -> datetime:
    return datetime.combine(day, time())


def _digest(said: object) -> str:
    return sha256(json.dumps(said).encode()).hexdigest()[:32]


def _text(event: Mapping[str, Any], name: str) -> str:
    found = event.get(name)
    return found if isinstance(found, str) else ""
