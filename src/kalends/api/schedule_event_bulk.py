"""Several schedule events at once: create, update and cancel (Wix Calendar V3; contract §9).

What a request says has to fit as a whole, or nothing is done (400). Then each event stands by itself, in a transaction
of its own: one that fails does not keep the others from being done.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from pydantic import Field

from kalends.api.messages import Answer, Asked
from kalends.api.operations import BULK_EVENTS, Call, Operation
from kalends.api.schedule_event_fields import FIELDS, EventId, FieldMask
from kalends.api.schedule_event_messages import ChangedScheduleEvent, NewScheduleEvent, ScheduleEventMessage
from kalends.api.schedule_events import MANAGE, OF_CONTENT
from kalends.api.schedule_fields import TimeZone
from kalends.api.services import Services
from kalends.model.errors import Invalid, KalendsError
from kalends.schedules.event_finding import EventOnSchedule

MOST_EVENTS = 100
T = TypeVar("T")


class NewEventItem(Asked):
    """One of the events to be made."""

    event: NewScheduleEvent = Field(description="The event.")


class IdentifiedScheduleEvent(ChangedScheduleEvent):
    """An event to be changed, by its id; what is absent stays as it was."""

    id: EventId = Field(description="The event's id.")


class ChangedEventItem(Asked):
    """One of the events to be changed."""

    event: IdentifiedScheduleEvent = Field(description="What is to be changed, and the present revision.")


class BulkCreateEvents(Asked):
    """The body of *bulk create events*."""

    events: list[NewEventItem] = Field(min_length=1, max_length=MOST_EVENTS, description="The events.")
    return_entity: bool | None = Field(None, description="Whether the answer holds the events; false by default.")
    time_zone: TimeZone | None = Field(None, description="The zone of the adjusted times in the answer.")


class BulkUpdateEvents(Asked):
    """The body of *bulk update events*."""

    events: list[ChangedEventItem] = Field(min_length=1, max_length=MOST_EVENTS, description="The events.")
    fieldmask: FieldMask | None = Field(
        None, description="The fields to be changed, joined by commas; all that are given where nothing is said."
    )
    return_entity: bool | None = Field(None, description="Whether the answer holds the events; false by default.")
    time_zone: TimeZone | None = Field(None, description="The zone of the adjusted times in the answer.")


class BulkCancelEvents(Asked):
    """The body of *bulk cancel events*. A participant notification is passed over: nobody is ever notified."""

    event_ids: list[EventId] = Field(min_length=1, max_length=MOST_EVENTS, description="The events.")
    return_entity: bool | None = Field(None, description="Whether the answer holds the events; false by default.")
    time_zone: TimeZone | None = Field(None, description="The zone of the adjusted times in the answer.")


class ItemError(Answer):
    """Why nothing was done with an event."""

    code: str = Field(description="What went wrong, for programs: as the method for a single event says it.")
    description: str = Field(description="What went wrong, for people.")
    data: dict[str, Any] = Field(description="What it is about; `fieldViolations` with the code `INVALID_ARGUMENT`.")

    @classmethod
    def of(cls, error: KalendsError) -> "ItemError":
        """Return the message for an error."""
        data = dict(error.data)
        if isinstance(error, Invalid):
            data["fieldViolations"] = [
                {
                    "field": one.field,
                    "description": one.description,
                    "violatedRule": one.rule.value,
                    "ruleName": one.name,
                    "data": dict(one.data),
                }
                for one in error.violations
            ]
        return cls(code=error.code, description=error.description, data=data)


class ItemMetadata(Answer):
    """What became of one of the events."""

    id: str | None = Field(None, description="The event's id, if it is known.")
    original_index: int = Field(description="Its place in the request, from 0.")
    success: bool = Field(description="Whether it was done.")
    error: ItemError | None = Field(None, description="Why not.")


class BulkEventResult(Answer):
    """What became of one of the events."""

    item_metadata: ItemMetadata = Field(description="Whether it was done.")
    item: ScheduleEventMessage | None = Field(None, description="The event as it is now, if that was asked for.")


class BulkActionMetadata(Answer):
    """How many were done."""

    total_successes: int = Field(description="How many were done.")
    total_failures: int = Field(description="How many were not.")


class BulkEventsAnswer(Answer):
    """What became of each of the events."""

    results: list[BulkEventResult] = Field(description="One for each event, in the order of the request.")
    bulk_action_metadata: BulkActionMetadata = Field(description="How many were done.")


async def bulk_create_events(services: Services, call: Call[BulkCreateEvents]) -> BulkEventsAnswer:
    """Make events and answer with what became of each."""

    async def create(item: NewEventItem) -> EventOnSchedule:
        return await services.event_making.create(call.identity.site_id, item.event.draft(call.identity.app_id))

    return await _each(call.asked.events, lambda _item: None, create, call.asked)


async def bulk_update_events(services: Services, call: Call[BulkUpdateEvents]) -> BulkEventsAnswer:
    """Change events and answer with what became of each."""
    fields = FIELDS if call.asked.fieldmask is None else call.asked.fieldmask

    async def update(item: ChangedEventItem) -> EventOnSchedule:
        event = item.event
        return await services.event_updating.update(
            call.identity.site_id, event.id, event.change(fields), revision=int(event.revision)
        )

    return await _each(call.asked.events, lambda item: item.event.id, update, call.asked)


async def bulk_cancel_events(services: Services, call: Call[BulkCancelEvents]) -> BulkEventsAnswer:
    """Cancel events and answer with what became of each."""

    async def cancel(event_id: str) -> EventOnSchedule:
        return await services.event_ending.cancel(call.identity.site_id, event_id)

    return await _each(call.asked.event_ids, lambda event_id: event_id, cancel, call.asked)


async def _each(
    items: Sequence[T],
    id_of: Callable[[T], str | None],
    perform: Callable[[T], Awaitable[EventOnSchedule]],
    asked: BulkCreateEvents | BulkUpdateEvents | BulkCancelEvents,
) -> BulkEventsAnswer:
    results = []
    for index, item in enumerate(items):
        try:
            done = await perform(item)
        except KalendsError as error:
            told = ItemMetadata(id=id_of(item), original_index=index, success=False, error=ItemError.of(error))
            results.append(BulkEventResult(item_metadata=told))
        else:
            told = ItemMetadata(id=done.view.id, original_index=index, success=True)
            shown = ScheduleEventMessage.of(done, asked.time_zone) if asked.return_entity else None
            results.append(BulkEventResult(item_metadata=told, item=shown))
    successes = sum(one.item_metadata.success for one in results)
    totals = BulkActionMetadata(total_successes=successes, total_failures=len(results) - successes)
    return BulkEventsAnswer(results=results, bulk_action_metadata=totals)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        name="bulkCreateEvents",
        summary="Make several events; each stands by itself.",
        method="POST",
        path="/create",
        permissions=MANAGE,
        asks=BulkCreateEvents,
        answers=BulkEventsAnswer,
        perform=bulk_create_events,
        errors=OF_CONTENT,
        prefixes=BULK_EVENTS,
        keeps_nulls=True,
    ),
    Operation(
        name="bulkUpdateEvents",
        summary="Change several events; each stands by itself.",
        method="POST",
        path="/update",
        permissions=MANAGE,
        asks=BulkUpdateEvents,
        answers=BulkEventsAnswer,
        perform=bulk_update_events,
        errors=OF_CONTENT,
        prefixes=BULK_EVENTS,
        keeps_nulls=True,
    ),
    Operation(
        name="bulkCancelEvents",
        summary="Cancel several events; each stands by itself.",
        method="POST",
        path="/cancel",
        permissions=MANAGE,
        asks=BulkCancelEvents,
        answers=BulkEventsAnswer,
        perform=bulk_cancel_events,
        prefixes=BULK_EVENTS,
    ),
)
