"""events.list and events.instances: filters, expansion, sync tokens.

What Google's documents leave open is decided thus:

* A sync token remembers `singleEvents`, `eventTypes`, `showHiddenInvitations`, `timeMin` and `timeMax` of the listing
  that it ends, and is refused (400) where the question has others of the first three. The times bound later answers:
  what has never been between them is not told. Other filters are forgotten, so that everything changed comes.
* Listings with `orderBy` end without a sync token.
* A series counts as lying from its first instance to its last; an exception is told where its old or its new time
  fits.
* Without `timeMax`, series are expanded up to two years from now; with one, up to twenty.
* With `singleEvents`, what a changed series made before and makes no longer comes as cancelled instances.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kalends.sandbox.google.errors import Refused, full_sync_required, invalid
from kalends.sandbox.google.kept import KeptEvent, etag
from kalends.sandbox.google.matching import Filters
from kalends.sandbox.google.paging import Listing, Page, Row
from kalends.sandbox.google.query import Query
from kalends.sandbox.google.recurring import LAST, instances
from kalends.sandbox.google.rendering import View, as_events
from kalends.sandbox.google.state import Calendar, State
from kalends.sandbox.google.times import instant_of, write_millis
from kalends.sandbox.google.tokens import SyncToken

_USUAL_SIZE = 250
_MOST_SIZE = 2500
_AHEAD = timedelta(days=2 * 365)
_FAR_AHEAD = 10 * _AHEAD
_NOT_WITH_TOKEN = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
_SHAPE = (
    *_NOT_WITH_TOKEN,
    "syncToken",
    "singleEvents",
    "showDeleted",
    "showHiddenInvitations",
    "eventTypes",
    "maxAttendees",
    "timeZone",
    "originalStart",
)


@dataclass(frozen=True)
class EventLister:
    """Lists the events of one calendar as `email` sees them."""

    state: State
    calendar: Calendar
    email: str
    role: str

    def events(self, query: Query) -> dict[str, Any]:
        """Answer events.list; raises `Refused`."""
        shape = {"list": self.calendar.id, "user": self.email, **_shape(query)}
        return self._answer(query, shape, self._listing)

    def instances(self, series: KeptEvent, query: Query) -> dict[str, Any]:
        """Answer events.instances of a series; raises `Refused`."""
        if not series.is_series:
            raise invalid("Instances can only be listed for recurring events.", "eventId")
        shape = {"instances": self.calendar.id, "of": series.id, "user": self.email, **_shape(query)}
        return self._answer(query, shape, partial(self._instances_listing, series))

    def between(self, since: datetime, until: datetime) -> Iterator[KeptEvent]:
        """Yield the single events and instances that take place in a span of time."""
        return self._single(Filters(since, until))

    def view(self, query: Query, *, details: bool = True) -> View:
        """Return how the one who asks sees events."""
        zone = query.zone() or self.calendar.zone
        return View(self.calendar, zone, self.role, query.number("maxAttendees"), details)

    def _answer(
        self, query: Query, shape: dict[str, Any], make: Callable[[Query, dict[str, Any]], Listing]
    ) -> dict[str, Any]:
        odd = self.calendar.oddities
        size = min(query.size(_USUAL_SIZE, _MOST_SIZE), odd.most_per_page or _MOST_SIZE)
        token = query.text("pageToken")
        if token is None:
            page = self.state.pages.first(make(query, shape), size)
        else:
            page = self.state.pages.following(token, shape, size)
        if page.listing.incremental and odd.gone_on_page == page.number:
            odd.gone_on_page = None
            self.state.expire_tokens(self.calendar)
            raise full_sync_required()
        return self._envelope(query, page)

    def _envelope(self, query: Query, page: Page) -> dict[str, Any]:
        newest = self.calendar.events.newest
        change, updated = (
            (self.calendar.change, self.state.began) if newest is None else (newest.change, newest.updated)
        )
        shown: dict[str, Any] = {
            "kind": "calendar#events",
            "etag": etag(change),
            "summary": self.calendar.summary,
            "updated": write_millis(updated),
            "timeZone": (query.zone() or self.calendar.zone).name,
            "accessRole": self.role,
            "defaultReminders": [{"method": "popup", "minutes": 10}],
            "items": page.items,
        }
        if "description" in self.calendar.fields:
            shown["description"] = self.calendar.fields["description"]
        if page.following is not None:
            return {**shown, "nextPageToken": page.following}
        return shown if page.listing.token is None else {**shown, "nextSyncToken": page.listing.token}

    def _listing(self, query: Query, shape: dict[str, Any]) -> Listing:
        filters = Filters.of(query)
        single = bool(query.flag("singleEvents"))
        hidden = bool(query.flag("showHiddenInvitations"))
        kept = {"calendar": self.calendar.id, "user": self.email, "single": single, "hidden": hidden}
        kept["types"] = list(filters.event_types)
        order = query.choice("orderBy", ("startTime", "updated"))
        if order == "startTime" and not single:
            raise Refused(400, "badRequest", "The requested ordering is not available for the particular query.")
        text = query.text("syncToken")
        if text is not None:
            return self._changes(query, shape, text, kept)
        if filters.updated_min is not None and self.state.made_before(filters.updated_min):
            raise _updated_min_too_long_ago()
        bounds = [_written(filters.time_min), _written(filters.time_max)]
        deleted = bool(query.flag("showDeleted"))
        shown = self._single(filters, deleted=deleted) if single else self._whole(filters, deleted=deleted)
        events = _ordered([event for event in shown if filters.match(event)], order)
        token = (
            None
            if order
            else self.state.tokens.write(SyncToken(self.state.change, self.state.now(), {**kept, "bounds": bounds}))
        )
        view = self.view(query)
        odd = self.calendar.oddities
        return Listing(self._rows(view, events), shape, token, odd.empty_pages)

    def _changes(self, query: Query, shape: dict[str, Any], text: str, kept: dict[str, Any]) -> Listing:
        for name in _NOT_WITH_TOKEN:
            if name in query:
                raise invalid("Sync token cannot be used with query restrictions.", name)
        if query.flag("showDeleted") is False:
            raise invalid("showDeleted cannot be false with a sync token.", "showDeleted")
        token = self.state.tokens.read(text)
        bounds = token.shape.get("bounds", [None, None])
        if {**kept, "bounds": bounds} != token.shape:
            raise invalid("Invalid sync token value.", "syncToken")
        if token.change <= self.calendar.tokens_until or self.state.made_before(token.issued):
            raise full_sync_required()
        since, until = (None if one is None else datetime.fromisoformat(one) for one in bounds)
        filters = Filters(time_min=since, time_max=until, event_types=tuple(kept["types"]))
        changed = [one for one in self.calendar.events.since(token.change) if filters.ever_matched(one)]
        shown: Iterable[KeptEvent] = [one for one in changed if not self._goes_with_its_series(one)]
        if kept["single"]:
            shown = self._changed_instances(changed, filters, token.change)
        view = self.view(query, details=bool(query.flag("showDeleted")))
        following = self.state.tokens.write(SyncToken(self.state.change, self.state.now(), token.shape))
        odd = self.calendar.oddities
        return Listing(self._rows(view, shown), shape, following, odd.empty_pages, incremental=True)

    def _instances_listing(self, series: KeptEvent, query: Query, shape: dict[str, Any]) -> Listing:
        filters = Filters(time_min=query.instant("timeMin"), time_max=query.instant("timeMax"))
        original = query.instant("originalStart")
        events = [
            one
            for one in self._of_series(series, filters, deleted=bool(query.flag("showDeleted")))
            if original is None or (one.original and instant_of(one.original, self.calendar.zone) == original)
        ]
        return Listing(self._rows(self.view(query), _ordered(events, "startTime")), shape)

    def _rows(self, view: View, events: Iterable[KeptEvent]) -> list[Row]:
        return [partial(view.render, event, cancelled=self._goes_with_its_series(event)) for event in events]

    def _goes_with_its_series(self, event: KeptEvent) -> bool:
        series = None if event.master is None else self.calendar.events.get(event.master)
        return series is not None and series.cancelled

    def _whole(self, filters: Filters, *, deleted: bool) -> Iterator[KeptEvent]:
        """Yield single events, masters and exceptions; a cancelled exception is no deleted event."""
        deleted = deleted or filters.updated_min is not None
        for event in self.calendar.events:
            if event.master is None:
                if filters.in_span(event) and (deleted or not event.cancelled):
                    yield event
            elif (
                filters.was_in_span(event) and (deleted or not event.dropped) and not self._goes_with_its_series(event)
            ):
                yield event

    def _single(self, filters: Filters, *, deleted: bool = False) -> Iterator[KeptEvent]:
        """Yield single events, and the instances of series."""
        deleted = deleted or filters.updated_min is not None
        for event in self.calendar.events:
            gone = event.cancelled or self._goes_with_its_series(event)
            if not filters.in_span(event) or (gone and not deleted):
                continue
            if event.is_series:
                yield from self._by_rule(event, filters)
            else:
                yield event

    def _of_series(self, series: KeptEvent, filters: Filters, *, deleted: bool) -> Iterator[KeptEvent]:
        """Yield the instances of one series, exceptions in the place of what they change."""
        yield from self._by_rule(series, filters)
        for event in self.calendar.events.exceptions(series.id):
            if filters.in_span(event) and (deleted or not event.cancelled) and not event.dropped:
                yield event

    def _by_rule(self, series: KeptEvent, filters: Filters) -> Iterator[KeptEvent]:
        """Yield the instances of a series that no exception stands for."""
        zone = self.calendar.zone
        exceptions = {one.id for one in self.calendar.events.exceptions(series.id) if not one.dropped}
        for event in as_events(series, instances(series, zone, filters.time_min, self._until(filters))):
            if event.id not in exceptions:
                yield event

    def _changed_instances(self, changed: Iterable[KeptEvent], filters: Filters, change: int) -> Iterator[KeptEvent]:
        zone = self.calendar.zone
        told: set[str] = set()
        for event in changed:
            now = [event]
            if event.is_series:
                now = [] if event.cancelled else list(self._of_series(event, filters, deleted=True))
            before = next((one for one in reversed(event.former) if one.change <= change), None)
            ids = {one.id for one in now}
            gone = (
                []
                if before is None or not before.is_series
                else [
                    replace(one, cancelled=True, change=event.change)
                    for one in as_events(before, instances(before, zone, filters.time_min, self._until(filters)))
                ]
            )
            for one in [*now, *(one for one in gone if one.id not in ids)]:
                if one.id not in told:
                    told.add(one.id)
                    yield one

    def _until(self, filters: Filters) -> datetime:
        now = self.state.now()
        return min(filters.time_max or now + _AHEAD, now + _FAR_AHEAD, LAST)


def _shape(query: Query) -> dict[str, list[str]]:
    return {name: query.many(name) for name in _SHAPE if name in query}


def _ordered(events: list[KeptEvent], order: str | None) -> list[KeptEvent]:
    if order == "startTime":
        return sorted(events, key=lambda event: (event.begins, event.id))
    return sorted(events, key=lambda event: event.change) if order == "updated" else events


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _updated_min_too_long_ago() -> Refused:
    message = "The requested minimum modification time lies too far in the past."
    return Refused(410, "updatedMinTooLongAgo", message, domain="calendar", location="updatedMin")
