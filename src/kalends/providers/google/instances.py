"""Instances of a copy that recurs: what has to be written, given those that Google keeps apart. Pure.

Google keeps apart what was ever changed or cancelled, for as long as the series is there: also what says the same as
the series by now, and what the series does not make any more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from kalends.model.copy import WantedCopy
from kalends.providers.google.copies import Body, instance_body, instance_id
from kalends.providers.google.echo import Event, is_live, original_of, says


@dataclass(frozen=True, slots=True)
class InstanceWrite:
    """A change of one instance: `body` is what it is to say, None where it is to be cancelled.

    `etag` is the version that is meant, empty for one that Google does not keep apart yet.
    """

    event_id: str
    body: Body | None
    etag: str = ""


def instance_writes(wanted: WantedCopy, exceptions: Sequence[Event]) -> Iterator[InstanceWrite]:
    """Yield what makes all instances what is wanted: nothing where they are that already.

    `exceptions` are those that Google keeps apart. Where they are neither wanted as changed nor as cancelled, they are
    to say what the series does; those that its rule does not make are to be no more.
    """
    there: dict[datetime, Event] = {}
    for event in exceptions:
        original = original_of(wanted.times, wanted.rule, event)
        if original is not None and original not in there:
            there[original] = event
        elif is_live(event):
            yield InstanceWrite(str(event.get("id")), None, str(event.get("etag") or ""))
    bodies = _bodies(wanted, there)
    for original in sorted(bodies):
        found, body = there.get(original), bodies[original]
        if found is None:
            yield InstanceWrite(instance_id(wanted, original), body)
        elif not (says(found, body) if body else not is_live(found)):
            yield InstanceWrite(str(found.get("id")), body, str(found.get("etag") or ""))


def _bodies(wanted: WantedCopy, there: dict[datetime, Event]) -> dict[datetime, Body | None]:
    """Return what each instance is to say that is wanted otherwise than by the rule, or was."""
    bodies: dict[datetime, Body | None] = {
        original: instance_body(wanted, wanted.times.at(original), wanted.text) for original in there
    }
    bodies |= {one.original: instance_body(wanted, one.times, one.text) for one in wanted.changed}
    return bodies | dict.fromkeys(wanted.cancelled)
