"""Schedules: create, get, update, query and cancel (Wix Calendar V3; contract §9)."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from kalends.api.events import Cursors, PagingMetadata
from kalends.api.fields import Guid
from kalends.api.messages import Answer, Asked, Nothing
from kalends.api.operations import SCHEDULES, Call, Declared, Operation
from kalends.api.schedule_fields import ExternalIdCondition, GuidCondition, QueryCursor, StatusCondition
from kalends.api.schedule_messages import ChangedSchedule, NewSchedule, ScheduleAnswer, ScheduleMessage
from kalends.api.services import Services
from kalends.model.errors import Conflict, Invalid, NotFound, PreconditionFailed, Rule
from kalends.model.identity import Permission
from kalends.model.schedule import ScheduleField, ScheduleFilter, ScheduleOrder, ScheduleStatus
from kalends.schedules.queries import DEFAULT_LIMIT, ScheduleQuery

MAX_LIMIT = 100
READ = frozenset({Permission.READ_SCHEDULES})
MANAGE = frozenset({Permission.MANAGE_SCHEDULES})

NO_SCHEDULE = Declared(NotFound, "SCHEDULE_NOT_FOUND", "The site has no schedule with this id.")
NO_USER = Declared(NotFound, "USER_NOT_FOUND", "The site has no active user with the owner's id.")
OTHER_ZONE = Declared(
    Invalid, "BUSINESS_TIME_ZONE", "`businessTimeZoneEnabled` is true beside a time zone that is not the site's."
)
NO_PERMISSIONS = Declared(Invalid, "NOT_SUPPORTED", "`permissions` are given, which single schedules do not have here.")
TOO_DEEP = Declared(Invalid, "TOO_DEEP", "An object that is kept as sent is nested too deeply.")


class CreateSchedule(Asked):
    """The body of *create schedule*."""

    schedule: NewSchedule = Field(description="The schedule.")
    idempotency_key: Guid | None = Field(
        None, description="The same key again answers with the schedule that was made first, whatever else is said."
    )


class UpdateSchedule(Asked):
    """The body of *update schedule*. A participant notification is passed over: nobody is ever notified."""

    schedule: ChangedSchedule = Field(description="What is to be changed, and the present revision.")


class CancelSchedule(Asked):
    """The body of *cancel schedule*.

    `participantNotification` is passed over: nobody is ever notified.
    """

    preserve_future_events_with_participants: bool | None = Field(
        None,
        description="Whether events that have participants stay; by default all that have not begun are cancelled.",
    )


class Filter(Asked):
    """Which schedules are meant; all conditions hold, and none is null. Without one on the status, only active ones."""

    model_config = ConfigDict(extra="forbid")

    id: GuidCondition = Field(None, description="The schedule's id.")
    external_id: ExternalIdCondition = Field(None, description="What the caller knows it by.")
    app_id: GuidCondition = Field(None, description="The app whose schedule it is.")
    status: StatusCondition = Field(None, description="Its status.")

    def wanted(self) -> ScheduleFilter:
        """Return the filter."""
        statuses = None if self.status is None else tuple(ScheduleStatus(one) for one in self.status)
        return ScheduleFilter(self.id, self.external_id, self.app_id, statuses)


class Sort(Asked):
    """How schedules are sorted: by what never changes, so that pages join to the whole."""

    field_name: Literal["createdDate", "id"] = Field(description="The field.")
    order: Literal["ASC", "DESC"] | None = Field(None, description="Ascending by default.")


class CursorPaging(Asked):
    """How much, and where to go on."""

    limit: int | None = Field(
        None, ge=1, le=MAX_LIMIT, description=f"Schedules on a page; {DEFAULT_LIMIT} where nothing is said."
    )
    cursor: QueryCursor | None = Field(
        None, description="The cursor of the page before; it carries the whole first query and is valid for a day."
    )


class Query(Asked):
    """A query; beside a cursor only the limit counts."""

    filter: Filter | None = Field(None, description="Which schedules are meant.")
    sort: list[Sort] | None = Field(None, max_length=1, description="In which order; by default by `createdDate`.")
    cursor_paging: CursorPaging | None = Field(None, description="How much, and where to go on.")

    def query(self) -> ScheduleQuery:
        """Return the query for a first page."""
        order = ScheduleOrder()
        if self.sort:
            order = ScheduleOrder(ScheduleField(self.sort[0].field_name), self.sort[0].order == "DESC")
        paging = self.cursor_paging or CursorPaging()
        wanted = self.filter.wanted() if self.filter else ScheduleFilter()
        return ScheduleQuery(wanted, order, paging.limit or DEFAULT_LIMIT)


class QuerySchedules(Asked):
    """The body of *query schedules*."""

    query: Query | None = Field(None, description="The query; without one, all active schedules are meant.")


class SchedulesAnswer(Answer):
    """A page of schedules."""

    schedules: list[ScheduleMessage] = Field(description="The schedules in order, possibly none.")
    paging_metadata: PagingMetadata = Field(description="This page, and whether there is another.")


async def create_schedule(services: Services, call: Call[CreateSchedule]) -> ScheduleAnswer:
    """Make a schedule and answer with it."""
    draft = call.asked.schedule.draft(call.identity.app_id)
    made = await services.schedule_making.create(
        call.identity.site_id, draft, idempotency_key=call.asked.idempotency_key
    )
    return ScheduleAnswer.of(made)


async def get_schedule(services: Services, call: Call[Nothing]) -> ScheduleAnswer:
    """Answer with one schedule."""
    return ScheduleAnswer.of(await services.schedule_looking.get(call.identity.site_id, call.schedule_id))


async def update_schedule(services: Services, call: Call[UpdateSchedule]) -> ScheduleAnswer:
    """Change a schedule and answer with it."""
    asked = call.asked.schedule
    if asked.id not in {None, call.path["schedule_id"].lower()}:
        raise Invalid.one("schedule.id", "must be the id that the path names", Rule.OTHER, name="IMMUTABLE")
    changed = await services.schedule_updating.update(
        call.identity.site_id, call.schedule_id, asked.change(), revision=int(asked.revision)
    )
    return ScheduleAnswer.of(changed)


async def query_schedules(services: Services, call: Call[QuerySchedules]) -> SchedulesAnswer:
    """Answer with a page of schedules."""
    query = call.asked.query or Query()
    paging = query.cursor_paging or CursorPaging()
    site_id = call.identity.site_id
    if paging.cursor is not None:
        page = await services.schedule_looking.next(site_id, paging.cursor, limit=paging.limit)
    else:
        page = await services.schedule_looking.first(site_id, query.query())
    found = [ScheduleMessage.of(one) for one in page.schedules]
    cursors = Cursors(next=page.next_cursor)
    metadata = PagingMetadata(count=len(found), cursors=cursors, has_next=cursors.next is not None)
    return SchedulesAnswer(schedules=found, paging_metadata=metadata)


async def cancel_schedule(services: Services, call: Call[CancelSchedule]) -> ScheduleAnswer:
    """Cancel a schedule and answer with it."""
    preserves = bool(call.asked.preserve_future_events_with_participants)
    cancelled = await services.schedule_ending.cancel(
        call.identity.site_id, call.schedule_id, preserve_future_events_with_participants=preserves
    )
    return ScheduleAnswer.of(cancelled)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        name="createSchedule",
        summary="Make a schedule.",
        method="POST",
        path="",
        permissions=MANAGE,
        asks=CreateSchedule,
        answers=ScheduleAnswer,
        perform=create_schedule,
        errors=(
            NO_USER,
            Declared(Conflict, "SCHEDULE_ALREADY_EXISTS", "The site has a schedule with this id already."),
            OTHER_ZONE,
            NO_PERMISSIONS,
            TOO_DEEP,
        ),
        prefixes=SCHEDULES,
        keeps_nulls=True,
    ),
    Operation(
        name="querySchedules",
        summary="Query for schedules, a page at a time; only active ones unless a status is asked for.",
        method="POST",
        path="/query",
        permissions=READ,
        asks=QuerySchedules,
        answers=SchedulesAnswer,
        perform=query_schedules,
        errors=(Declared(Invalid, "INVALID_CURSOR", "The cursor was not handed out here, or has expired."),),
        prefixes=SCHEDULES,
        keeps_nulls=True,
    ),
    Operation(
        name="getSchedule",
        summary="Get one schedule.",
        method="GET",
        path="/{schedule_id}",
        permissions=READ,
        asks=Nothing,
        answers=ScheduleAnswer,
        perform=get_schedule,
        errors=(NO_SCHEDULE,),
        prefixes=SCHEDULES,
    ),
    Operation(
        name="updateSchedule",
        summary="Change what is given of a schedule, by its present revision. Another owner disconnects its accounts.",
        method="PATCH",
        path="/{schedule_id}",
        permissions=MANAGE,
        asks=UpdateSchedule,
        answers=ScheduleAnswer,
        perform=update_schedule,
        errors=(
            NO_SCHEDULE,
            NO_USER,
            Declared(
                Conflict,
                "ABORTED",
                "The schedule was changed since the revision was read; the data holds the `currentRevision`.",
            ),
            Declared(PreconditionFailed, "SCHEDULE_CANCELLED", "The schedule was cancelled, which is final."),
            Declared(Invalid, "IMMUTABLE", "`id` or `appId` is another one than the schedule has."),
            OTHER_ZONE,
            NO_PERMISSIONS,
            TOO_DEEP,
        ),
        prefixes=SCHEDULES,
        keeps_nulls=True,
    ),
    Operation(
        name="cancelSchedule",
        summary="Cancel a schedule for ever, with its events that have not begun; its accounts are disconnected.",
        method="POST",
        path="/{schedule_id}/cancel",
        permissions=MANAGE,
        asks=CancelSchedule,
        answers=ScheduleAnswer,
        perform=cancel_schedule,
        errors=(NO_SCHEDULE, Declared(PreconditionFailed, "SCHEDULE_ALREADY_CANCELLED", "It was cancelled before.")),
        prefixes=SCHEDULES,
    ),
)
