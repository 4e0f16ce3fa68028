"""The delta of a calendar's view: what is in a span of time, and then again and again what has changed in it.

The span is named once and is part of the tokens from then on. A round is made whole with its first page, so that
nothing is missed or told twice between pages. Masters of series come beside their occurrences, which are slim.

Source: "event: delta" and "Get incremental changes to events in a calendar view" in Microsoft's documents; of the slim
occurrences, what people report.
"""

import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from kalends.sandbox.microsoft.call import Answered, Call
from kalends.sandbox.microsoft.errors import GraphRefused, bad_query, bad_request
from kalends.sandbox.microsoft.fields import EVENT_PROPERTIES
from kalends.sandbox.microsoft.kept import KeptEvent, Occurrence
from kalends.sandbox.microsoft.rendering import View
from kalends.sandbox.microsoft.state import Calendar, Oddities

USUAL_SIZE, MOST_SIZE = 50, 1000
MOST_ROUNDS = 2_000
"""So many rounds and states are remembered; the oldest then is a token that has run out."""
REFUSED = ("$select", "$filter", "$orderby", "$expand", "$search", "$top", "$skip")
"""Parameters that this function does not support."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40}", re.ASCII)

Key = tuple[bytes, date | None]
"""An event of a calendar, or an occurrence or exception by its day."""


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of a round: an event or an occurrence that is there, or the reason why it is there no more.

    The reason `nulls` stands for an event outside of the span, of which nothing but its id is shown.
    """

    key: Key
    shown: KeptEvent | Occurrence | None = None
    reason: str = "deleted"

    @property
    def signature(self) -> tuple[object, ...]:
        """What is compared to tell whether an entry has changed."""
        if isinstance(self.shown, Occurrence):
            return ("occurrence", self.shown.begins, self.shown.ends)
        return ("event", self.shown.change if self.shown else None)

    @property
    def version(self) -> int:
        """The change that made what is shown, which for an occurrence is its master's."""
        one = self.shown.master if isinstance(self.shown, Occurrence) else self.shown
        return one.change if one else 0

    def render(self, view: View) -> dict[str, Any]:
        """Return the entry as it is shown."""
        if self.shown is None:
            if self.reason == "nulls":
                nulls = dict.fromkeys(sorted(EVENT_PROPERTIES - {"singleValueExtendedProperties"}))
                return {"@odata.type": "#microsoft.graph.event", **nulls, "id": view.id(*self.key)}
            removed = {"reason": self.reason}
            return {"@odata.type": "#microsoft.graph.event", "id": view.id(*self.key), "@removed": removed}
        if isinstance(self.shown, Occurrence):
            return view.slim(self.shown)
        return {"@odata.type": "#microsoft.graph.event", **view.event(self.shown)}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client has been told of a calendar: its entries in a span, as of a change."""

    events: object
    since: datetime
    until: datetime
    change: int
    rows: Mapping[Key, Row]


@dataclass(frozen=True, slots=True)
class Round:
    """All entries of a round, and what the client has been told after it. `page` counts from 1."""

    rows: Sequence[Row]
    seen: Seen
    offset: int = 0
    page: int = 1
    empty_pages: int = 0


@dataclass
class Rounds:
    """The rounds whose later pages may be asked for, and what clients were told, by their tokens."""

    waiting: OrderedDict[str, Round] = field(default_factory=OrderedDict)
    told: OrderedDict[str, Seen] = field(default_factory=OrderedDict)

    def keep(self, what: Round | Seen) -> str:
        """Return a token for the rest of a round, or for what a client was told."""
        token = secrets.token_urlsafe(30)
        if isinstance(what, Round):
            self.waiting[token] = what
        else:
            self.told[token] = what
        for kept in (self.waiting, self.told):
            while len(kept) > MOST_ROUNDS:
                kept.popitem(last=False)
        return token


class Delta:
    """The function, with the tokens that it has handed out."""

    def __init__(self) -> None:
        self.rounds = Rounds()

    def answer(self, call: Call) -> Answered:
        """Answer GET of a calendar view's delta; raises `GraphRefused`."""
        calendar, odd = call.calendar(), call.state.oddities
        refused = [name for name in REFUSED if name in call.query]
        if refused:
            text = "The following parameters are not supported with change tracking over the 'CalendarView' resource: "
            raise bad_request(f"{text}'{', '.join(refused)}'.", "ErrorInvalidUrlQuery")
        round_ = self._round(call, calendar, odd)
        size = min(call.prefers.page_size or USUAL_SIZE, odd.most_per_page or MOST_SIZE, MOST_SIZE)
        taken = 0 if round_.page <= round_.empty_pages else size
        rows, rest = round_.rows[round_.offset :][:taken], round_.rows[round_.offset + taken :]
        view = View(calendar, call.prefers)
        shown: dict[str, Any] = {
            "@odata.context": f"{call.asked.here}/v1.0/$metadata#Collection(event)",
            "value": [row.render(view) for row in rows],
        }
        if rest:
            following = Round(round_.rows, round_.seen, round_.offset + len(rows), round_.page + 1, round_.empty_pages)
            shown["@odata.nextLink"] = call.link([("$skiptoken", self.rounds.keep(following))])
        else:
            shown["@odata.deltaLink"] = call.link([("$deltatoken", self.rounds.keep(round_.seen))])
        return Answered(200, shown, {"Preference-Applied": "odata.track-changes"})

    def _round(self, call: Call, calendar: Calendar, odd: Oddities) -> Round:
        """Return the round that a request begins or goes on with."""
        tokens = [name for name in ("$skiptoken", "$deltatoken") if name in call.query]
        if not tokens:
            since, until = call.query.span()
            seen = _seen(calendar, since, until, call.state.change)
            return Round(_ordered(seen.rows.values(), odd), seen, empty_pages=odd.empty_pages)
        if len(call.query.given) > 1:
            raise bad_query(tokens[0], "goes with no other parameter")
        token = call.query.text(tokens[0]) or ""
        if _TOKEN.fullmatch(token) is None:
            raise bad_request("Badly formed token.", "ErrorInvalidUrlQuery")
        found: Round | Seen | None
        found = self.rounds.waiting.get(token) if tokens[0] == "$skiptoken" else self.rounds.told.get(token)
        seen_before = found.seen if isinstance(found, Round) else found
        page = found.page if isinstance(found, Round) else 1
        if odd.gone_on_page == page:
            odd.gone_on_page, found = None, None
        if found is None or seen_before is None or seen_before.change <= calendar.delta_until:
            raise gone(odd.gone_style)
        if seen_before.events is not calendar.events:
            raise bad_request("The token is that of another calendar.", "ErrorInvalidUrlQuery")
        if isinstance(found, Round):
            return found
        if calendar.events.change <= found.change:
            now = replace(found, change=call.state.change)
            return Round([], now, empty_pages=odd.empty_pages)
        now = _seen(calendar, found.since, found.until, call.state.change)
        return Round([*_changes(calendar, found, now, odd)], now, empty_pages=odd.empty_pages)


