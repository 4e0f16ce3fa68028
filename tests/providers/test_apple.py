"""Apple's provider at the stand-in for iCloud: what the contract does not know of."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from kalends.model.calendar import Account, ExternalCalendar
from kalends.model.occurrence import Availability, ExpansionContext
from kalends.model.time import Window
from kalends.providers.apple import APPLE
from kalends.providers.base import AccountSession
from kalends.providers.caldav import CALDAV
from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.errors import AddressRefused, CredentialsRefused, CursorRefused, ProviderError, Unavailable
from tests.icloud.account import ENTRY, ICloudAccount, Left, Throttle
from tests.icloud.running import FOREIGN, ICloudClient, RunningICloud
from tests.icloud.server import Asked
from tests.icloud.tokens import UNKNOWN_TOKEN
from tests.providers.contract import Mirror, calendar_of
from tests.servers import component
from tests.world import ics

NEW_HOST = "p43-caldav.icloud.com"


@dataclass
class Person:
    """Somebody with an account at the stand-in, and a client that knows how to get there."""

    icloud: RunningICloud
    account: ICloudAccount
    client: ICloudClient

    async def connect(self, password: str | None = None) -> Account:
        login = self.account.login
        return await APPLE.connect_with_credentials(
            self.client, {}, email=login.email, password=password or login.password
        )

    def make(self, segment: str, *titles: str, name: str = "") -> str:
        """Make a calendar with events; return its id."""
        path = f"{self.account.login.home}{segment}/"
        properties = component("d:displayname", text=name or segment) + component("a:calendar-color", text="#ff2968")
        self.icloud.behind.make_calendar(path, properties)
        for title in titles:
            self.put(segment, title)
        return self.account.outside(path)

    def put(self, segment: str, title: str) -> None:
        text = ics(title, title, "20261201T100000Z", end="20261201T110000Z")
        self.icloud.behind.put(f"{self.account.login.home}{segment}/{title}.ics", text)

    def move(self, left: Left) -> None:
        """Move the account to another partition."""
        self.account.partition, self.account.left = 43, left
        self.icloud.asked.clear()

    async def retire(self, host: str) -> None:
        """Have a host's name lead nowhere, and no connection there left open."""
        self.icloud.retired.add(host)
        await self.client.aclose()
        self.client = self.icloud.client()

    @property
    def asked(self) -> list[Asked]:
        return self.icloud.asked


@pytest.fixture
async def ann(icloud: RunningICloud) -> AsyncIterator[Person]:
    person = Person(icloud, icloud.account(), icloud.client())
    yield person
    await person.client.aclose()


async def listed(person: Person, account: Account) -> Sequence[ExternalCalendar]:
    async with APPLE.session(person.client, {}, account.credentials) as session:
        return await session.list_calendars()


# Finding the account


@pytest.mark.parametrize("principal_at_partition", [False, True])
async def test_an_account_has_the_same_key_wherever_it_is(ann: Person, principal_at_partition: bool) -> None:
    ann.make("home")
    ann.account.principal_at_partition = principal_at_partition
    before = await ann.connect()
    ann.move(Left.MISSING)
    after = await ann.connect()
    assert before.key == after.key == f"https://{ENTRY}/{ann.account.dsid}/principal/"
    assert before.addresses == {ann.account.login.email, f"{ann.account.dsid}@icloud.com"}
    assert before.credentials["homes"] != after.credentials["homes"]


async def test_what_is_no_calendar_with_events_is_left_out_and_what_others_share_is_not_own(ann: Person) -> None:
    home, family = ann.make("home", name="Privat 🏡"), ann.make("family", name="Family")
    ann.account.shared.add("family")
    calendars = {calendar.id: calendar for calendar in await listed(ann, await ann.connect())}
    assert calendars.keys() == {home, family}
    assert calendars[home] == ExternalCalendar(home, "Privat 🏡", color="#ff2968")
    assert calendars[family] == ExternalCalendar(family, "Family", own=False, color="#ff2968")


async def test_a_host_that_only_looks_like_apples_is_not_sent_the_password(ann: Person) -> None:
    ann.make("home")
    ann.account.home_host = FOREIGN
    with pytest.raises(AddressRefused) as refusal:
        await ann.connect()
    assert "sends no passwords" in refusal.value.public
    assert ENTRY in {asked.host for asked in ann.asked}
    assert FOREIGN not in {asked.host for asked in ann.asked}


