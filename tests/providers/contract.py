"""What every provider has to do, told without knowing which one it is.

A suite derives from `ProviderContract`, gives a `world` fixture, and adds the mix-ins for what its server can show.
"""

import json
from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from kalends.model.calendar import Account, ExternalCalendar, Page
from kalends.model.occurrence import ExpansionContext
from kalends.model.time import Window
from kalends.net.client import GuardedClient, Response
from kalends.net.policy import NetPolicy
from kalends.providers.base import AccountSession, ConnectsWithCredentials, ProviderKind
from kalends.providers.errors import CalendarGone, CredentialsRefused, CursorRefused


class CountingClient(GuardedClient):
    """The real client, with a record of what was asked: method and URL."""

    def __init__(self, policy: NetPolicy, **options: Any) -> None:
        super().__init__(policy, **options)
        self.asked: list[tuple[str, str]] = []

    async def request(self, method: str, url: str, **options: Any) -> Response:
        self.asked.append((method, url))
        return await super().request(method, url, **options)


class World(Protocol):
    """A provider with one account, and another client that changes that account's calendars meanwhile.

    Calendars are named by their id, events by a name of the test's choosing.
    """

    kind: ProviderKind
    config: Mapping[str, str]
    client: CountingClient

    async def connect(self) -> Account:
        """Connect the account, or the one that the calendar made last is in."""
        ...

    async def create_calendar(self, name: str, *, color: str | None = None, time_zone: str | None = None) -> str: ...

    async def delete_calendar(self, calendar: str) -> None: ...

    async def put_event(self, calendar: str, event: str, *, title: str) -> None:
        """Create or change an event from 10:00 to 11:00 UTC on 1 December 2026."""
        ...

    async def put_events(self, calendar: str, titles: Mapping[str, str]) -> None:
        """Create many events, by name and title."""
        ...

    async def rename_event(self, calendar: str, event: str, new_name: str) -> None:
        """Give the event another key at the provider."""
        ...

    async def break_event(self, calendar: str, event: str) -> None:
        """Put something in the event's place that the provider takes and no reader can make sense of."""
        ...

    async def delete_event(self, calendar: str, event: str) -> None: ...

    def damaged(self, cursor: str) -> str:
        """Return a cursor of the right form that the provider has never given out."""
        ...


class AccountWorld(World, Protocol):
    """A provider whose accounts have users and passwords."""

    email: str
    password: str


class ReadOnlyWorld(World, Protocol):
    async def create_read_only_calendar(self, name: str) -> str: ...


@dataclass
class Mirror:
    """A store in miniature: keeps one calendar's items as the sync layer does, page by page."""

    items: dict[str, tuple[str, bytes | None]] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    cursor: str | None = None
    continuation: str | None = None
    pages: list[Page] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    async def versions(self, keys: Collection[str] | None = None) -> Mapping[str, str]:
        wanted = self.items.keys() if keys is None else self.items.keys() & set(keys)
        return {key: self.items[key][0] for key in wanted}

    async def in_groups(self, group_keys: Collection[str]) -> Collection[str]:
        return [key for key in self.items if self.groups.get(key) in group_keys]

    async def sync(
        self,
        session: AccountSession,
        calendar: ExternalCalendar,
        *,
        full: bool = False,
        cut_after: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        thorough: bool = False,
    ) -> list[Page]:
        """Do one pass, or its first pages only; return this call's pages."""
        if full:
            self.cursor = None
        self.pages = []
        reading = session.read(
            calendar,
            cursor=self.cursor,
            continuation=self.continuation,
            stored=self,
            since=since,
            until=until,
            thorough=thorough,
        )
        async for page in reading:
            self._apply(page)
            if cut_after is not None and len(self.pages) >= cut_after:
                break
        await reading.aclose()
        return self.pages

    def _apply(self, page: Page) -> None:
        assert not self.pages or self.pages[-1].cursor is None, "a page after the last one"
        self.pages.append(page)
        for change in page.changed:
            self.items[change.key] = (change.version, change.payload)
            self.groups[change.key] = change.group_key
        for key in page.removed:
            self.items.pop(key, None)
        self._seen |= {change.key for change in page.changed} | set(page.unchanged)
        self.continuation = page.continuation or self.continuation
        if page.cursor is not None:
            if self.cursor is None:
                self.items = {key: item for key, item in self.items.items() if key in self._seen}
            self.cursor, self.continuation, self._seen = page.cursor, None, set()

    def holds(self, *titles: str) -> bool:
        """Tell whether the items are exactly those with the given titles."""
        payloads = [payload or b"" for _, payload in self.items.values()]
        return len(payloads) == len(titles) and all(
            sum(title.encode() in payload for payload in payloads) == 1 for title in titles
        )