def gone(style: str) -> GraphRefused:
    """Return the refusal of a token that has run out, in one of the ways that people report."""
    text = "The sync state generation is not found; generation=149;[highest=157][157][155][156]."
    if style == "410-resync":
        return GraphRefused(410, "resyncRequired", "Resync required. Replace the local version with the server's.")
    if style == "400":
        return GraphRefused(400, "SyncStateInvalid", "The sync state is not valid for this request.")
    return GraphRefused(404 if style == "404" else 410, "SyncStateNotFound", text)


GONE_STYLES = ("410", "410-resync", "400", "404")
"""The ways in which a token that has run out may be refused."""
OUTSIDE = ("removed", "nulls", "silent")
"""How events outside of the span are told of that were changed."""
MASTERS = ("first", "last", "missing")
"""Where the masters of series stand in a round."""


def _seen(calendar: Calendar, since: datetime, until: datetime, change: int) -> Seen:
    rows: dict[Key, Row] = {}
    for event in calendar.events:
        if event.series is None:
            if event.touches(since, until):
                rows[event.key, None] = Row((event.key, None), event)
            continue
        inside = event.instances(since, until)
        if inside:
            rows[event.key, None] = Row((event.key, None), event)
        for one in inside:
            key = (event.key, one.day if isinstance(one, Occurrence) else one.original)
            rows[key] = Row(key, one)
    return Seen(calendar.events, since, until, change, rows)


def _changes(calendar: Calendar, before: Seen, now: Seen, odd: Oddities) -> Iterator[Row]:
    """Yield what has changed: entries that are new or other, then those that are not there any more.

    Among these are events outside of the span that were changed, though nobody had been told of them.
    """
    changed = []
    for key, row in now.rows.items():
        known = before.rows.get(key)
        followed = odd.occurrences_follow and known is not None and known.version != row.version
        if known is None or known.signature != row.signature or followed:
            changed.append(row)
    yield from _ordered(changed, odd)
    for key in before.rows:
        if key not in now.rows:
            yield Row(key, reason=odd.removed_reason if _exists(calendar, key) else "deleted")
    for key, change in _versions(calendar):
        if odd.outside != "silent" and change > before.change and key not in before.rows and key not in now.rows:
            yield Row(key, reason="nulls" if odd.outside == "nulls" and key[0] in calendar.events.living else "deleted")


def _exists(calendar: Calendar, key: Key) -> bool:
    item, day = key
    event = calendar.events.get(item)
    if event is None or day is None:
        return event is not None
    return day in event.exceptions or (day not in event.cancelled and event.occurrence_on(day) is not None)


def _versions(calendar: Calendar) -> Iterator[tuple[Key, int]]:
    for event in calendar.events:
        yield (event.key, None), event.change
        for day, exception in event.exceptions.items():
            yield (event.key, day), exception.change
    for item, change in calendar.events.gone.items():
        yield (item, None), change


def _ordered(rows: Iterable[Row], odd: Oddities) -> list[Row]:
    """Return entries that are there by their starts, masters where the switch puts them."""

    def place(row: Row) -> tuple[bool, float]:
        begins = row.shown.begins.timestamp() if row.shown else 0.0
        return _is_master(row) == (odd.masters == "last"), begins

    return sorted((row for row in rows if odd.masters != "missing" or not _is_master(row)), key=place)


def _is_master(row: Row) -> bool:
    return isinstance(row.shown, KeptEvent) and row.shown.series is not None
