"""An Apple account from connecting to moving house, at the stand-in for iCloud, through everything of Kalends."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.logs import set_up
from kalends.model.connection import Connection, ErrorReason, ImportChoice, Status
from kalends.providers.apple import APPLE
from kalends.store.leases import Leases
from tests.icloud.account import ICloudAccount, Left, Throttle
from tests.icloud.running import RunningICloud
from tests.icloud.server import TOKEN
from tests.servers import component
from tests.world import World, ics, settings_for, world_on


@dataclass
class Household:
    """A world, and an Apple account with calendars in it."""

    world: World
    icloud: RunningICloud
    account: ICloudAccount

    def make(self, segment: str, **days: int) -> None:
        """Make a calendar with events by title, each on its day of December."""
        path = f"{self.account.login.home}{segment}/"
        self.icloud.behind.make_calendar(path, component("d:displayname", text=segment.title()))
        for title, day in days.items():
            self.put(segment, title, day)

    def put(self, segment: str, title: str, day: int) -> None:
        start = f"202612{day:02}T"
        self.icloud.behind.put(
            f"{self.account.login.home}{segment}/{title}.ics",
            ics(title, title, f"{start}090000Z", end=f"{start}100000Z"),
        )

    async def connect(self) -> Connection:
        """Connect the account with the provider that every site has."""
        assert APPLE.built_in_id is not None
        view = await self.world.kalends.connecting.by_credentials(
            self.world.admin,
            provider_id=APPLE.built_in_id,
            schedule_id=self.world.schedule.id,
            email=self.account.login.email,
            password=self.account.login.password,
        )
        return view.connection

    async def due(self) -> bool:
        """Tell whether the next sync of any connection is due, and leave it to be done."""
        leases = await self.world.kalends.leased.claim_due(1)
        for lease in leases:
            async with self.world.kalends.database.write() as writer:
                await Leases(writer).hand_back(lease)
        return bool(leases)


@pytest.fixture
async def household(
    database_url: str, tmp_path: Path, kalends_reaches_icloud: RunningICloud
) -> AsyncIterator[Household]:
    async with world_on(settings_for(database_url, tmp_path)) as world:
        yield Household(world, kalends_reaches_icloud, kalends_reaches_icloud.account())


async def test_the_whole_life_of_an_apple_connection(household: Household) -> None:
    world = household.world
    household.make("home", Haircut=1)
    household.make("work", Meeting=2)
    household.make("family", Swimming=3)
    household.account.shared.add("family")
    connection = await household.connect()
    await world.sync(connection)
    connection = await world.connection(connection.id)
    assert connection.status is Status.SYNCED
    assert connection.import_config.choice is ImportChoice.CALENDARS, "no calendar is the primary one"
    assert await world.titles() == ["Haircut", "Meeting"], "all of the account's own calendars"

    listed = await world.kalends.services.calendars.list(world.admin, connection.id)
    assert sorted(one.name for one in listed) == ["Family", "Home", "Work"]
    assert not any(one.primary for one in listed)
    chosen = tuple(one.id for one in listed if one.name != "Work")
    change = SyncConfigChange(imports=ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=chosen))
    await world.kalends.services.sync_configs.update(world.admin, connection.id, change)
    household.put("home", "Dentist", 4)
    await world.sync(connection)
    assert await world.titles() == ["Haircut", "Swimming", "Dentist"]

    ended = await world.kalends.disconnecting.disconnect(world.admin, connection.id)
    assert ended.connection.status is Status.DISCONNECTED
    assert await world.titles() == []


async def test_throttled_in_the_middle_nothing_is_lost_and_the_next_attempt_waits_as_asked(
    household: Household,
) -> None:
    world, account = household.world, household.account
    household.make("home", Haircut=1, Dentist=3)
    household.make("work", Meeting=2)
    connection = await household.connect()
    await world.sync(connection)
    before = await world.events()

    household.put("home", "Lunch", 5)
    household.put("work", "Review", 6)
    household.icloud.behind.delete(f"{account.login.home}work/Meeting.ics")
    account.throttle = Throttle(spared=1, retry_after="5400")
    run = await world.sync(connection)
    assert run.error is not None
    assert await world.events() == before
    assert (await world.connection(connection.id)).status is Status.SYNCED

    world.clock.advance(timedelta(minutes=89))
    assert not await household.due()
    world.clock.advance(timedelta(minutes=1, seconds=1))
    assert await household.due()

    account.throttle = None
    run = await world.sync(connection)
    assert (run.error, run.counts.changed, run.counts.removed) == (None, 2, 1)
    assert await world.titles() == ["Haircut", "Dentist", "Lunch", "Review"]


async def test_a_first_import_that_is_throttled_goes_on_later(household: Household) -> None:
    world, account = household.world, household.account
    household.make("home", Haircut=1)
    household.make("work", Meeting=2)
    connection = await household.connect()
    account.throttle = Throttle(spared=3, retry_after="60")
    assert (await world.sync(connection)).error is not None
    account.throttle = None
    world.clock.advance(timedelta(seconds=60))
    assert (await world.sync(connection)).error is None
    assert await world.titles() == ["Haircut", "Meeting"]


@pytest.mark.parametrize("left", Left)
async def test_an_account_that_moves_to_another_partition_stays_connected(household: Household, left: Left) -> None:
    world, account = household.world, household.account
    household.make("home", Haircut=1, Dentist=3)
    household.make("work", Meeting=2)
    connection = await household.connect()
    await world.sync(connection)

    account.partition, account.left = 43, left
    household.put("home", "Lunch", 5)
    run = await world.sync(connection)
    assert (run.error, run.counts.changed, run.counts.removed) == (None, 1, 0)
    world.clock.advance(timedelta(days=1, minutes=1))
    run = await world.sync(connection)
    assert (run.error, run.counts.changed, run.counts.removed) == (None, 0, 0)
    assert await world.titles() == ["Haircut", "Meeting", "Dentist", "Lunch"]
    assert (await world.connection(connection.id)).status is Status.SYNCED

    again = await household.connect()
    assert again.id == connection.id, "it is the same account wherever it is"
    run = await world.sync(again)
    assert (run.error, run.counts.changed, run.counts.removed) == (None, 0, 0)
    stored = await world.kalends.services.calendars.list(world.admin, connection.id)
    assert sorted(one.name for one in stored) == ["Home", "Work"]


class Removal(Throttle):
    """Refuses nothing, and moves the account to another partition when some requests have come."""

    def __init__(self, account: ICloudAccount, *, at: int) -> None:
        super().__init__(spared=at)
        self._account = account

    def refuses(self) -> bool:
        if super().refuses():
            self._account.partition = 43
        return False


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_an_account_that_moves_in_the_middle_of_an_import_loses_nothing(household: Household, at: int) -> None:
    world, account = household.world, household.account
    account.left = Left.FORBIDDEN
    household.make("home")
    texts = {f"e{number}.ics": ics(f"e{number}", f"{number:03}", "20261201T090000Z") for number in range(150)}
    household.icloud.behind.put_many(f"{account.login.home}home/", texts)
    connection = await household.connect()
    account.throttle = Removal(account, at=at)
    await world.sync(connection)
    await world.sync(connection)
    assert (await world.connection(connection.id)).status is Status.SYNCED
    assert sorted(map(str, await world.titles())) == [f"{number:03}" for number in range(150)]


async def test_a_revoked_app_specific_password_is_shown_and_a_new_one_mends_it(household: Household) -> None:
    world, account = household.world, household.account
    household.make("home", Haircut=1)
    connection = await household.connect()
    await world.sync(connection)
    household.icloud.behind.set_password(account.login, "another")
    assert (await world.sync(connection)).error is not None
    broken = await world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    household.icloud.behind.set_password(account.login, account.login.password)
    again = await household.connect()
    assert again.id == connection.id
    await world.sync(again)
    assert await world.titles() == ["Haircut"]


async def test_rule_9_the_token_that_apple_offers_is_neither_sent_nor_kept_nor_logged(
    sqlite_url: str, tmp_path: Path, kalends_reaches_icloud: RunningICloud, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(sqlite_url, tmp_path, log_format="json", log_level="debug")
    set_up(settings)
    async with world_on(settings) as world:
        household = Household(world, kalends_reaches_icloud, kalends_reaches_icloud.account())
        household.make("home", Haircut=1)
        connection = await household.connect()
        await world.sync(connection)
        household.icloud.behind.set_password(household.account.login, "another")
        failed = await world.sync(connection)
        shown = f"{failed}{await world.connection(connection.id)}"
        async with world.kalends.database.read() as reader:
            tables = (await reader.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))).scalars()
            for table in list(tables):
                rows = (await reader.execute(text(f'SELECT * FROM "{table}"'))).all()  # noqa: S608 - our own tables
                shown += "".join(map(str, rows))
    logged = capfd.readouterr()
    assert '"event": "sync_failed"' in logged.err, "the logs are looked at"
    assert "Haircut" in shown, "the database is looked at"
    assert TOKEN not in logged.err + logged.out + shown
    assert household.account.login.password not in logged.err + logged.out + shown
    # Whether it was sent, the stand-in notes by itself.
