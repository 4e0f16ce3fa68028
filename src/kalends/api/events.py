"""List events (contract §5.9)."""

from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from pydantic import Field, ValidationInfo, field_validator

from kalends.api.connections import MOST_IDS
from kalends.api.fields import Count, Cursor, DateTime, Flag, Guid, Refused
from kalends.api.messages import Answer, Asked
from kalends.api.operations import Call, Operation
from kalends.api.services import Services
from kalends.connections.events import EventPage, ListedEvent
from kalends.connections.queries import DEFAULT_LIMIT, EventQuery
from kalends.model.errors import Rule
from kalends.model.identity import Permission
from kalends.model.provider import CalendarType
from kalends.model.time import Window

MAX_LIMIT = 1_000
LONGEST_SPAN = timedelta(days=5 * 365 + 2)
"""Five years, whichever they are."""
PERSONAL = "OWN_PI"
_MINUTE = timedelta(minutes=1)


class CursorPaging(Asked):
    """How much, and where to go on."""

    limit: Count | None = Field(None, ge=1, le=MAX_LIMIT)
    cursor: Cursor | None = None


class ListEvents(Asked):
    """The query of *list events*. A cursor carries the whole first query, so that beside it nothing else is needed."""

    cursor_paging: CursorPaging = Field(default_factory=CursorPaging)
    from_: DateTime | None = Field(None, alias="from", validate_default=True)
    to: DateTime | None = Field(None, validate_default=True)
    schedule_ids: list[Guid] | None = Field(None, max_length=MOST_IDS)
    user_ids: list[Guid] | None = Field(None, max_length=MOST_IDS)
    all_day: Flag | None = None
    fieldsets: list[Literal["NO_PI", "OWN_PI"]] = Field(default_factory=list)
    partial_failure: Flag | None = None

    @field_validator("from_", "to")
    @classmethod
    def _required_without_cursor(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        paging = info.data.get("cursor_paging")
        if value is None and paging is not None and paging.cursor is None:
            raise Refused(
                Rule.REQUIRED_FIELD,
                "is a required string: a date-time with offset (RFC 3339), unless there is a cursor",
            )
        return value

    @field_validator("to")
    @classmethod
    def _span(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("from_")
        if value is not None and start is not None:
            if value <= start:
                raise Refused(Rule.OTHER, "must be later than from", name="TO_AFTER_FROM")
            if value - start > LONGEST_SPAN:
                days = LONGEST_SPAN.days
                raise Refused(Rule.OTHER, "must be at most five years after from", name="SPAN_LIMIT", days=days)
        return value

    def query(self) -> EventQuery:
        """Return the query for a first page; there is no cursor, so that both ends of the span are there."""
        span = Window(cast("datetime", self.from_), cast("datetime", self.to))
        return EventQuery(
            span=span,
            schedule_ids=None if self.schedule_ids is None else tuple(self.schedule_ids),
            user_ids=None if self.user_ids is None else tuple(self.user_ids),
            all_day=self.all_day,
            personal=PERSONAL in self.fieldsets,
            limit=self.cursor_paging.limit or DEFAULT_LIMIT,
            partial_failure=bool(self.partial_failure),
        )


class EventMessage(Answer):
    """An event. Title and the two names are there only where the caller asked for them and may see them."""

    schedule_id: str
    calendar_type: CalendarType
    calendar_name: str | None = None
    title: str | None = None
    start: str
    end: str
    all_day: bool
    schedule_owner_id: str | None = None
    schedule_owner_name: str | None = None

    @classmethod
    def of(cls, event: ListedEvent) -> "EventMessage":
        """Return the message for an event."""
        return cls(
            schedule_id=event.schedule_id,
            calendar_type=event.calendar_type,
            calendar_name=event.calendar_name,
            title=event.title,
            start=date_time(event.start),
            end=date_time(event.end),
            all_day=event.all_day,
            schedule_owner_id=event.owner_id,
            schedule_owner_name=event.owner_name,
        )


class Cursors(Answer):
    """Where the next page is, if there is one."""

    next: str | None = None


class PagingMetadata(Answer):
    """The size of this page, and whether there is another."""

    count: int
    cursors: Cursors
    has_next: bool


class EventsAnswer(Answer):
    """A page of events; what failed is named where `partialFailure` was asked for."""

    events: list[EventMessage]
    paging_metadata: PagingMetadata
    failed_provider_ids: list[str] | None = None
    failed_connection_ids: list[str] | None = None
    failed_schedule_ids: list[str] | None = None

    @classmethod
    def of(cls, page: EventPage) -> "EventsAnswer":
        """Return the answer for a page."""
        events = [EventMessage.of(one) for one in page.events]
        cursors = Cursors(next=page.next_cursor)
        failed = page.failures
        return cls(
            events=events,
            paging_metadata=PagingMetadata(count=len(events), cursors=cursors, has_next=cursors.next is not None),
            failed_provider_ids=None if failed is None else list(failed.provider_ids),
            failed_connection_ids=None if failed is None else list(failed.connection_ids),
            failed_schedule_ids=None if failed is None else list(failed.schedule_ids),
        )


def date_time(moment: datetime) -> str:
    """Return an aware datetime as RFC 3339 writes it: with its own offset, `Z` for none.

    RFC 3339 has no seconds in offsets; where a zone had them (before 1972), the moment is written in UTC.
    """
    offset = moment.utcoffset()
    if offset:
        return date_time(moment.astimezone(UTC)) if offset % _MINUTE else moment.isoformat()
    return moment.isoformat().removesuffix("+00:00") + "Z"


async def list_events(services: Services, call: Call[ListEvents]) -> EventsAnswer:
    """Answer with a page of what blocks people."""
    asked = call.asked
    if asked.cursor_paging.cursor is not None:
        page = await services.events.next(
            call.identity,
            asked.cursor_paging.cursor,
            limit=asked.cursor_paging.limit,
            partial_failure=asked.partial_failure,
        )
    else:
        page = await services.events.first(call.identity, asked.query())
    return EventsAnswer.of(page)


OPERATIONS = (
    Operation(
        name="listEvents",
        summary="List the events of external calendars that block the people of schedules, by start.",
        method="GET",
        path="/events",
        permissions=frozenset({Permission.READ_EVENTS}),
        asks=ListEvents,
        answers=EventsAnswer,
        perform=list_events,
    ),
)
