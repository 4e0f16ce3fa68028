"""The items of one group, from stored payloads to occurrences."""

import json
from collections.abc import Sequence

from kalends.ical.expand import expand_events
from kalends.ical.steps import Steps
from kalends.ical.tame import is_tame as is_tame_text
from kalends.ical.zones import iana_zone
from kalends.model.occurrence import Expansion, ExpansionContext, Problem
from kalends.providers.google.events import read_group

_MOST_BYTES = 16_384
_MOST_EVENTS = 20
_HAS_RULES = b'"recurrence"'


def expand(payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
    """Expand payloads that belong together: a single event, or a master and its exceptions, or exceptions alone.

    Pure. Never raises, whatever the payloads are: each event that cannot be read or expanded is a `Problem` that names
    a field and never the title, and the others go on. Raises only `KeyError` where `context.floating_zone` is no IANA
    name, which is no matter of the payloads.
    """
    limits = context.limits
    if sum(map(len, payloads)) > limits.max_bytes:
        return Expansion(problems=(Problem(None, f"the events are longer than {limits.max_bytes} bytes"),))
    steps = Steps(limits.max_steps)
    reading = read_group(payloads, iana_zone(context.floating_zone), steps, limits.max_events)
    return expand_events(reading.events, context, reading.problems, steps)


def is_tame(payloads: Sequence[bytes]) -> bool:
    """Tell whether the items of a group are small, few, and without any but plain rules, as `ical.tame` judges them."""
    if sum(map(len, payloads)) > _MOST_BYTES or len(payloads) > _MOST_EVENTS:
        return False
    lines: list[str] = []
    for payload in payloads:
        if _HAS_RULES in payload:
            try:
                said = json.loads(payload)["recurrence"]
                lines += [line for line in said if isinstance(line, str)]
            except (ValueError, TypeError, LookupError, RecursionError):
                return False
    return is_tame_text(["\n".join(lines).encode(errors="replace")])
