"""List conflicts: external events that overlap schedule events; Kalends' own, beyond the contract."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from kalends.api.events import AskedOfSpan, PagingMetadata, date_time, failed
from kalends.api.fields import DateTime, DateTimeText, GuidText
from kalends.api.messages import Answer
from kalends.api.operations import KALENDS, Call, Declared, Operation
from kalends.api.schedule_event_fields import EventIdText
from kalends.api.services import Services
from kalends.connections.conflicts import MOST_LOOKED_AT, Conflict, ConflictPage
from kalends.model.errors import Invalid, ProviderUnavailable
from kalends.model.identity import Permission
from kalends.model.provider import CalendarType
from kalends.model.schedule_event import EventType

LONGEST_SPAN = timedelta(days=366)


class ListConflicts(AskedOfSpan):
    """The query of *list conflicts*."""

    longest_span: ClassVar[timedelta] = LONGEST_SPAN
    longest_span_in_words: ClassVar[str] = f"{LONGEST_SPAN.days} days"

    to: DateTime | None = Field(
        None,
        validate_default=True,
        description="Events that begin before this. Required, unless there is a cursor; later than `from`, by at most "
        f"{LONGEST_SPAN.days} days.",
        examples=["2027-01-01T00:00:00Z"],
    )


class ConflictingScheduleEvent(Answer):
    """An event on the schedule: a single one, or one instance of a series."""

    id: EventIdText = Field(description="Its id. That of an instance is longer, and made of its series' and its start.")
    recurring_event_id: GuidText | None = Field(None, description="The series that an instance belongs to.")
    type: EventType = Field(description="What it is.")
    title: str | None = Field(
        None, description="Its title, with `OWN_PI`, for the schedule's owner and for who may manage schedules."
    )
    start: DateTimeText = Field(description="When it begins; an all-day event at midnight in its own zone.")
    end: DateTimeText = Field(description="When it has ended.")
    time_zone: str = Field(description="Its IANA time zone.")
    all_day: bool = Field(description="Whether it is an all-day event.")

    @classmethod
    def of(cls, conflict: Conflict) -> "ConflictingScheduleEvent":
        """Return the message for the schedule event of a conflict."""
        view = conflict.view
        return cls(
            id=view.id,
            recurring_event_id=view.event.id if view.original is not None else None,
            type=view.event.type,
            title=conflict.title,
            start=date_time(conflict.start),
            end=date_time(conflict.end),
            time_zone=view.times.zone,
            all_day=view.times.all_day,
        )


class ConflictingExternalEvent(Answer):
    """An event of an external calendar. Title and calendar are there only where *list events* would name them."""

    id: GuidText = Field(
        description="Its id, or that of one instance; the same until the event, or its series, gets another start."
    )
    connection_id: str = Field(description="The connection that it was imported over.")
    calendar_type: CalendarType = Field(description="The kind of external calendar that it comes from.")
    calendar_name: str | None = Field(None, description="The calendar's name, with `OWN_PI`.")
    title: str | None = Field(None, description="Its title, with `OWN_PI`.")
    start: DateTimeText = Field(description="When it begins; an all-day event at midnight in the schedule's zone.")
    end: DateTimeText = Field(description="When it has ended.")
    all_day: bool = Field(description="Whether it is an all-day event.")

    @classmethod
    def of(cls, conflict: Conflict) -> "ConflictingExternalEvent":
        """Return the message for the external event of a conflict."""
        external = conflict.external
        return cls(
            id=conflict.external_id,
            connection_id=conflict.connection_id,
            calendar_type=external.calendar_type,
            calendar_name=external.calendar_name,
            title=external.title,
            start=date_time(external.start),
            end=date_time(external.end),
            all_day=external.all_day,
        )


class ConflictMessage(Answer):
    """An external event that overlaps an event on the schedule which takes time."""

    schedule_id: GuidText = Field(description="The schedule of both.")
    schedule_event: ConflictingScheduleEvent = Field(description="The event on the schedule.")
    external_event: ConflictingExternalEvent = Field(description="The external event.")

    @classmethod
    def of(cls, conflict: Conflict) -> "ConflictMessage":
        """Return the message for a conflict."""
        return cls(
            schedule_id=conflict.external.schedule_id,
            schedule_event=ConflictingScheduleEvent.of(conflict),
            external_event=ConflictingExternalEvent.of(conflict),
        )


class ConflictsAnswer(Answer):
    """A page of conflicts; what failed is named where `partialFailure` was asked for.

    A page may hold fewer conflicts than asked for, even none, and still have a next one.
    """

    conflicts: list[ConflictMessage] = Field(
        description="The conflicts by start of the event on the schedule, possibly none. A page ends early, with a "
        f"cursor, once some {MOST_LOOKED_AT:,} events were looked at."
    )
    paging_metadata: PagingMetadata = Field(description="This page, and whether there is another.")
    failed_provider_ids: list[GuidText] | None = Field(None, description="Providers that could not be read.")
    failed_connection_ids: list[str] | None = Field(None, description="Connections that could not be read.")
    failed_schedule_ids: list[GuidText] | None = Field(None, description="The schedules of those connections.")

    @classmethod
    def of(cls, page: ConflictPage) -> "ConflictsAnswer":
        """Return the answer for a page."""
        found = [ConflictMessage.of(one) for one in page.conflicts]
        return cls(conflicts=found, paging_metadata=PagingMetadata.of(len(found), page.next_cursor), **failed(page))


async def list_conflicts(services: Services, call: Call[ListConflicts]) -> ConflictsAnswer:
    """Answer with a page of conflicts."""
    asked = call.asked
    if asked.cursor_paging.cursor is not None:
        page = await services.conflicts.next(
            call.identity,
            asked.cursor_paging.cursor,
            limit=asked.cursor_paging.limit,
            partial_failure=asked.partial_failure,
        )
    else:
        page = await services.conflicts.first(call.identity, asked.query())
    return ConflictsAnswer.of(page)


OPERATIONS = (
    Operation(
        name="listConflicts",
        summary="List the external events that block people of schedules while an event on the same schedule does.",
        method="GET",
        path="/conflicts",
        permissions=frozenset({Permission.READ_EVENTS}),
        asks=ListConflicts,
        answers=ConflictsAnswer,
        perform=list_conflicts,
        errors=(
            Declared(Invalid, "TO_AFTER_FROM", "`to` is not later than `from`."),
            Declared(Invalid, "SPAN_LIMIT", f"`to` is more than {LONGEST_SPAN.days} days after `from`."),
            Declared(Invalid, "INVALID_CURSOR", "The cursor was not handed out here, or has expired."),
            Declared(
                ProviderUnavailable,
                "PROVIDER_UNAVAILABLE",
                "A calendar that belongs to the answer cannot be read, and `partialFailure` is not asked for, or "
                "nothing can be read.",
            ),
        ),
        prefixes=KALENDS,
    ),
)
