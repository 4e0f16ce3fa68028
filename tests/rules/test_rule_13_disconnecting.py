"""Rule 13: disconnect leaves nothing of ours behind at the provider as far as it still lets us in.

What could not be removed is shown. That no imported event is left here is in `tests/connections/test_connecting.py`.
"""

from datetime import timedelta

from kalends.connections.disconnecting import CLEANUP
from kalends.model.connection import Connection, ExportTarget, Status
from kalends.providers.errors import CredentialsRefused, Unavailable
from kalends.store.connections import Connections
from tests.export.accounts import Account
from tests.export.fire import EACH_PROVIDER, configure, known, wire
from tests.export.scripted import ScriptedAccount
from tests.export.steps import HAIRCUT, asked, at, export, make, settle

DENTIST = ("Dentist", at("2026-12-03T09:00"), at("2026-12-03T10:00"))


async def has_credentials(account: Account, connection: Connection) -> bool:
    async with account.world.kalends.database.read() as reader:
        return await Connections(reader, connection.site_id).sealed_credentials(connection.id) is not None


async def clean_up(account: Account, connection: Connection) -> None:
    """Have done what is due: take copies away, and then what is left."""
    for due in await account.world.kalends.leased.claim_due(10):
        await account.world.kalends.leased.run(due)
    lease = await account.world.kalends.leased.claim_wanted(connection.key)
    if lease is not None:
        await account.world.kalends.leased.run(lease)
    await account.world.kalends.cleaning.once()


async def disconnect(account: Account, connection: Connection) -> None:
    await account.world.kalends.disconnecting.disconnect(account.world.admin, connection.id)


@EACH_PROVIDER
async def test_rule_13_what_is_left_while_the_provider_is_down_goes_once_it_is_up(account: Account) -> None:
    connection = await account.connect()
    before = set(await account.calendars())
    await make(account)
    await export(account, connection)
    with wire() as between:
        between.down = True
        await disconnect(account, connection)
        await clean_up(account, connection)
        account.world.clock.advance(timedelta(hours=2))
        await clean_up(account, connection)
    assert await account.all() == [HAIRCUT]
    assert await has_credentials(account, connection), "with them it is to be taken away"
    health = await account.world.kalends.health.get(account.world.admin, connection.id)
    assert (health.exports.left, health.exports.anything_left) == (1, True)
    account.world.clock.advance(timedelta(hours=2))
    await clean_up(account, connection)
    await clean_up(account, connection)
    assert await account.all() == []
    assert set(await account.calendars()) == before
    health = await account.world.kalends.health.get(account.world.admin, connection.id)
    assert not health.exports.anything_left
    assert not await has_credentials(account, connection)


async def test_rule_13_what_its_owner_keeps_in_the_calendar_that_was_made_stays(exporting: ScriptedAccount) -> None:
    connection = await exporting.connect()
    await make(exporting)
    await export(exporting, connection)
    (made,) = exporting.kind.names
    await exporting.put(*DENTIST, calendar=made)
    await disconnect(exporting, connection)
    await clean_up(exporting, connection)
    assert await exporting.all() == [DENTIST]
    assert await known(exporting) == []
    exporting.world.clock.advance(timedelta(hours=1))
    await clean_up(exporting, connection)
    assert not await has_credentials(exporting, connection)


async def test_rule_13_what_its_owner_keeps_stays_when_the_target_changes(exporting: ScriptedAccount) -> None:
    connection = await exporting.connect()
    await make(exporting)
    await export(exporting, connection)
    (made,) = exporting.kind.names
    await exporting.put(*DENTIST, calendar=made)
    await export(exporting, connection, target=ExportTarget.PRIMARY)
    assert await exporting.all() == [HAIRCUT, DENTIST]
    assert exporting.kind.calendars[made].events


