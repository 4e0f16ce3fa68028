"""What is remembered between passes, and inside one that was cut off: opaque strings of ours, with a version inside.

The span of time of a calendar view is frozen in its delta link: what lies after it never shows. So a view reaches
beyond what is asked for, and its cursor is refused before that is used up; everything is read again then, over a span
that begins and ends later, and only what is new in it is written ("Get incremental changes to events in a calendar
view").
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from kalends.model.time import Window
from kalends.providers.errors import CursorRefused

POLICY = 2
"""Raised where what is read, or kept of it, changes its meaning."""
AHEAD = timedelta(days=45)
"""How far a view reaches beyond what is asked for: the window rolls on for that long, or a third less."""
SPREAD = timedelta(days=15)
"""By how much earlier than it must a calendar is read again, so that those of one day are not for ever of one day."""


@dataclass(frozen=True, slots=True)
class View:
    """A reading of a calendar view: what `span` it is over, and the link at which it goes on, empty at its beginning.

    `delta` tells whether it is of what changed, and not of everything.
    """

    span: Window
    link: str = ""
    delta: bool = False

    @classmethod
    def over(cls, window: Window) -> "View":
        """Return the reading of everything in a window and somewhat after it."""
        return cls(Window(window.start, window.end + AHEAD))

    @classmethod
    def of_cursor(cls, text: str, window: Window, calendar_id: str) -> "View":
        """Return the reading of what changed since a cursor.

        Raises `CursorRefused` where it is of another version, or its span does not, or soon will not, reach over the
        window.
        """
        view = _view(text)
        if view is None or not view.link:
            raise CursorRefused("the cursor is of another version")
        if window.start < view.span.start or view.span.end < window.end + _early(calendar_id):
            raise CursorRefused("the span of the cursor is used up")
        return replace(view, delta=True)

    def cursor(self, link: str) -> str:
        """Return the cursor that stands for this reading, given the delta link that it ended with."""
        return self._written(link)

    def continuation(self) -> str:
        """Return the reading as text, to go on from."""
        return self._written(self.link)

    def _written(self, link: str) -> str:
        span = [self.span.start.isoformat(), self.span.end.isoformat()]
        return json.dumps({"v": POLICY, "span": span, "link": link}, separators=(",", ":"))

    def resumed(self, text: str | None) -> "View":
        """Return where a reading that began like this one was cut off; itself where the text is of another one."""
        begun = _view(text or "")
        if begun is None or not begun.link:
            return self
        same = begun.span == self.span if self.delta else self.span.end - begun.span.end < AHEAD - SPREAD
        return replace(begun, delta=self.delta) if same and begun.span.start <= self.span.start else self


def _early(calendar_id: str) -> timedelta:
    """Return by how much earlier than it must this calendar is read again."""
    part = int.from_bytes(sha256(calendar_id.encode(errors="replace")).digest()[:4]) / 2**32
    return part * SPREAD


def _view(text: str) -> View | None:
    said = _parsed(text)
    match said:
        case {"v": version, "span": [str(start), str(end)], "link": str(link)} if version == POLICY:
            try:
                span = Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
            except ValueError:
                return None
            return View(span, link) if span.start.tzinfo and span.end.tzinfo else None
    return None


def _parsed(text: str) -> Mapping[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
