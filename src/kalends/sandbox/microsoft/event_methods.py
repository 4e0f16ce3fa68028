"""The methods of events: list, get, create, patch, delete, their instances, and the view of a calendar."""

from datetime import date

from kalends.sandbox.microsoft.call import Answered, Call
from kalends.sandbox.microsoft.errors import bad_request, not_found
from kalends.sandbox.microsoft.events import EventWriter, occurrence_of
from kalends.sandbox.microsoft.kept import KeptEvent, Occurrence
from kalends.sandbox.microsoft.rendering import uid
from kalends.sandbox.microsoft.state import Calendar


def list_(call: Call) -> Answered:
    """Answer GET of a calendar's events: single ones and masters."""
    calendar = call.calendar()
    view, fits = call.view(calendar), call.query.test(lambda event: uid(event.key, None))
    events = call.query.ordered([event for event in calendar.events if fits(event)])
    return call.page(events, view.event, "events")


def get(call: Call) -> Answered:
    """Answer GET of an event, or of an occurrence."""
    calendar, event, day = found(call)
    view = call.view(calendar)
    shown = view.event(event) if day is None else view.instance(occurrence_of(event, day))
    return Answered(200, {**call.context("events/$entity"), **shown})


def create(call: Call) -> Answered:
    """Answer POST to a calendar's events."""
    calendar = call.calendar()
    made = EventWriter(call.state, calendar).create(call.body)
    return Answered(201, {**call.context("events/$entity"), **call.view(calendar).event(made)})


def patch(call: Call) -> Answered:
    """Answer PATCH of an event, or of an occurrence, which becomes an exception."""
    calendar, event, day = found(call)
    call.check_match(_change(event, day))
    changed = EventWriter(call.state, calendar).change(event, day, call.body)
    return Answered(200, {**call.context("events/$entity"), **call.view(calendar).event(changed)})


def delete(call: Call) -> Answered:
    """Answer DELETE of an event, or of an occurrence."""
    calendar, event, day = found(call)
    call.check_match(_change(event, day))
    EventWriter(call.state, calendar).delete(event, day)
    return Answered(204)


def instances(call: Call) -> Answered:
    """Answer GET of a series' occurrences and exceptions in a span."""
    calendar, event, day = found(call)
    since, until = call.query.span()
    if day is not None or event.series is None:
        raise bad_request("The event is not the master of a recurring series.")
    return call.page(event.instances(since, until), call.view(calendar).instance, "events")


def calendar_view(call: Call) -> Answered:
    """Answer GET of all that takes place in a calendar in a span: single events, occurrences and exceptions."""
    calendar = call.calendar()
    since, until = call.query.span()
    rows: list[KeptEvent | Occurrence] = []
    for event in calendar.events:
        if event.series is not None:
            rows += event.instances(since, until)
        elif event.touches(since, until):
            rows.append(event)
    rows.sort(key=lambda one: (one.begins, one.ends))
    return call.page(rows, call.view(calendar).instance, "calendarView")


def found(call: Call) -> tuple[Calendar, KeptEvent, date | None]:
    """Return the event that the path names, and the day of an occurrence; raises `GraphRefused`."""
    calendar, event, day = call.mailbox.event(call.params["event"])
    if "calendar" in call.params and calendar is not call.calendar():
        raise not_found()
    if day is not None:
        occurrence_of(event, day)
    return calendar, event, day


def _change(event: KeptEvent, day: date | None) -> int:
    exception = None if day is None else event.exceptions.get(day)
    return (exception or event).change
