"""The contract that every provider keeps, and a series' life, against the sandbox that stands in for Google.

Whatever is asked and answered is held to Google's own description of its API.
"""

from base64 import b32hexencode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from kalends.model.calendar import Account, ExternalCalendar
from kalends.model.occurrence import ExpansionContext
from kalends.providers.errors import CursorRefused, Unavailable
from kalends.providers.google.client import CalendarApi
from kalends.providers.google.expansion import expand
from kalends.providers.google.session import GoogleSession
from kalends.providers.oauth.stored_token import AccessToken
from kalends.sandbox.google.serving import serving
from kalends.sandbox.google.state import State
from tests.providers.contract import CountingClient, Mirror, ReadingContract, changes
from tests.providers.google.scripted import GoogleKindForTests, account
from tests.sandbox.google.stage import OWNER, Stage
from tests.servers import LOOPBACK
from tests.world import WEEK


async def owner(*, refused: bool = False) -> str:
    """Return the sandbox's access token of its owner."""
    assert not refused
    return "owner"


@dataclass
class _Kind(GoogleKindForTests):
    """A kind of provider whose one account is the sandbox's owner."""

    def tokens(self) -> AccessToken:
        return owner


@dataclass
class _World:
    stage: Stage
    kind: _Kind
    client: CountingClient
    config: Mapping[str, str] = field(default_factory=dict)

    async def connect(self) -> Account:
        return await account()

    async def create_calendar(self, name: str, *, color: str | None = None, time_zone: str | None = None) -> str:
        del color
        body = {"summary": name} | ({"timeZone": time_zone} if time_zone else {})
        return str((await self.stage.post("/calendars", body))["id"])

    async def delete_calendar(self, calendar: str) -> None:
        await self.stage.delete(f"/calendars/{calendar}")

    async def put_event(self, calendar: str, event: str, *, title: str, **more: Any) -> None:
        times = {"start": {"dateTime": "2026-12-01T10:00:00Z"}, "end": {"dateTime": "2026-12-01T11:00:00Z"}}
        body = {"summary": title, **times, **more}
        answer = await self.stage.ask("PUT", f"/calendars/{calendar}/events/{named(event)}", body)
        if answer.status_code == 404:
            await self.stage.post(f"/calendars/{calendar}/events", {"id": named(event), **body})
        else:
            assert answer.status_code == 200, answer.text

    async def put_events(self, calendar: str, titles: Mapping[str, str]) -> None:
        for event, title in titles.items():
            await self.put_event(calendar, event, title=title)
            self.stage.advance(seconds=1)  # so many requests a minute are more than the quota

    async def rename_event(self, calendar: str, event: str, new_name: str) -> None:
        body = await self.stage.get(f"/calendars/{calendar}/events/{named(event)}")
        await self.put_event(calendar, new_name, title=body["summary"])
        await self.delete_event(calendar, event)

    async def break_event(self, calendar: str, event: str) -> None:
        await self.put_event(calendar, event, title="Broken-bad")
        spoil(self.stage.state, calendar, event)

    async def delete_event(self, calendar: str, event: str) -> None:
        await self.stage.delete(f"/calendars/{calendar}/events/{named(event)}")

    def damaged(self, cursor: str) -> str:
        return cursor.replace('"token":"', '"token":"x')

    def session(self) -> GoogleSession:
        return GoogleSession(CalendarApi(self.client, owner, self.kind.url))


def named(event: str) -> str:
    """Return the id of an event: base32hex, as Google wants it."""
    return b32hexencode(event.encode()).decode().lower().rstrip("=") + "00000"


def spoil(state: State, calendar: str, event: str) -> None:
    """Have an event be what no reader can make sense of, which the sandbox itself would not take."""
    kept = state.calendars[calendar].events.get(named(event))
    assert kept is not None
    assert isinstance(kept.fields, dict)
    kept.fields["recurrence"] = ["RRULE:FREQ=NEVER"]


@pytest.fixture
async def world(stage: Stage) -> AsyncIterator[_World]:
    async with serving(stage.validated) as url, CountingClient(LOOPBACK) as client:
        yield _World(stage, _Kind(url=f"{url}/calendar/v3"), client)


class TestGoogleSandbox(ReadingContract):
    """Read as any other provider is."""


async def calendar(world: _World) -> ExternalCalendar:
    """Return the primary calendar."""
    (primary,) = [one for one in await world.session().list_calendars() if one.primary]
    return primary


