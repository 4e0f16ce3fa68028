"""The items of one group, from text to occurrences."""

from collections.abc import Sequence

from kalends.ical.event import Event
from kalends.ical.expand import expand_events
from kalends.ical.read import read_events
from kalends.ical.steps import Steps
from kalends.model.occurrence import Expansion, ExpansionContext, Problem


def expand_resource(payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
    """Expand iCalendar texts that belong together: usually one resource with a master and its overrides.

    Never raises, whatever the bytes are: each event that cannot be read or expanded is a `Problem` that names the
    property and never the title, and the others go on. It may still take long for strange texts, so the caller sets a
    time limit unless they are tame (`is_tame`) and `limits.max_steps` is small. Raises only `KeyError` where
    `context.floating_zone` is no IANA name, which is no matter of the bytes.
    """
    limits = context.limits
    if sum(map(len, payloads)) > limits.max_bytes:
        return Expansion(problems=(Problem(None, f"the text is longer than {limits.max_bytes} bytes"),))
    steps = Steps(limits.max_steps)
    events: list[Event] = []
    problems: list[Problem] = []
    for payload in payloads:
        left = limits.max_events - len(events)
        reading = read_events(payload, own_addresses=context.own_addresses, max_events=left, steps=steps)
        events += reading.events
        problems += reading.problems
    return expand_events(events, context, problems, steps)
