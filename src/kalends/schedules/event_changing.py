"""Changing schedule events: single ones, series, one instance, or all from one instance on."""

from dataclasses import replace
from datetime import datetime

from kalends.model.clock import Clock
from kalends.model.errors import Invalid, PreconditionFailed, Rule, Violation
from kalends.model.event_revision import (
    SeriesChange,
    base_of,
    changed_series,
    changed_single,
    differing,
    overridden,
    weeks_between,
)
from kalends.model.event_series import last_start, shown, whole
from kalends.model.schedule_event import EventChanged, EventView, RecurrenceType, ScheduleEvent, WeeklyRule, instant
from kalends.schedules.event_changes import Publish
from kalends.schedules.event_creating import check_not_before_today
from kalends.schedules.event_drafts import (
    RULE,
    START,
    AskedRule,
    EventChange,
    checked_content,
    checked_rule,
    merged_times,
)
from kalends.schedules.event_finding import EventOnSchedule, check_state, find_to_change
from kalends.store.database import Database
from kalends.store.schedule_events import ScheduleEvents


class EventChanging:
    """Changes schedule events. `publish` takes part in the transaction."""

    def __init__(self, database: Database, clock: Clock, publish: Publish) -> None:
        self._database = database
        self._clock = clock
        self._publish = publish

    async def update(self, site_id: str, event_id: str, change: EventChange, *, revision: int) -> EventOnSchedule:
        """Change what is given and return the event; its revision rises even where nothing is different.

        A changed instance is an exception from then on. A change of a series holds for its instances that have not
        begun; what has begun stays as it was, and exceptions take only what they inherit. Raises `NotFound`,
        `PreconditionFailed` (`EVENT_CANCELLED`, `SCHEDULE_CANCELLED`), `Conflict` (`ABORTED`), `Invalid`.
        """
        checked_content(change.content)
        async with self._database.write() as writer:
            found = await find_to_change(writer, site_id, event_id)
            view = found.view
            _check_fixed(view, change)
            check_state(found, revision)
            after = self._changed(view, change)
            await ScheduleEvents(writer, site_id).save(view.event, after)
            await self._publish(writer, EventChanged(site_id, after.schedule_id, after.id))
        return EventOnSchedule(_present(after, view.id), found.schedule)

    async def update_following(
        self, site_id: str, event_id: str, change: EventChange, *, revision: int
    ) -> EventOnSchedule:
        """Change an instance and all that follow it, and return the series.

        What is given stands beside what the series says of that instance; its start is where the rest begins.
        Raises as `update`, and `PreconditionFailed` where the event is no instance (`NOT_AN_INSTANCE`) or has begun
        (`INSTANCE_HAS_BEGUN`).
        """
        checked_content(change.content)
        async with self._database.write() as writer:
            found = await find_to_change(writer, site_id, event_id)
            view = found.view
            if view.original is None:
                raise PreconditionFailed("The event is not an instance of a series.", code="NOT_AN_INSTANCE")
            _check_fixed(view, replace(change, rule=None))
            check_state(found, revision)
            after = self._changed_from(view, view.original, change)
            await ScheduleEvents(writer, site_id).save(view.event, after)
            await self._publish(writer, EventChanged(site_id, after.schedule_id, after.id))
        return EventOnSchedule(whole(after), found.schedule)

    def _changed(self, view: EventView, change: EventChange) -> ScheduleEvent:
        now = self._clock.now()
        if view.recurrence is RecurrenceType.MASTER:
            return self._changed_series(view, change, now)
        times = merged_times(change.times, view.times)
        if view.recurrence is RecurrenceType.NONE:
            return _raised(changed_single(view.event, times, change.content), now)
        checked_rule(AskedRule(), times)
        return overridden(view, times=times, content=change.content, now=now)

    def _changed_series(self, view: EventView, change: EventChange, now: datetime) -> ScheduleEvent:
        asked, content = self._asked(view, change), differing(view, change.content)
        return _raised(_revised(view, now, replace(asked, content=content), now), now)

    def _changed_from(self, view: EventView, original: datetime, change: EventChange) -> ScheduleEvent:
        base, now = base_of(view), self._clock.now()
        cut = instant(original, view.segment.times.zone)
        if cut < now:
            raise PreconditionFailed("The instance has begun; what has been stays.", code="INSTANCE_HAS_BEGUN")
        asked, content = self._asked(base, change), differing(base, change.content)
        if asked.times is not None:
            begins_at = asked.times.start_at
            if begins_at <= (_start_before(view.event, cut) or datetime.min.replace(tzinfo=cut.tzinfo)):
                said = "must be after the start of the instance before it"
                raise Invalid.one(START, said, Rule.OTHER, name="BEFORE_EARLIER_INSTANCE")
            asked = replace(asked, begins_at=begins_at, weeks=weeks_between(original, asked.times.start))
        return _raised(_revised(view, cut, replace(asked, content=content), now), now)

    def _asked(self, view: EventView, change: EventChange) -> SeriesChange:
        """Return the times and the rule that a series is to have, nothing where they stay; raises `Invalid`."""
        before = view.segment.rule or WeeklyRule()
        times = merged_times(change.times, view.times)
        rule = checked_rule(change.rule or AskedRule(before.interval, until=before.until), times)
        if times.start.date() != view.times.start.date():
            check_not_before_today(times, self._clock)
        return SeriesChange() if (times, rule) == (view.times, before) else SeriesChange(times=times, rule=rule)


def _revised(view: EventView, cut: datetime, change: SeriesChange, now: datetime) -> ScheduleEvent:
    if not change.content and change.times is None:
        return view.event
    return changed_series(view.event, cut, change, now)


def _raised(event: ScheduleEvent, now: datetime) -> ScheduleEvent:
    return replace(event, revision=event.revision + 1, updated_at=now)


def _present(event: ScheduleEvent, event_id: str) -> EventView:
    view = shown(event, event_id)
    if view is None:
        raise LookupError(f"event {event_id} vanished")
    return view


def _start_before(event: ScheduleEvent, cut: datetime) -> datetime | None:
    """Return when the last instance before a cut starts, None where none does."""
    heads = (replace(one, before_at=min(cut, one.before_at or cut)) for one in event.segments)
    found = [(last_start(one), one.times.zone) for one in heads]
    return max((instant(start, zone) for start, zone in found if start is not None), default=None)


def _check_fixed(view: EventView, change: EventChange) -> None:
    """Raise `Invalid` where what can never change is to be another."""
    event = view.event
    # an instance has the rule of its series, what is single stays single, and a series may have another one
    asked = change.rule.rule if change.rule is not None else None
    present = asked if view.recurrence is RecurrenceType.MASTER else view.segment.rule
    fixed = (
        ("event.scheduleId", change.schedule_id, event.schedule_id),
        ("event.type", change.type, event.type),
        ("event.appId", change.app_id, event.app_id),
        (RULE, asked, present),
    )
    found = [
        Violation(where, "cannot be changed", Rule.OTHER, name="IMMUTABLE")
        for where, given, kept in fixed
        if given is not None and given != kept
    ]
    if found:
        raise Invalid(found)
