"""The methods of the resources `events` and `channels`."""

from typing import Any

from kalends.sandbox.google.call import Call
from kalends.sandbox.google.errors import Refused, required
from kalends.sandbox.google.kept import KeptEvent
from kalends.sandbox.google.rendering import View
from kalends.sandbox.google.state import Calendar, events_of, list_of


def list_(call: Call) -> dict[str, Any]:
    """Answer events.list."""
    return call.lister().events(call.query)


def get(call: Call) -> dict[str, Any]:
    """Answer events.get, which tells deleted events as well."""
    lister = call.lister()
    writer = call.reader(lister.calendar)
    event = writer.find(call.path["eventId"])
    return lister.view(call.query).render(event, cancelled=writer.is_gone(event))


def instances(call: Call) -> dict[str, Any]:
    """Answer events.instances."""
    lister = call.lister()
    return lister.instances(call.reader(lister.calendar).find(call.path["eventId"]), call.query)


def insert(call: Call) -> dict[str, Any]:
    """Answer events.insert."""
    writer = call.writer()
    return _shown(call, writer.calendar, writer.insert(call.body))


def import_(call: Call) -> dict[str, Any]:
    """Answer events.import."""
    writer = call.writer()
    return _shown(call, writer.calendar, writer.import_(call.body))


def patch(call: Call) -> dict[str, Any]:
    """Answer events.patch."""
    writer = call.writer()
    return _shown(call, writer.calendar, writer.patch(call.path["eventId"], call.body, call.if_match))


def update(call: Call) -> dict[str, Any]:
    """Answer events.update."""
    writer = call.writer()
    return _shown(call, writer.calendar, writer.update(call.path["eventId"], call.body, call.if_match))


def delete(call: Call) -> None:
    """Answer events.delete."""
    call.writer().delete(call.path["eventId"], call.if_match)


def move(call: Call) -> dict[str, Any]:
    """Answer events.move."""
    destination = call.query.text("destination")
    if not destination:
        raise required("Missing destination calendar.", "destination")
    there = call.writer(destination)
    return _shown(call, there.calendar, call.writer().move(call.path["eventId"], there))


def watch(call: Call) -> dict[str, Any]:
    """Answer events.watch."""
    calendar = call.calendar()
    if not calendar.watchable:
        raise Refused(
            400,
            "pushNotSupportedForRequestedResource",
            "Push notifications are not supported by this resource.",
        )
    return _watched(call, events_of(calendar))


def watch_list(call: Call) -> dict[str, Any]:
    """Answer calendarList.watch."""
    return _watched(call, list_of(call.account))


def stop(call: Call) -> None:
    """Answer channels.stop."""
    call.channels.stop(call.body, call.bearer.client_id)


def _watched(call: Call, resource: str) -> dict[str, Any]:
    uri = call.url.replace("/watch", "", 1)
    uri += "&alt=json" if "?" in uri else "?alt=json"
    channel = call.channels.open(call.body, client_id=call.bearer.client_id, resource=resource, uri=uri)
    return channel.render()


def _shown(call: Call, calendar: Calendar, event: KeptEvent) -> dict[str, Any]:
    zone = call.query.zone() or calendar.zone
    return View(calendar, zone, call.role(calendar), call.query.number("maxAttendees")).render(event)