def changes(pages: list[Page]) -> int:
    """Count what the pages have to say."""
    return sum(len(page.changed) + len(page.removed) for page in pages)


def session_of(world: World, account: Account) -> AbstractAsyncContextManager[AccountSession]:
    return world.kind.session(world.client, world.config, account.credentials)


async def calendar_of(session: AccountSession, identifier: str) -> ExternalCalendar:
    calendars = {calendar.id: calendar for calendar in await session.list_calendars()}
    return calendars[identifier]


class ConnectingContract:
    """What has to hold where accounts are connected by their users' credentials."""

    async def test_connecting_finds_the_account_and_its_addresses(self, world: AccountWorld) -> None:
        account = await world.connect()
        again = await world.connect()
        assert account.key == again.key
        assert account.email == world.email
        assert world.email.lower() in account.addresses
        assert world.email not in account.key.split("/")[:3]

    async def test_credentials_survive_being_stored_as_json(self, world: World) -> None:
        account = await world.connect()
        kept = json.loads(json.dumps(dict(account.credentials)))
        async with world.kind.session(world.client, world.config, kept) as session:
            await session.list_calendars()

    async def test_calendars_are_listed_with_what_is_known_of_them(self, world: World) -> None:
        work = await world.create_calendar("Work & <play> ünï", color="#FF8800", time_zone="Europe/Berlin")
        plain = await world.create_calendar("Plain")
        async with session_of(world, await world.connect()) as session:
            calendars = {calendar.id: calendar for calendar in await session.list_calendars()}
        assert calendars[work].name == "Work & <play> ünï"
        assert calendars[work].color == "#ff8800"
        assert calendars[work].time_zone == "Europe/Berlin"
        assert calendars[work].own
        assert calendars[work].writable
        assert calendars[plain].name == "Plain"
        assert calendars[plain].time_zone is None