def blocking(store: Mirror) -> list[tuple[str, str]]:
    """Return title and start of what is stored, each group expanded by itself."""
    groups: dict[str, list[bytes]] = {}
    for key, (_, payload) in sorted(store.items.items()):
        groups.setdefault(store.groups[key], []).append(payload or b"")
    expansions = [expand(payloads, ExpansionContext(WEEK, "UTC")) for payloads in groups.values()]
    assert not any(one.problems for one in expansions)
    found = [one for expansion in expansions for one in expansion.occurrences if one.availability.blocks]
    return sorted((one.title, f"{one.start:%m-%dT%H:%M}") for one in found)


async def test_the_owners_calendars_are_the_primary_one_and_what_was_made_beside_it(world: _World) -> None:
    made = await world.create_calendar("Work", time_zone="Asia/Tokyo")
    listed = {one.id: one for one in await world.session().list_calendars()}
    assert listed[made] == ExternalCalendar(
        made, "Work", own=True, writable=True, color=listed[made].color, time_zone="Asia/Tokyo"
    )
    assert (listed[OWNER.email].primary, listed[OWNER.email].own) == (True, True)


async def test_a_series_is_made_changed_moved_thinned_out_and_deleted(world: _World) -> None:
    store, session, primary = Mirror(), world.session(), await calendar(world)
    start, end = ({"dateTime": f"2026-12-01T{hour}:00:00", "timeZone": "Europe/Berlin"} for hour in (10, 11))
    body = {"id": "series0", "summary": "Daily", "start": start, "end": end, "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]}
    await world.stage.post("/calendars/primary/events", body)
    await store.sync(session, primary)
    assert blocking(store) == [("Daily", f"12-0{day}T09:00") for day in (1, 2, 3)]

    instances = (await world.stage.get("/calendars/primary/events/series0/instances"))["items"]
    moved = {name: {"dateTime": f"2026-12-05T{hour}:00:00Z"} for name, hour in (("start", 15), ("end", 16))}
    await world.stage.patch(f"/calendars/primary/events/{instances[1]['id']}", {"summary": "Moved", **moved})
    await world.stage.delete(f"/calendars/primary/events/{instances[2]['id']}")
    assert changes(await store.sync(session, primary)) == 2
    expected = [("Daily", "12-01T09:00"), ("Moved", "12-05T15:00")]
    assert blocking(store) == expected

    again = Mirror()
    await again.sync(session, primary)
    assert blocking(again) == expected
    assert again.items.keys() == store.items.keys(), "a first reading finds the same items"

    await world.stage.delete("/calendars/primary/events/series0")
    await store.sync(session, primary)
    assert (store.items, blocking(store)) == ({}, [])


async def test_what_the_person_answered_and_marked_counts(world: _World) -> None:
    people = [{"email": OWNER.email, "responseStatus": "declined"}, {"email": "guest@example.com"}]
    await world.put_event("primary", "declined", title="Declined", attendees=people)
    await world.put_event("primary", "free", title="Free", transparency="transparent")
    await world.put_event("primary", "busy", title="Busy")
    store = Mirror()
    await store.sync(world.session(), await calendar(world))
    assert blocking(store) == [("Busy", "12-01T10:00")]
    assert not any(b"guest" in (payload or b"") for _, payload in store.items.values())


async def test_short_and_empty_pages_and_a_410_in_the_middle(world: _World) -> None:
    store, session, primary = Mirror(), world.session(), await calendar(world)
    await world.stage.listing(mostPerPage=2, emptyPages=1)
    for number in range(5):
        await world.put_event("primary", f"event{number}", title=f"Title-{number}")
    await store.sync(session, primary)
    assert store.holds(*(f"Title-{number}" for number in range(5)))
    for number in range(5):
        await world.put_event("primary", f"event{number}", title=f"Other-{number}")
    await world.delete_event("primary", "event0")
    await world.stage.listing(mostPerPage=2, emptyPages=1, goneOnPage=3)
    with pytest.raises(CursorRefused):
        await store.sync(session, primary)
    await store.sync(session, primary, full=True)
    assert store.holds(*(f"Other-{number}" for number in range(1, 5)))


async def test_what_the_server_fails_at_is_no_empty_calendar(world: _World) -> None:
    store, session, primary = Mirror(), world.session(), await calendar(world)
    await world.put_event("primary", "event", title="Title")
    await store.sync(session, primary)
    async with CountingClient(LOOPBACK) as client:
        nowhere = GoogleSession(CalendarApi(client, owner, "http://127.0.0.1:1/calendar/v3"))
        with pytest.raises(Unavailable):
            await store.sync(nowhere, primary, full=True)
    assert store.holds("Title")
