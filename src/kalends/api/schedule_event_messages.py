"""How a schedule event is asked for and written (contract §9)."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from kalends.api.fields import DateTimeText, Guid, GuidText
from kalends.api.messages import Answer, Asked
from kalends.api.schedule_event_fields import (
    FIELDS,
    DayName,
    EventId,
    EventIdText,
    LocalDate,
    LocalDateText,
    Notes,
    Resources,
    TransparencyName,
    TypeName,
)
from kalends.api.schedule_fields import Capacity, JsonObject, NoPermissions, Revision, TimeZone, Title, given
from kalends.api.schedule_messages import instant
from kalends.model.schedule_event import (
    CONTENT,
    LONGEST_INTERVAL,
    EventStatus,
    EventTimes,
    EventType,
    RecurrenceType,
    Transparency,
    Weekday,
    WeeklyRule,
    wall_time,
)
from kalends.schedules.event_cancelling import participants
from kalends.schedules.event_drafts import AskedRule, AskedTimes, EventChange, EventDraft
from kalends.schedules.event_finding import EventOnSchedule


class EventTime(Asked):
    """When an event starts or ends. `utcDate` is worked out from the rest and passed over."""

    local_date: LocalDate = Field(description="Local date and time in the event's zone; seconds are ignored.")
    time_zone: TimeZone | None = Field(None, description="May repeat the event's time zone, and be no other.")


class Until(Asked):
    """How long an event recurs."""

    local_date: LocalDate = Field(description="The latest local date and time at which an instance starts.")


class RecurrenceRule(Asked):
    """How an event recurs: on one day of the week."""

    frequency: Literal["WEEKLY"] = Field(description="How it recurs.")
    interval: int | None = Field(
        None, ge=1, le=LONGEST_INTERVAL, description="Each how many weeks; each one where nothing is said."
    )
    days: list[DayName] = Field(min_length=1, max_length=1, description="The day, which has to be that of the start.")
    until: Until | None = Field(None, description="How long; without it, until the year 2100.")

    def asked(self) -> AskedRule:
        """Return the rule."""
        until = self.until.local_date if self.until else None
        return AskedRule(self.interval or 1, Weekday(self.days[0]), until)


class ScheduleEventFields(Asked):
    """What creating and updating have in common. What is read-only, such as the status, is passed over."""

    schedule_id: Guid | None = Field(None, description="The schedule. Immutable.")
    app_id: Guid | None = Field(None, description="The app that made it; by default the caller's. Immutable.")
    type: TypeName | None = Field(None, description="What it is; `DEFAULT` where nothing is said. Immutable.")
    start: EventTime | None = Field(None, description="When it starts.")
    end: EventTime | None = Field(None, description="When it ends: after the start, exclusive.")
    time_zone: TimeZone | None = Field(
        None, description="The IANA time zone; where nothing is said, that of the schedule when it is made."
    )
    all_day: bool | None = Field(None, description="Whether it lasts whole days, from midnight to midnight.")
    recurrence_rule: RecurrenceRule | None = Field(None, description="How it recurs. Single events stay single.")
    title: Title | None = Field(None, description="Its title; the schedule's default title, or name, if there is none.")
    transparency: TransparencyName | None = Field(None, description="Whether it blocks; `OPAQUE` does, the default.")
    notes: Notes | None = Field(None, description="Notes.")
    location: JsonObject | None = Field(None, description="Where it is, kept as sent; by default the schedule's.")
    resources: Resources | None = Field(None, description="What it takes, kept as sent.")
    total_capacity: Capacity | None = Field(None, description="For how many it is; by default the schedule's.")
    conferencing_details: JsonObject | None = Field(
        None, description="How to take part from afar, kept as sent; by default the schedule's."
    )
    participants: JsonObject | None = Field(
        None, description="Who takes part, kept as sent: `list`, and `total` if it is not its length."
    )
    extended_fields: JsonObject | None = Field(None, description="Fields of the caller's own, kept as sent.")
    permissions: NoPermissions | None = Field(None, description="Not supported: has to be empty.")

    def times(self) -> AskedTimes:
        """Return what is said of its times."""
        return AskedTimes(
            start=self.start.local_date if self.start else None,
            end=self.end.local_date if self.end else None,
            zone=self.time_zone,
            all_day=self.all_day,
            start_zone=self.start.time_zone if self.start else None,
            end_zone=self.end.time_zone if self.end else None,
        )

    def content(self) -> dict[str, Any]:
        """Return what is said of its content, nulls included, by the names on the wire."""
        names = {field.alias or name: name for name, field in type(self).model_fields.items()}
        given = {name: getattr(self, names[name]) for name in CONTENT if names[name] in self.model_fields_set}
        # these two cannot be taken away, so that null says nothing
        return {name: value for name, value in given.items() if value is not None or name not in _ALWAYS}


_ALWAYS = frozenset({"title", "transparency"})


class NewScheduleEvent(ScheduleEventFields):
    """An event to be made. Null says nothing here."""

    schedule_id: Annotated[Guid, BeforeValidator(given)] = Field(description="The schedule.")
    start: Annotated[EventTime, BeforeValidator(given)] = Field(description="When it starts.")
    end: Annotated[EventTime, BeforeValidator(given)] = Field(description="When it ends: after the start, exclusive.")

    def draft(self, app_id: str | None) -> EventDraft:
        """Return what is asked for by an app, or by somebody else."""
        return EventDraft(
            schedule_id=self.schedule_id,
            times=self.times(),
            type=EventType(self.type or EventType.DEFAULT),
            app_id=self.app_id or app_id,
            rule=self.recurrence_rule.asked() if self.recurrence_rule else None,
            content={name: value for name, value in self.content().items() if value is not None},
        )


class ChangedScheduleEvent(ScheduleEventFields):
    """An event to be changed; what is absent stays as it was.

    Null takes away notes, location, resources, capacity, conferencing details, participants and extended fields;
    elsewhere it says nothing.
    """

    id: EventId | None = Field(None, description="May repeat the id of the path.")
    revision: Revision = Field(description="The present revision, as it was read last.")

    def change(self, fields: frozenset[str] = FIELDS) -> EventChange:
        """Return what is to be changed, of some fields or of all."""
        times = self.times()
        start, end = "start" in fields, "end" in fields
        return EventChange(
            times=AskedTimes(
                start=times.start if start else None,
                end=times.end if end else None,
                zone=times.zone if "timeZone" in fields else None,
                all_day=times.all_day if "allDay" in fields else None,
                start_zone=times.start_zone if start else None,
                end_zone=times.end_zone if end else None,
            ),
            rule=self.recurrence_rule.asked() if self.recurrence_rule and "recurrenceRule" in fields else None,
            content={name: value for name, value in self.content().items() if name in fields},
            schedule_id=self.schedule_id,
            type=EventType(self.type) if self.type else None,
            app_id=self.app_id,
        )


class EventTimeMessage(Answer):
    """When an event starts or ends."""

    local_date: LocalDateText = Field(description="Local date and time in the zone.")
    utc_date: DateTimeText = Field(description="The instant, in UTC.")
    time_zone: str = Field(description="The IANA time zone.")

    @classmethod
    def of(cls, wall: datetime, at: datetime, zone: str) -> "EventTimeMessage":
        """Return the message for a wall time in a zone, and its instant."""
        return cls(local_date=wall.isoformat(timespec="seconds"), utc_date=instant(at), time_zone=zone)


class UntilMessage(Answer):
    """How long an event recurs."""

    local_date: LocalDateText = Field(description="The latest local date and time at which an instance starts.")


class RecurrenceRuleMessage(Answer):
    """How an event recurs."""

    frequency: Literal["WEEKLY"] = Field(description="How it recurs.")
    interval: int = Field(description="Each how many weeks.")
    days: list[DayName] = Field(description="The day of the week, exactly one.")
    until: UntilMessage | None = Field(None, description="How long, if it has an end before the year 2100 has.")

    @classmethod
    def of(cls, rule: WeeklyRule, times: EventTimes) -> "RecurrenceRuleMessage":
        """Return the message for the rule of a series."""
        until = UntilMessage(local_date=rule.until.isoformat(timespec="seconds")) if rule.until else None
        days: list[Any] = [Weekday.of(times.start).value]
        return cls(frequency="WEEKLY", interval=rule.interval, days=days, until=until)


class ScheduleEventMessage(Answer):
    """An event on a schedule: a booking, a class or a block; alone, a weekly series, or an instance of one."""

    id: EventIdText = Field(description="Its id. That of an instance is longer, and made of its series' and its start.")
    schedule_id: GuidText = Field(description="The schedule that it is on.")
    external_schedule_id: str | None = Field(None, description="What the caller knows that schedule by.")
    schedule_name: str = Field(description="The schedule's name.")
    app_id: GuidText | None = Field(None, description="The app that made it.")
    type: EventType = Field(description="What it is.")
    status: EventStatus = Field(description="Whether it takes place, or is cancelled for ever.")
    title: str | None = Field(None, description="Its title.")
    start: EventTimeMessage = Field(description="When it starts, in its own zone.")
    end: EventTimeMessage = Field(description="When it ends, in its own zone; exclusive.")
    adjusted_start: EventTimeMessage = Field(description="When it starts, in the zone that was asked for, or its own.")
    adjusted_end: EventTimeMessage = Field(description="When it ends, in the zone that was asked for, or its own.")
    time_zone: str = Field(description="Its IANA time zone.")
    all_day: bool = Field(description="Whether it lasts whole days in its own zone.")
    recurrence_type: RecurrenceType = Field(description="Single, a series, an instance of one, or a changed instance.")
    recurring_event_id: GuidText | None = Field(None, description="The series that an instance belongs to.")
    recurrence_rule: RecurrenceRuleMessage | None = Field(None, description="How a series recurs.")
    transparency: Transparency = Field(description="Whether it blocks (`OPAQUE`).")
    location: dict[str, Any] | None = Field(None, description="Where it is.")
    resources: list[dict[str, Any]] = Field(description="What it takes, possibly nothing.")
    total_capacity: int | None = Field(None, description="For how many it is.")
    remaining_capacity: int | None = Field(None, description="How many more can take part, if the capacity is known.")
    conferencing_details: dict[str, Any] | None = Field(None, description="How to take part from afar.")
    participants: dict[str, Any] | None = Field(None, description="Who takes part.")
    notes: str | None = Field(None, description="Notes.")
    inherited_fields: list[str] = Field(description="What an exception has from its series; else empty.")
    permissions: list[dict[str, Any]] = Field(description="Always empty: single events have none.")
    extended_fields: dict[str, Any] | None = Field(None, description="Fields of the caller's own.")
    revision: str = Field(description="Rises with each change; an update has to name the present one.")
    created_date: DateTimeText = Field(description="When it was made, in UTC; of an instance, its series.")
    updated_date: DateTimeText = Field(description="When it was last changed, in UTC; of an instance, its series.")

    @classmethod
    def of(cls, found: EventOnSchedule, time_zone: str | None = None) -> "ScheduleEventMessage":
        """Return the message for an event, with its times adjusted to a zone."""
        view, schedule = found
        kept, times = view.content, view.times
        start_at, end_at = times.start_at, times.end_at
        zone = time_zone or times.zone
        capacity = kept.get("totalCapacity")
        return cls(
            id=view.id,
            schedule_id=schedule.id,
            external_schedule_id=schedule.external_id,
            schedule_name=schedule.name,
            app_id=view.event.app_id,
            type=view.event.type,
            status=view.status,
            title=kept.get("title"),
            start=EventTimeMessage.of(times.start, start_at, times.zone),
            end=EventTimeMessage.of(times.end, end_at, times.zone),
            adjusted_start=EventTimeMessage.of(wall_time(start_at, zone), start_at, zone),
            adjusted_end=EventTimeMessage.of(wall_time(end_at, zone), end_at, zone),
            time_zone=times.zone,
            all_day=times.all_day,
            recurrence_type=view.recurrence,
            recurring_event_id=view.event.id if view.original is not None else None,
            recurrence_rule=RecurrenceRuleMessage.of(view.rule, times) if view.rule else None,
            transparency=view.transparency,
            location=kept.get("location"),
            resources=kept.get("resources") or [],
            total_capacity=capacity,
            remaining_capacity=None if capacity is None else max(0, capacity - participants(kept.get("participants"))),
            conferencing_details=kept.get("conferencingDetails"),
            participants=kept.get("participants"),
            notes=kept.get("notes"),
            inherited_fields=list(view.inherited),
            permissions=[],
            extended_fields=kept.get("extendedFields"),
            revision=str(view.revision),
            created_date=instant(view.created_at),
            updated_date=instant(view.updated_at),
        )


class ScheduleEventAnswer(Answer):
    """One event."""

    event: ScheduleEventMessage = Field(description="The event as it is now.")

    @classmethod
    def of(cls, found: EventOnSchedule, time_zone: str | None = None) -> "ScheduleEventAnswer":
        """Return the answer for an event."""
        return cls(event=ScheduleEventMessage.of(found, time_zone))