class ReadingContract:
    """What has to hold wherever calendars are read."""

    async def test_an_empty_calendar_is_read_as_empty(self, world: World) -> None:
        calendar_id = await world.create_calendar("Empty")
        async with session_of(world, await world.connect()) as session:
            mirror = Mirror()
            pages = await mirror.sync(session, await calendar_of(session, calendar_id))
        assert len(pages) == 1
        assert mirror.cursor
        assert mirror.holds()

    async def test_a_first_reading_brings_everything(self, world: World) -> None:
        calendar_id = await world.create_calendar("First")
        for number in range(3):
            await world.put_event(calendar_id, f"event{number}", title=f"Title-{number}")
        async with session_of(world, await world.connect()) as session:
            mirror = Mirror()
            await mirror.sync(session, await calendar_of(session, calendar_id))
        assert mirror.holds("Title-0", "Title-1", "Title-2")

    async def test_what_was_read_can_be_expanded(self, world: World) -> None:
        calendar_id = await world.create_calendar("Expanded")
        await world.put_event(calendar_id, "event", title="Expanded-title")
        async with session_of(world, await world.connect()) as session:
            mirror = Mirror()
            await mirror.sync(session, await calendar_of(session, calendar_id))
        payloads = [payload for _, payload in mirror.items.values() if payload is not None]
        window = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        expansion = world.kind.expand(payloads, ExpansionContext(window, "UTC"))
        assert [occurrence.title for occurrence in expansion.occurrences] == ["Expanded-title"]
        assert expansion.occurrences[0].start == datetime(2026, 12, 1, 10, tzinfo=UTC)
        assert world.kind.is_tame(payloads)

    async def test_nothing_changed_costs_one_request_and_says_nothing(self, world: World) -> None:
        calendar_id = await world.create_calendar("Quiet")
        await world.put_event(calendar_id, "event", title="Quiet-title")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
            before = len(world.client.asked)
            pages = await mirror.sync(session, calendar)
        assert len(world.client.asked) - before == 1
        assert changes(pages) == 0
        assert mirror.holds("Quiet-title")

    async def test_what_is_added_changed_and_deleted_arrives_and_nothing_else(self, world: World) -> None:
        calendar_id = await world.create_calendar("Busy")
        for name in ("kept", "changed", "deleted"):
            await world.put_event(calendar_id, name, title=f"{name}-before")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
            await world.put_event(calendar_id, "changed", title="changed-after")
            await world.put_event(calendar_id, "added", title="added-after")
            await world.delete_event(calendar_id, "deleted")
            pages = await mirror.sync(session, calendar)
        assert mirror.holds("kept-before", "changed-after", "added-after")
        assert changes(pages) == 3

    async def test_one_change_costs_at_most_two_requests(self, world: World) -> None:
        calendar_id = await world.create_calendar("Frugal")
        for number in range(5):
            await world.put_event(calendar_id, f"event{number}", title=f"Frugal-{number}")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
            await world.put_event(calendar_id, "event3", title="Frugal-new")
            before = len(world.client.asked)
            await mirror.sync(session, calendar)
        assert len(world.client.asked) - before <= 2
        assert mirror.holds("Frugal-0", "Frugal-1", "Frugal-2", "Frugal-new", "Frugal-4")

    async def test_an_event_with_a_new_key_is_one_event(self, world: World) -> None:
        calendar_id = await world.create_calendar("Renaming")
        await world.put_event(calendar_id, "before", title="Renamed-title")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
            await world.rename_event(calendar_id, "before", "after")
            await mirror.sync(session, calendar)
        assert mirror.holds("Renamed-title")

    async def test_a_second_full_reading_finds_everything_unchanged(self, world: World) -> None:
        calendar_id = await world.create_calendar("Twice")
        for number in range(3):
            await world.put_event(calendar_id, f"event{number}", title=f"Twice-{number}")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
            pages = await mirror.sync(session, calendar, full=True)
        assert changes(pages) == 0
        assert {key for page in pages for key in page.unchanged} == set(mirror.items)
        assert mirror.holds("Twice-0", "Twice-1", "Twice-2")

    async def test_a_refused_cursor_is_said_and_a_full_reading_finds_what_was_missed(self, world: World) -> None:
        calendar_id = await world.create_calendar("Refused")
        await world.put_event(calendar_id, "kept", title="Refused-kept")
        await world.put_event(calendar_id, "deleted", title="Refused-deleted")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
            await world.delete_event(calendar_id, "deleted")
            assert mirror.cursor is not None
            mirror.cursor = world.damaged(mirror.cursor)
            with pytest.raises(CursorRefused):
                await mirror.sync(session, calendar)
            assert mirror.holds("Refused-kept", "Refused-deleted")
            await mirror.sync(session, calendar, full=True)
        assert mirror.holds("Refused-kept")

    @pytest.mark.parametrize("cursor", ["", "nonsense", "{}", '{"v": 99, "kind": "sync-token", "value": "x"}', "[1]"])
    async def test_a_cursor_of_another_version_is_refused(self, world: World, cursor: str) -> None:
        calendar_id = await world.create_calendar("Version")
        async with session_of(world, await world.connect()) as session:
            with pytest.raises(CursorRefused):
                await Mirror(cursor=cursor).sync(session, await calendar_of(session, calendar_id))

    async def test_many_events_come_in_several_pages(self, world: World) -> None:
        calendar_id = await world.create_calendar("Many")
        await world.put_events(calendar_id, {f"event{number}": f"Many-{number:03}" for number in range(300)})
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            whole = Mirror()
            pages = await whole.sync(session, calendar)
            assert len(pages) > 1
            assert all(page.cursor is None for page in pages[:-1])
            assert whole.holds(*(f"Many-{number:03}" for number in range(300)))

            # Cut off after the first page, a reading goes on and fetches nothing twice.
            cut = Mirror()
            first = await cut.sync(session, calendar, cut_after=1)
            assert cut.cursor is None
            assert cut.continuation is not None
            await world.delete_event(calendar_id, "event7")
            rest = await cut.sync(session, calendar)
            fetched = [change.key for page in (*first, *rest) for change in page.changed]
            assert len(fetched) == len(set(fetched))
            await cut.sync(session, calendar)
        assert cut.holds(*(f"Many-{number:03}" for number in range(300) if number != 7))

    async def test_a_continuation_of_another_version_begins_again(self, world: World) -> None:
        calendar_id = await world.create_calendar("Again")
        await world.put_event(calendar_id, "event", title="Again-title")
        async with session_of(world, await world.connect()) as session:
            mirror = Mirror(continuation='{"v": 0}')
            await mirror.sync(session, await calendar_of(session, calendar_id))
        assert mirror.holds("Again-title")

    async def test_names_with_odd_characters_stay_one_event_each(self, world: World) -> None:
        calendar_id = await world.create_calendar("Odd")
        names = [
            "with space",
            "ünïcode-日本",
            "per%cent",
            "plus+sign",
            "at@sign",
            "semi;colon,comma",
            "a&b=<c>'\"",
            "q?x#y",
        ]
        for number, name in enumerate(names):
            await world.put_event(calendar_id, name, title=f"Odd-{number}")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
            assert mirror.holds(*(f"Odd-{number}" for number in range(len(names))))
            for number, name in enumerate(names):
                await world.put_event(calendar_id, name, title=f"Odder-{number}")
            await mirror.sync(session, calendar)
            assert mirror.holds(*(f"Odder-{number}" for number in range(len(names))))
            for name in names:
                await world.delete_event(calendar_id, name)
            await mirror.sync(session, calendar)
        assert mirror.holds()

    async def test_one_bad_event_does_not_keep_the_others_back(self, world: World) -> None:
        calendar_id = await world.create_calendar("Broken")
        await world.put_event(calendar_id, "good", title="Broken-good")
        await world.put_event(calendar_id, "bad", title="Broken-bad")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
            await world.break_event(calendar_id, "bad")
            await world.put_event(calendar_id, "good", title="Broken-better")
            await mirror.sync(session, calendar)
        assert mirror.cursor is not None
        assert any(b"Broken-better" in (payload or b"") for _, payload in mirror.items.values())

    async def test_a_deleted_calendar_is_gone_and_deletes_nothing_by_itself(self, world: World) -> None:
        calendar_id = await world.create_calendar("Going")
        await world.put_event(calendar_id, "event", title="Going-title")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
            await world.delete_calendar(calendar_id)
            with pytest.raises((CalendarGone, CursorRefused)):
                await mirror.sync(session, calendar)
            with pytest.raises(CalendarGone):
                await mirror.sync(session, calendar, full=True)
            assert calendar_id not in [calendar.id for calendar in await session.list_calendars()]
        assert mirror.holds("Going-title")


class ProviderContract(ConnectingContract, ReadingContract):
    """The contract as a whole, as far as there is one."""


class RefusesWrongPasswords:
    """For providers whose test server knows one password from another."""

    async def test_a_wrong_password_is_refused_with_advice(self, world: AccountWorld) -> None:
        kind = world.kind
        assert isinstance(kind, ConnectsWithCredentials)
        with pytest.raises(CredentialsRefused) as refusal:
            await kind.connect_with_credentials(world.client, world.config, email=world.email, password="wrong")
        assert "app-specific password" in refusal.value.public
        assert "wrong" not in str(refusal.value).replace("wrong password", "")


class TellsReadOnly:
    """For providers whose test server has calendars that the account may only read."""

    async def test_a_calendar_that_may_only_be_read_is_listed_so_and_read(self, world: ReadOnlyWorld) -> None:
        calendar_id = await world.create_read_only_calendar("Look, do not touch")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
        assert not calendar.writable
        assert mirror.cursor is not None