async def test_rule_13_after_a_week_it_is_given_up_and_what_is_left_shows(exporting: ScriptedAccount) -> None:
    connection = await exporting.connect()
    await make(exporting)
    await export(exporting, connection)

    def down(_asked: str, _about: str) -> None:
        raise Unavailable("it is down")

    exporting.kind.before = down
    await disconnect(exporting, connection)
    tries = 0
    for _ in range(8):
        await clean_up(exporting, connection)
        tries += await has_credentials(exporting, connection)
        exporting.world.clock.advance(CLEANUP / 7)
    await clean_up(exporting, connection)
    assert tries == 7
    assert not await has_credentials(exporting, connection), "nothing more is tried"
    ended = await exporting.world.connection(connection.id)
    assert (ended.status, ended.export.due_at) == (Status.DISCONNECTED, None)
    assert await exporting.world.kalends.leased.claim_wanted(connection.key) is None
    health = await exporting.world.kalends.health.get(exporting.world.admin, connection.id)
    assert health.exports.left == len(await known(exporting)) == 1
    assert (health.exports.anything_left, health.exports.cleanup_until) == (True, None)


async def test_rule_13_credentials_that_are_refused_end_the_cleaning_up_after_a_week(
    exporting: ScriptedAccount,
) -> None:
    connection = await exporting.connect()
    await make(exporting)
    await export(exporting, connection)

    def refused(_asked: str, _about: str) -> None:
        raise CredentialsRefused("withdrawn")

    exporting.kind.before = refused
    await disconnect(exporting, connection)
    await clean_up(exporting, connection)
    exporting.world.clock.advance(CLEANUP + timedelta(hours=1))
    await clean_up(exporting, connection)
    assert not await has_credentials(exporting, connection)
    assert len(await known(exporting)) == 1, "what is left is known"


async def test_rule_13_whoever_connects_again_meanwhile_keeps_one_copy(exporting: ScriptedAccount) -> None:
    connection = await exporting.connect()
    await make(exporting)
    await make(exporting, asked("2026-12-02T10:00", "2026-12-02T11:00"), "Beard")
    await export(exporting, connection)
    deleted: list[str] = []

    def down(asked_for: str, _about: str) -> None:
        if asked_for == "delete" and deleted:
            raise Unavailable("it is down")
        deleted.extend([asked_for] if asked_for == "delete" else [])

    exporting.kind.before = down
    await disconnect(exporting, connection)
    await clean_up(exporting, connection)
    assert len(await exporting.all()) == 1
    again = await exporting.connect()
    assert again.id == connection.id
    exporting.kind.before = lambda *_: None
    await configure(exporting, again)
    exporting.world.clock.advance(timedelta(hours=2))
    await settle(exporting, again)
    assert len(await exporting.all()) == len(await known(exporting)) == 2
    exporting.world.clock.advance(CLEANUP * 2)
    await exporting.world.kalends.cleaning.once()
    assert await has_credentials(exporting, again), "an end that was meant for before does not come"
    await settle(exporting, again)
    assert len(await exporting.all()) == 2


@EACH_PROVIDER
async def test_rule_13_an_event_of_the_owners_own_is_never_deleted_however_long_ago_it_was(account: Account) -> None:
    connection = await account.connect()
    await make(account)
    await export(account, connection)
    await account.put_into("Salon", "Wedding", at("2024-05-04T12:00"), at("2024-05-04T18:00"))
    await disconnect(account, connection)
    await clean_up(account, connection)
    assert await account.all() == []
    assert "Salon" in await account.calendars(), "it holds what is theirs"
    assert (await account.world.connection(connection.id)).status is Status.DISCONNECTED


async def test_rule_13_who_is_disconnected_is_not_read_again_though_a_sync_was_asked_for(
    exporting: ScriptedAccount,
) -> None:
    connection, world = await exporting.connect(), exporting.world
    await make(exporting)
    await export(exporting, connection)
    await exporting.put(*DENTIST)
    await world.kalends.services.sync_requests.ask(world.admin, connection.id)
    await disconnect(exporting, connection)

    def down(asked_for: str, _about: str) -> None:
        if asked_for == "delete":
            raise Unavailable("it is down")

    exporting.kind.before = down
    await clean_up(exporting, connection)
    for _ in range(3):
        assert await world.kalends.leased.claim(world.site.id, connection.id) is None, "it is not time yet"
        assert await world.titles() == []
        assert (await world.connection(connection.id)).status is Status.DISCONNECTED
        world.clock.advance(timedelta(seconds=1))
    exporting.kind.before = lambda _asked, _about: None
    world.clock.advance(timedelta(hours=1))
    await clean_up(exporting, connection)
    assert await exporting.all() == [DENTIST]
    assert await world.titles() == []
    assert (await world.connection(connection.id)).status is Status.DISCONNECTED