async def test_a_general_caldav_provider_tells_hosts_of_a_domain_apart(ann: Person) -> None:
    path = ann.make("home")
    login = ann.account.login
    keys, ids = set(), set()
    for left in (Left.REDIRECTS, Left.MISSING):
        ann.account.principal_at_partition = True
        account = await CALDAV.connect_with_credentials(
            ann.client, {"url": f"https://{ENTRY}/.well-known/caldav"}, email=login.email, password=login.password
        )
        async with CALDAV.session(ann.client, {}, account.credentials) as session:
            ids |= {calendar.id for calendar in await session.list_calendars()}
        keys.add(account.key)
        ann.move(left)
    hosts = ("p42-caldav.icloud.com", NEW_HOST)
    assert ids == {f"https://{host}{path}" for host in hosts}
    assert keys == {f"https://{host}{ann.account.principal}" for host in hosts}


# Reading


async def test_what_apple_adds_to_an_event_changes_nothing_about_it(ann: Person) -> None:
    calendar_id = ann.make("home", "Haircut")
    mirror = Mirror()
    async with APPLE.session(ann.client, {}, (await ann.connect()).credentials) as session:
        await mirror.sync(session, await calendar_of(session, calendar_id))
    ((_, payload),) = mirror.items.values()
    assert payload is not None
    assert payload.count(b"DTSTAMP") == 2
    window = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    expansion = APPLE.expand([payload], ExpansionContext(window, "UTC"))
    assert expansion.problems == ()
    (occurrence,) = expansion.occurrences
    assert (occurrence.title, occurrence.start) == ("Haircut", datetime(2026, 12, 1, 10, tzinfo=UTC))
    assert occurrence.availability is Availability.BUSY


async def test_an_event_that_is_listed_and_not_to_be_had_keeps_no_other_back(ann: Person) -> None:
    calendar_id = ann.make("home", "Lost", "Kept", "Found")
    ann.account.phantoms.add(f"{calendar_id}Lost.ics")
    mirror = Mirror()
    async with APPLE.session(ann.client, {}, (await ann.connect()).credentials) as session:
        await mirror.sync(session, await calendar_of(session, calendar_id))
    assert mirror.cursor is not None
    payloads = {key.rpartition("/")[2]: payload for key, (_, payload) in mirror.items.items()}
    assert payloads.keys() == {"Lost.ics", "Kept.ics", "Found.ics"}
    assert [name for name, payload in payloads.items() if payload is None] == ["Lost.ics"]


# Patience


@pytest.mark.parametrize(
    ("throttle", "wait"),
    [
        (Throttle, None),
        (lambda: Throttle(retry_after="90"), timedelta(seconds=90)),
        (lambda: Throttle.until(datetime.now(UTC), timedelta(hours=2)), timedelta(hours=2)),
        (lambda: Throttle(status=429, retry_after="30"), timedelta(seconds=30)),
        (lambda: Throttle(status=429), None),
    ],
    ids=["503", "seconds", "date", "429 seconds", "429"],
)
async def test_who_is_asked_for_patience_asks_no_other_host(
    ann: Person, throttle: Callable[[], Throttle], wait: timedelta | None
) -> None:
    calendar_id = ann.make("home", "Haircut")
    account = await ann.connect()
    async with APPLE.session(ann.client, {}, account.credentials) as session:
        calendar = await calendar_of(session, calendar_id)
        ann.asked.clear()
        ann.account.throttle = throttle()
        for attempt in (Mirror().sync(session, calendar), session.list_calendars()):
            with pytest.raises(Unavailable) as refusal:
                await attempt
            if wait is None:
                assert refusal.value.retry_after is None
            else:
                assert refusal.value.retry_after is not None
                assert abs(refusal.value.retry_after - wait) < timedelta(minutes=5)
        assert {asked.host for asked in ann.asked} == {ann.account.host}
        assert len(ann.asked) == 2
        ann.account.throttle = None
        mirror = Mirror()
        await mirror.sync(session, calendar)
    assert mirror.holds("Haircut")


# Accounts that move


@pytest.mark.parametrize("left", [*Left, None], ids=[*Left, "the name is gone"])
async def test_an_account_that_has_moved_is_read_on_from_where_it_was(ann: Person, left: Left | None) -> None:
    first, second = ann.make("home", "Before"), ann.make("work", "Meeting")
    account = await ann.connect()
    mirrors = {first: Mirror(), second: Mirror()}
    async with APPLE.session(ann.client, {}, account.credentials) as session:
        calendars = [calendar for calendar in await session.list_calendars() if calendar.id in mirrors]
        for calendar in calendars:
            await mirrors[calendar.id].sync(session, calendar)
    if left is None:
        await ann.retire(ann.account.host)
    ann.move(left or Left.MISSING)
    ann.put("home", "After")

    async with APPLE.session(ann.client, {}, account.credentials) as session:
        for calendar in calendars:
            pages = await mirrors[calendar.id].sync(session, calendar)
            assert all(not page.unchanged for page in pages), "the cursor has to go on being good"
        assert await session.list_calendars() == calendars
    assert mirrors[first].holds("Before", "After")
    assert mirrors[second].holds("Meeting")
    at_the_old_host = [asked for asked in ann.asked if asked.host not in {ENTRY, NEW_HOST}]
    assert len(at_the_old_host) == (0 if left is None else 1)


