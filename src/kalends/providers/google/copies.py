"""What a copy is to look like at Google: the bodies of requests. Pure.

Sources: the resource "Events" of Calendar API v3 in its discovery document, and "Recurring events" of the guide.

* `description` may hold HTML, so that what is special there is written as text.
* Making one instance private makes the whole series so; a series with a private instance is private as a whole.
* An instance is addressed by its series' id and by where the rule has put it, in UTC.
"""

import unicodedata
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import urlsplit

from kalends.model.copy import CopyText, WantedCopy
from kalends.model.schedule_event import EventTimes, WeeklyRule, instant
from kalends.providers.google.payload import TAG

Body = dict[str, Any]
"""The fields of a request; those with None are taken away from what is there."""

LONGEST_DESCRIPTION = 8_000
"""Characters; Google takes a few more than these."""

_BREAKS = frozenset("\n\t")
_NEVER_SHOWN = frozenset({"Cc", "Cs"})
"""Categories of characters: controls, and halves of characters."""


def new_body(wanted: WantedCopy) -> Body:
    """Return what a copy is inserted with: nothing reminds of it, whatever the calendar does by default."""
    given = {name: value for name, value in body_of(wanted).items() if value is not None}
    times = {name: {part: text for part, text in given[name].items() if text is not None} for name in ("start", "end")}
    return {**given, **times, "id": wanted.key, "reminders": {"useDefault": False, "overrides": []}}


def body_of(wanted: WantedCopy) -> Body:
    """Return what a copy itself says, without its instances."""
    rule = None if wanted.rule is None else [_line(wanted.rule, wanted.times)]
    return {**_said(wanted, wanted.text), **span(wanted.times, by_wall=rule is not None), "recurrence": rule}


def instance_body(wanted: WantedCopy, times: EventTimes, text: CopyText) -> Body:
    """Return what an instance says; it takes place, whether or not it was cancelled before."""
    return {**_said(wanted, text), **span(times), "status": "confirmed"}


def instance_id(wanted: WantedCopy, original: datetime) -> str:
    """Return the id that the instance has which the rule puts at a naive wall time."""
    if wanted.times.all_day:
        return f"{wanted.key}_{original:%Y%m%d}"
    return f"{wanted.key}_{instant(original, wanted.times.zone):%Y%m%dT%H%M%SZ}"


def _said(wanted: WantedCopy, text: CopyText) -> Body:
    private = wanted.text.private or any(one.text.private for one in wanted.changed)
    return {
        "summary": " ".join(_plain(text.title).split("\n")),
        "description": _description(text) or None,
        "location": _plain(text.location) or None,
        "source": _source(text.url),
        "transparency": "opaque" if text.busy else "transparent",
        "visibility": "private" if private else "default",
        "extendedProperties": {"private": {TAG: wanted.tag}},
    }


def _plain(text: str) -> str:
    """Return a text without what no text shows, and what Google would not take."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in lines if one in _BREAKS or unicodedata.category(one) not in _NEVER_SHOWN)


def _description(text: CopyText) -> str:
    """Return notes and link, as HTML; of notes that are too long, what fits."""
    link = "" if text.url is None else escape(text.url, quote=False)
    room = LONGEST_DESCRIPTION - len(link) - 2
    written: list[str] = []
    for one in _plain(text.notes):
        safe = escape(one, quote=False)
        room -= len(safe)
        if room < 0:
            break
        written.append(safe)
    return "\n\n".join(part for part in ("".join(written), link) if part)


def _source(url: str | None) -> Body | None:
    """Return a link as Google's programs show it; they know web addresses alone."""
    parts = urlsplit(url or "")
    if url is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    return {"title": parts.hostname, "url": url}


def span(times: EventTimes, *, by_wall: bool = False) -> Body:
    """Return start and end: a series' (`by_wall`) as wall times, which its rule repeats; others in UTC.

    A wall time alone does not say which of two is meant in autumn, nor where it is to go in spring.
    """
    if times.all_day:
        return {name: moment(day=at.date().isoformat()) for name, at in (("start", times.start), ("end", times.end))}
    if by_wall:
        walls = (("start", times.start), ("end", times.end))
        return {name: moment(at=at.isoformat(timespec="seconds"), zone=times.zone) for name, at in walls}
    instants = (("start", times.start_at), ("end", times.end_at))
    return {name: moment(at=f"{at:%Y-%m-%dT%H:%M:%SZ}", zone=times.zone) for name, at in instants}


def moment(*, day: str | None = None, at: str | None = None, zone: str | None = None) -> Body:
    """Return a start or an end; None takes the day away where a time comes instead, and the other way round."""
    return {"date": day, "dateTime": at, "timeZone": zone}


def _line(rule: WeeklyRule, times: EventTimes) -> str:
    """Return the line of a rule (RFC 5545 §3.3.10): UNTIL is a date in a series of days, and in UTC in others."""
    parts = ["RRULE:FREQ=WEEKLY"]
    if rule.interval != 1:
        parts.append(f"INTERVAL={rule.interval}")
    if rule.until is not None and times.all_day:
        parts.append(f"UNTIL={rule.until:%Y%m%d}")
    elif rule.until is not None:
        parts.append(f"UNTIL={instant(rule.until, times.zone):%Y%m%dT%H%M%SZ}")
    return ";".join(parts)
