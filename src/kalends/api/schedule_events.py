"""Schedule events: create, get, update, cancel and query (Wix Calendar V3; contract §9)."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import ConfigDict, Field

from kalends.api.events import LONGEST_SPAN, Cursors, PagingMetadata
from kalends.api.fields import Guid
from kalends.api.messages import Answer, Asked, Nothing
from kalends.api.operations import KALENDS, SCHEDULE_EVENTS, Call, Declared, Operation
from kalends.api.schedule_event_fields import (
    EventStatusCondition,
    LocalDate,
    RecurrenceTypeName,
    TransparencyCondition,
    TypeCondition,
)
from kalends.api.schedule_event_messages import (
    ChangedScheduleEvent,
    NewScheduleEvent,
    ScheduleEventAnswer,
    ScheduleEventMessage,
)
from kalends.api.schedule_fields import ExternalIdCondition, GuidCondition, QueryCursor, TimeZone
from kalends.api.services import Services
from kalends.model.errors import Conflict, Invalid, NotFound, PreconditionFailed, Rule, Violation
from kalends.model.identity import Permission
from kalends.model.schedule_event import EventStatus, EventType, RecurrenceType, Transparency, instant
from kalends.model.time import Window
from kalends.schedules.event_queries import DEFAULT_LIMIT, USUAL_RECURRENCE, EventQuery
from kalends.store.schedule_events import EventFilter

MAX_LIMIT = 1_000
MANAGE = frozenset({Permission.MANAGE_SCHEDULES})
"""What reading takes as well: events name people, which who may read schedules was never meant to see."""
_OF_A_SERIES = (RecurrenceType.INSTANCE, RecurrenceType.EXCEPTION)

NO_SCHEDULE = Declared(NotFound, "SCHEDULE_NOT_FOUND", "The site has no schedule with this id.")
NO_EVENT = Declared(NotFound, "EVENT_NOT_FOUND", "The site has no event with this id, or the series no such instance.")
SCHEDULE_CANCELLED = Declared(PreconditionFailed, "SCHEDULE_CANCELLED", "The schedule was cancelled, which is final.")
OF_CONTENT = (
    Declared(Invalid, "NOT_SUPPORTED", "`permissions` are given, which single events do not have here."),
    Declared(Invalid, "TOO_DEEP", "An object that is kept as sent is nested too deeply."),
)
OF_TIMES = (
    Declared(Invalid, "END_AFTER_START", "The end is not after the start."),
    Declared(Invalid, "ALL_DAY_MIDNIGHT", "An all-day event starts or ends at another time than midnight."),
    Declared(Invalid, "EVENT_TIME_ZONE", "`start` or `end` have another time zone than the event."),
    Declared(Invalid, "RECURRENCE_TOO_LONG", "An event that recurs lasts longer than a week."),
)
OF_SERIES = (
    Declared(Invalid, "DAY_OF_START", "The day of the rule is not that of the start."),
    Declared(Invalid, "UNTIL_BEFORE_START", "The rule ends before the start."),
    Declared(Invalid, "START_IN_PAST", "An event that recurs starts before today."),
)
OF_CHANGES = (
    NO_EVENT,
    Declared(
        Conflict, "ABORTED", "The event was changed since the revision was read; the data holds the `currentRevision`."
    ),
    Declared(PreconditionFailed, "EVENT_CANCELLED", "The event was cancelled, which is final."),
    SCHEDULE_CANCELLED,
    Declared(Invalid, "IMMUTABLE", "What can never change, such as the schedule, is another than the event has."),
    *OF_CONTENT,
    *OF_TIMES,
    *OF_SERIES,
)


class CreateEvent(Asked):
    """The body of *create event*. A participant notification is passed over: nobody is ever notified."""

    event: NewScheduleEvent = Field(description="The event.")
    time_zone: TimeZone | None = Field(None, description="The zone of the adjusted times in the answer.")
    idempotency_key: Guid | None = Field(
        None, description="The same key again answers with the event that was made first, whatever else is said."
    )


class UpdateEvent(Asked):
    """The body of *update event*. A participant notification is passed over: nobody is ever notified."""

    event: ChangedScheduleEvent = Field(description="What is to be changed, and the present revision.")
    time_zone: TimeZone | None = Field(None, description="The zone of the adjusted times in the answer.")


class EventFilterAsked(Asked):
    """Which events are meant; all conditions hold, and none is null. Without one on the status, confirmed ones."""

    model_config = ConfigDict(extra="forbid")

    schedule_id: GuidCondition = Field(None, description="The schedule.")
    external_schedule_id: ExternalIdCondition = Field(None, description="What the caller knows the schedule by.")
    app_id: GuidCondition = Field(None, description="The app that made it.")
    recurring_event_id: GuidCondition = Field(None, description="The series, of which its instances are meant.")
    type: TypeCondition = Field(None, description="What it is; without a condition, anything but `WORKING_HOURS`.")
    status: EventStatusCondition = Field(None, description="Its status.")
    transparency: TransparencyCondition = Field(None, description="Whether it blocks.")

    def query(self, span: Window) -> EventQuery:
        """Return the query for a span."""
        wanted = EventFilter(
            ids=self.recurring_event_id,
            schedule_ids=self.schedule_id,
            external_schedule_ids=self.external_schedule_id,
            app_ids=self.app_id,
            types=None if self.type is None else tuple(EventType(one) for one in self.type),
        )
        query = EventQuery(span, wanted)
        if self.status is not None:
            query = replace(query, statuses=tuple(EventStatus(one) for one in self.status))
        if self.transparency is not None:
            query = replace(query, transparencies=tuple(Transparency(one) for one in self.transparency))
        return query


class EventSort(Asked):
    """How events are sorted: by their start, and those with the same start by their id."""

    field_name: Literal["start"] = Field(description="The field.")
    order: Literal["ASC", "DESC"] | None = Field(None, description="Ascending by default.")


class EventCursorPaging(Asked):
    """How much, and where to go on."""

    limit: int | None = Field(
        None, ge=1, le=MAX_LIMIT, description=f"Events on a page; {DEFAULT_LIMIT} where nothing is said."
    )
    cursor: QueryCursor | None = Field(
        None, description="The cursor of the page before; it carries the whole first query and is valid for a day."
    )


class EventQueryAsked(Asked):
    """A query; beside a cursor only the limit counts."""

    filter: EventFilterAsked | None = Field(None, description="Which events are meant.")
    sort: list[EventSort] | None = Field(None, max_length=1, description="In which order; by default by `start`.")
    cursor_paging: EventCursorPaging | None = Field(None, description="How much, and where to go on.")


class QueryEvents(Asked):
    """The body of *query events*: what overlaps a span. A cursor carries the whole first query."""

    query: EventQueryAsked | None = Field(None, description="The query; without one, all usual events are meant.")
    from_local_date: LocalDate | None = Field(
        None, description="Events that end after this. Required, unless there is a cursor."
    )
    to_local_date: LocalDate | None = Field(
        None,
        description="Events that start before this. Required, unless there is a cursor; at most five years later.",
    )
    time_zone: TimeZone | None = Field(
        None, description="The zone of the span, by default the site's, and of the adjusted times."
    )
    recurrence_type: list[RecurrenceTypeName] | None = Field(
        None, max_length=4, description="Which are meant; by default all but `MASTER`, which is a series as such."
    )

    def asked(self, site_zone: str) -> EventQuery:
        """Return the query for a first page; raises `Invalid`."""
        query = self.query or EventQueryAsked()
        paging = query.cursor_paging or EventCursorPaging()
        asked = (query.filter or EventFilterAsked()).query(self._span(self.time_zone or site_zone))
        kinds = tuple(RecurrenceType(one) for one in self.recurrence_type or ()) or USUAL_RECURRENCE
        if asked.wanted.ids is not None:
            kinds = tuple(one for one in kinds if one in _OF_A_SERIES)
        return replace(
            asked,
            recurrence=kinds,
            descending=bool(query.sort and query.sort[0].order == "DESC"),
            limit=paging.limit or DEFAULT_LIMIT,
            time_zone=self.time_zone,
        )

    def _span(self, zone: str) -> Window:
        if self.from_local_date is None or self.to_local_date is None:
            ends = {"fromLocalDate": self.from_local_date, "toLocalDate": self.to_local_date}
            said = "is required, unless there is a cursor"
            raise Invalid([Violation(name, said, Rule.REQUIRED_FIELD) for name, at in ends.items() if at is None])
        span = Window(instant(self.from_local_date, zone), instant(self.to_local_date, zone))
        if span.start >= span.end:
            raise Invalid.one("toLocalDate", "must be after fromLocalDate", Rule.OTHER, name="TO_AFTER_FROM")
        if span.end - span.start > LONGEST_SPAN:
            said = "must be at most five years after fromLocalDate"
            raise Invalid.one("toLocalDate", said, Rule.OTHER, name="SPAN_LIMIT", data={"days": LONGEST_SPAN.days})
        return span


class EventsAnswer(Answer):
    """A page of events."""

    events: list[ScheduleEventMessage] = Field(description="The events in order, possibly none.")
    paging_metadata: PagingMetadata = Field(description="This page, and whether there is another.")


async def create_event(services: Services, call: Call[CreateEvent]) -> ScheduleEventAnswer:
    """Make an event and answer with it."""
    draft = call.asked.event.draft(call.identity.app_id)
    made = await services.event_making.create(call.identity.site_id, draft, idempotency_key=call.asked.idempotency_key)
    return ScheduleEventAnswer.of(made, call.asked.time_zone)


async def get_event(services: Services, call: Call[Nothing]) -> ScheduleEventAnswer:
    """Answer with one event."""
    return ScheduleEventAnswer.of(await services.event_looking.get(call.identity.site_id, call.path["event_id"]))


async def update_event(services: Services, call: Call[UpdateEvent]) -> ScheduleEventAnswer:
    """Change an event and answer with it."""
    asked = call.asked.event
    changed = await services.event_updating.update(
        call.identity.site_id, _event_id(call), asked.change(), revision=int(asked.revision)
    )
    return ScheduleEventAnswer.of(changed, call.asked.time_zone)


async def update_following(services: Services, call: Call[UpdateEvent]) -> ScheduleEventAnswer:
    """Change an instance and all that follow it, and answer with the series."""
    asked = call.asked.event
    changed = await services.event_updating.update_following(
        call.identity.site_id, _event_id(call), asked.change(), revision=int(asked.revision)
    )
    return ScheduleEventAnswer.of(changed, call.asked.time_zone)


async def cancel_event(services: Services, call: Call[Nothing]) -> ScheduleEventAnswer:
    """Cancel an event and answer with it."""
    return ScheduleEventAnswer.of(await services.event_ending.cancel(call.identity.site_id, call.path["event_id"]))


async def query_events(services: Services, call: Call[QueryEvents]) -> EventsAnswer:
    """Answer with a page of events."""
    asked, site_id = call.asked, call.identity.site_id
    paging = asked.query and asked.query.cursor_paging
    if paging and paging.cursor is not None:
        page = await services.event_looking.next(site_id, paging.cursor, limit=paging.limit)
    else:
        site_zone = "" if asked.time_zone else await services.event_looking.site_zone(site_id)
        page = await services.event_looking.first(site_id, asked.asked(site_zone))
    found = [ScheduleEventMessage.of(one, page.query.time_zone) for one in page.events]
    cursors = Cursors(next=page.next_cursor)
    metadata = PagingMetadata(count=len(found), cursors=cursors, has_next=cursors.next is not None)
    return EventsAnswer(events=found, paging_metadata=metadata)


def _event_id(call: Call[UpdateEvent]) -> str:
    """Return the id of the path, which that of the body may repeat."""
    event_id = call.path["event_id"]
    if (call.asked.event.id or event_id).lower() != event_id.lower():
        raise Invalid.one("event.id", "must be the id that the path names", Rule.OTHER, name="IMMUTABLE")
    return event_id


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        name="createEvent",
        summary="Make an event on a schedule: a single one, or a weekly series.",
        method="POST",
        path="",
        permissions=MANAGE,
        asks=CreateEvent,
        answers=ScheduleEventAnswer,
        perform=create_event,
        errors=(NO_SCHEDULE, SCHEDULE_CANCELLED, *OF_CONTENT, *OF_TIMES, *OF_SERIES),
        prefixes=SCHEDULE_EVENTS,
        keeps_nulls=True,
    ),
    Operation(
        name="queryEvents",
        summary="Query for the events of a span of time, a page at a time; series come as their instances.",
        method="POST",
        path="/query",
        permissions=MANAGE,
        asks=QueryEvents,
        answers=EventsAnswer,
        perform=query_events,
        errors=(
            Declared(Invalid, "INVALID_CURSOR", "The cursor was not handed out here, or has expired."),
            Declared(Invalid, "TO_AFTER_FROM", "`toLocalDate` is not after `fromLocalDate`."),
            Declared(Invalid, "SPAN_LIMIT", "The span is longer than five years."),
        ),
        prefixes=SCHEDULE_EVENTS,
        keeps_nulls=True,
    ),
    Operation(
        name="getEvent",
        summary="Get one event: a single one, a series, or an instance of one.",
        method="GET",
        path="/{event_id}",
        permissions=MANAGE,
        asks=Nothing,
        answers=ScheduleEventAnswer,
        perform=get_event,
        errors=(NO_EVENT,),
        prefixes=SCHEDULE_EVENTS,
    ),
    Operation(
        name="updateEvent",
        summary="Change what is given of an event, by its present revision. Of a series, what has begun stays.",
        method="PATCH",
        path="/{event_id}",
        permissions=MANAGE,
        asks=UpdateEvent,
        answers=ScheduleEventAnswer,
        perform=update_event,
        errors=OF_CHANGES,
        prefixes=SCHEDULE_EVENTS,
        keeps_nulls=True,
    ),
    Operation(
        name="cancelEvent",
        summary="Cancel an event for ever: a single one, one instance, or of a series all that has not begun.",
        method="POST",
        path="/{event_id}/cancel",
        permissions=MANAGE,
        asks=Nothing,
        answers=ScheduleEventAnswer,
        perform=cancel_event,
        errors=(NO_EVENT, Declared(PreconditionFailed, "EVENT_ALREADY_CANCELLED", "It was cancelled before.")),
        prefixes=SCHEDULE_EVENTS,
    ),
    Operation(
        name="updateFollowingEvents",
        summary="Change an instance of a series and all that follow it; the answer is the series.",
        method="POST",
        path="/schedule-events/{event_id}/update-following",
        permissions=MANAGE,
        asks=UpdateEvent,
        answers=ScheduleEventAnswer,
        perform=update_following,
        errors=(
            *OF_CHANGES,
            Declared(PreconditionFailed, "NOT_AN_INSTANCE", "The event is not an instance of a series."),
            Declared(PreconditionFailed, "INSTANCE_HAS_BEGUN", "The instance has begun; what has been stays."),
            Declared(Invalid, "BEFORE_EARLIER_INSTANCE", "The start is not after that of the instance before it."),
        ),
        prefixes=KALENDS,
        keeps_nulls=True,
    ),
)