@pytest.mark.parametrize("left", [*Left, None], ids=[*Left, "the name is gone"])
async def test_the_calendars_of_an_account_that_has_moved_keep_their_ids(ann: Person, left: Left | None) -> None:
    ann.make("home")
    ann.make("at@work")
    account = await ann.connect()
    before = await listed(ann, account)
    if left is None:
        await ann.retire(ann.account.host)
    ann.move(left or Left.MISSING)
    assert await listed(ann, account) == before


@pytest.mark.parametrize("left", Left)
async def test_a_calendar_on_another_host_than_its_home_is_found_there_and_known_by_its_path(
    ann: Person, left: Left
) -> None:
    ann.make("home", "Haircut")
    calendar_id = ann.make("family", "Swimming")
    ann.account.hosts["family"], ann.account.left = "p50-caldav.icloud.com", left
    account = await ann.connect()
    assert calendar_id in {calendar.id for calendar in await listed(ann, account)}
    mirror = Mirror()
    async with APPLE.session(ann.client, {}, account.credentials) as session:
        await mirror.sync(session, ExternalCalendar(calendar_id, "Family"))
    assert mirror.holds("Swimming")


@pytest.mark.parametrize("left", Left)
async def test_a_full_reading_that_was_cut_off_goes_on_after_a_move(ann: Person, left: Left) -> None:
    calendar_id = ann.make("home")
    titles = [f"Title-{number:03}" for number in range(120)]
    texts = {f"{title}.ics": ics(title, title, "20261201T100000Z") for title in titles}
    ann.icloud.behind.put_many(f"{ann.account.login.home}home/", texts)
    account = await ann.connect()
    mirror = Mirror()
    async with APPLE.session(ann.client, {}, account.credentials) as session:
        calendar = await calendar_of(session, calendar_id)
        first = await mirror.sync(session, calendar, cut_after=1)
    ann.move(left)
    async with APPLE.session(ann.client, {}, account.credentials) as session:
        rest = await mirror.sync(session, calendar)
    fetched = [change.key for page in (*first, *rest) for change in page.changed]
    assert len(fetched) == len(set(fetched)) == len(titles)
    assert mirror.holds(*titles)


async def failing(session: AccountSession, calendar: ExternalCalendar, error: type[ProviderError]) -> None:
    cursor = str(Cursor(CursorKind.SYNC_TOKEN, UNKNOWN_TOKEN))
    with pytest.raises(error):
        await Mirror(cursor=cursor).sync(session, calendar)


async def test_a_failure_that_no_move_explains_is_told_as_it_is_and_looked_into_once(ann: Person) -> None:
    calendar_id = ann.make("home", "Haircut")
    async with APPLE.session(ann.client, {}, (await ann.connect()).credentials) as session:
        calendar = await calendar_of(session, calendar_id)
        ann.asked.clear()
        await failing(session, calendar, CursorRefused)
        assert [asked.method for asked in ann.asked] == ["REPORT", "PROPFIND", "PROPFIND", "PROPFIND"]
        ann.asked.clear()
        await failing(session, calendar, CursorRefused)
        assert [asked.method for asked in ann.asked] == ["REPORT"]


async def test_a_revoked_password_is_refused_with_advice_in_a_session_too(ann: Person) -> None:
    calendar_id = ann.make("home", "Haircut")
    account = await ann.connect()
    async with APPLE.session(ann.client, {}, account.credentials) as session:
        calendar = await calendar_of(session, calendar_id)
        ann.icloud.behind.set_password(ann.account.login, "another")
        with pytest.raises(CredentialsRefused) as refusal:
            await Mirror().sync(session, calendar)
    assert "account.apple.com" in refusal.value.public


async def test_nothing_is_believed_while_nobody_can_say_where_the_account_is(ann: Person) -> None:
    calendar_id = ann.make("home", "Haircut")
    account = await ann.connect()
    await ann.retire(ENTRY)
    ann.move(Left.MISSING)
    async with APPLE.session(ann.client, {}, account.credentials) as session:
        with pytest.raises(Unavailable):
            await Mirror().sync(session, ExternalCalendar(calendar_id, "Home"))


async def test_credentials_that_open_another_account_by_now_do_not_open_this_one(ann: Person) -> None:
    calendar_id = ann.make("home", "Haircut")
    account = await ann.connect()
    ann.account.dsid = "1" + ann.account.dsid
    async with APPLE.session(ann.client, {}, account.credentials) as session:
        with pytest.raises(CredentialsRefused) as refusal:
            await Mirror().sync(session, ExternalCalendar(calendar_id, "Home"))
    assert "another account" in refusal.value.public
