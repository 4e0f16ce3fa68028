"""List events (contract §5.9)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, cast

from pydantic import Field, ValidationInfo, field_validator

from kalends.api.connections import MOST_IDS
from kalends.api.fields import Count, Cursor, DateTime, DateTimeText, Flag, Guid, GuidText, Refused
from kalends.api.messages import Answer, Asked
from kalends.api.operations import Call, Declared, Operation
from kalends.api.services import Services
from kalends.connections.conflicts import ConflictPage
from kalends.connections.events import EventPage, ListedEvent
from kalends.connections.queries import DEFAULT_LIMIT, EventQuery
from kalends.model.errors import Invalid, ProviderUnavailable, Rule
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

    limit: Count | None = Field(
        None, ge=1, le=MAX_LIMIT, description=f"How many on a page; {DEFAULT_LIMIT} where nothing is said."
    )
    cursor: Cursor | None = Field(
        None, description="The cursor of the page before; it carries the whole first query and is valid for a day."
    )


class AskedOfSpan(Asked):
    """A query for what stands in a span. A cursor carries the whole first query: nothing else is needed beside it."""

    longest_span: ClassVar[timedelta] = LONGEST_SPAN
    longest_span_in_words: ClassVar[str] = "five years"

    cursor_paging: CursorPaging = Field(default_factory=CursorPaging)
    from_: DateTime | None = Field(
        None,
        alias="from",
        validate_default=True,
        description="Events that end after this. Required, unless there is a cursor; with offset.",
        examples=["2026-12-01T00:00:00Z"],
    )
    to: DateTime | None = Field(
        None,
        validate_default=True,
        description="Events that begin before this. Required, unless there is a cursor; later than `from`, by at most "
        "five years.",
        examples=["2027-01-01T00:00:00Z"],
    )
    schedule_ids: list[Guid] | None = Field(
        None, max_length=MOST_IDS, description="Only events of these schedules; one that is unknown has none."
    )
    user_ids: list[Guid] | None = Field(
        None, max_length=MOST_IDS, description="Only events of the schedules that these users own."
    )
    fieldsets: list[Literal["NO_PI", "OWN_PI"]] = Field(
        default_factory=list, description="`OWN_PI` asks for titles and names, where the caller may see them."
    )
    partial_failure: Flag | None = Field(
        None, description="Whether to answer with what can be read, and name what cannot, in place of failing."
    )

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
            if value - start > cls.longest_span:
                said = f"must be at most {cls.longest_span_in_words} after from"
                raise Refused(Rule.OTHER, said, name="SPAN_LIMIT", days=cls.longest_span.days)
        return value

    def query(self) -> EventQuery:
        """Return the query for a first page; there is no cursor, so that both ends of the span are there."""
        span = Window(cast("datetime", self.from_), cast("datetime", self.to))
        return EventQuery(
            span=span,
            schedule_ids=None if self.schedule_ids is None else tuple(self.schedule_ids),
            user_ids=None if self.user_ids is None else tuple(self.user_ids),
            personal=PERSONAL in self.fieldsets,
            limit=self.cursor_paging.limit or DEFAULT_LIMIT,
            partial_failure=bool(self.partial_failure),
        )


class ListEvents(AskedOfSpan):
    """The query of *list events*."""

    all_day: Flag | None = Field(
        None, description="`true`: only all-day events; `false`: only timed ones; absent: both."
    )

    def query(self) -> EventQuery:
        """Return the query for a first page."""
        return replace(super().query(), all_day=self.all_day)


class EventMessage(Answer):
    """An event. Title and the two names are there only where the caller asked for them and may see them."""

    schedule_id: GuidText = Field(description="The schedule that the event blocks.")
    calendar_type: CalendarType = Field(description="The kind of external calendar that it comes from.")
    calendar_name: str | None = Field(None, description="The calendar's name, with `OWN_PI`.")
    title: str | None = Field(None, description="The event's title, with `OWN_PI`.")
    start: DateTimeText = Field(description="When it begins; an all-day event at midnight in the schedule's zone.")
    end: DateTimeText = Field(description="When it has ended.")
    all_day: bool = Field(description="Whether it is an all-day event.")
    schedule_owner_id: GuidText | None = Field(None, description="The schedule's owner, if it has one.")
    schedule_owner_name: str | None = Field(None, description="The owner's name, with `OWN_PI`.")

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

    next: str | None = Field(None, description="The cursor of the next page.")


class PagingMetadata(Answer):
    """The size of this page, and whether there is another."""

    count: int = Field(ge=0, description="How many there are on this page.")
    cursors: Cursors = Field(description="Where the next page is.")
    has_next: bool = Field(description="Whether there is a next page.")

    @classmethod
    def of(cls, count: int, next_cursor: str | None) -> "PagingMetadata":
        """Return what is said of a page with so many on it."""
        return cls(count=count, cursors=Cursors(next=next_cursor), has_next=next_cursor is not None)


class EventsAnswer(Answer):
    """A page of events; what failed is named where `partialFailure` was asked for."""

    events: list[EventMessage] = Field(description="The events by start, possibly none.")
    paging_metadata: PagingMetadata = Field(description="This page, and whether there is another.")
    failed_provider_ids: list[GuidText] | None = Field(None, description="Providers that could not be read.")
    failed_connection_ids: list[str] | None = Field(None, description="Connections that could not be read.")
    failed_schedule_ids: list[GuidText] | None = Field(None, description="The schedules of those connections.")

    @classmethod
    def of(cls, page: EventPage) -> "EventsAnswer":
        """Return the answer for a page."""
        events = [EventMessage.of(one) for one in page.events]
        return cls(events=events, paging_metadata=PagingMetadata.of(len(events), page.next_cursor), **failed(page))


def failed(page: EventPage | ConflictPage) -> dict[str, Any]:
    """Return the fields of an answer that name what could not be read, where that was asked for."""
    failures = page.failures
    if failures is None:
        return {}
    return {
        "failed_provider_ids": list(failures.provider_ids),
        "failed_connection_ids": list(failures.connection_ids),
        "failed_schedule_ids": list(failures.schedule_ids),
    }


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
        errors=(
            Declared(Invalid, "TO_AFTER_FROM", "`to` is not later than `from`."),
            Declared(Invalid, "SPAN_LIMIT", "`to` is more than five years after `from`."),
            Declared(Invalid, "INVALID_CURSOR", "The cursor was not handed out here, or has expired."),
            Declared(
                ProviderUnavailable,
                "PROVIDER_UNAVAILABLE",
                "A calendar that belongs to the answer cannot be read, and `partialFailure` is not asked for, or "
                "nothing can be read.",
            ),
        ),
    ),
)
