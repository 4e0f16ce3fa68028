"""What a server does differently is kept with the connection, told to the next session, and shown nowhere it is not."""

from datetime import timedelta

from kalends.model.connection import Status
from kalends.providers.caldav.quirks import lying_sync_tokens, refused_sync_tokens
from kalends.store.runs import Outcome
from tests.deviating import deviating
from tests.net.loopback import Asked, raw
from tests.rules.conftest import Scripted
from tests.servers import CalDavServer
from tests.statements import statements
from tests.world import World, ics

DAY = timedelta(days=1)


async def test_what_was_met_is_kept_told_to_the_next_session_and_forgotten(scripted: Scripted) -> None:
    scripted.kind.shows = frozenset({"odd", "of_another_version"})
    connection = await scripted.connect()
    assert connection.quirks == {"odd", "of_another_version"}
    scripted.kind.shows = frozenset()
    await scripted.world.sync(connection)
    assert scripted.kind.told_quirks[-1] == {"odd", "of_another_version"}
    scripted.kind.mended = frozenset({"odd"})
    await scripted.world.sync(connection)
    assert (await scripted.world.connection(connection.id)).quirks == {"of_another_version"}
    scripted.kind.mended = frozenset({"of_another_version"})
    await scripted.world.sync(connection)
    assert (await scripted.world.connection(connection.id)).quirks == frozenset()


async def test_what_is_known_already_is_not_written_again(scripted: Scripted) -> None:
    scripted.kind.shows = frozenset({"odd"})
    with statements(scripted.world.kalends.database) as heard:
        connection = await scripted.connect()
    assert sum("SET quirks=" in one for one in heard) == 1
    with statements(scripted.world.kalends.database) as heard:
        await scripted.world.sync(connection)
    assert not any("SET quirks=" in one for one in heard)


async def test_what_a_failed_sync_met_is_kept(scripted: Scripted) -> None:
    scripted.kind.shows = frozenset({"odd"})
    scripted.kind.cut_off = True
    connection = await scripted.connect()
    assert connection.last_error is not None
    assert connection.quirks == {"odd"}


async def test_reconnecting_keeps_what_is_known_of_the_server(scripted: Scripted) -> None:
    scripted.kind.shows = frozenset({"odd"})
    connection = await scripted.connect()
    scripted.kind.shows = frozenset()
    await scripted.world.kalends.disconnecting.disconnect(scripted.world.admin, connection.id)
    assert (await scripted.connect(sync=False)).quirks == {"odd"}


async def test_a_reading_is_thorough_once_a_day(scripted: Scripted) -> None:
    scripted.remote.put("e", ics("e", "Event", "20261201T090000Z"))
    connection = await scripted.connect()
    await scripted.world.sync(connection)
    scripted.world.clock.advance(DAY)
    await scripted.world.sync(connection)
    await scripted.world.sync(connection)
    assert scripted.kind.thorough == [True, False, True, False]


def _sync_token(asked: Asked) -> str | None:
    """Return the token of a sync-collection, None for any other request."""
    if b"sync-collection" not in asked.body:
        return None
    return asked.body.partition(b"<d:sync-token>")[2].partition(b"</d:sync-token>")[0].decode()


async def test_a_server_without_sync_collection_is_read_by_its_tags(
    sqlite_world: World, radicale: CalDavServer
) -> None:
    def refuse(asked: Asked) -> bytes | None:
        return raw(403) if _sync_token(asked) is not None else None

    login = radicale.login()
    calendar = f"{login.home}work/"
    radicale.make_calendar(calendar)
    radicale.put(f"{calendar}a.ics", ics("a", "First", "20261201T090000Z"))
    async with deviating(radicale, refuse) as behind:
        connection = await sqlite_world.connect(behind, login)
        assert connection.quirks == {refused_sync_tokens.QUIRK.name}
        radicale.put(f"{calendar}b.ics", ics("b", "Second", "20261202T090000Z"))
        radicale.delete(f"{calendar}a.ics")
        run = await sqlite_world.sync(connection)
        assert (run.counts.changed, run.counts.removed) == (1, 1)
        assert await sqlite_world.titles() == ["Second"]
        before = len(radicale.requests())
        await sqlite_world.sync(connection)
        assert len(radicale.requests()) - before == 1, "a quiet poll is one request here too"
        assert (await sqlite_world.connection(connection.id)).quirks == connection.quirks
    radicale.forget_calendars()


async def test_a_server_whose_tokens_lie_is_found_within_a_day(sqlite_world: World, radicale: CalDavServer) -> None:
    lying = False

    def lie(asked: Asked) -> bytes | None:
        token = _sync_token(asked)
        if not lying or not token:
            return None
        body = f'<d:multistatus xmlns:d="DAV:"><d:sync-token>{token}</d:sync-token></d:multistatus>'
        return raw(207, body.encode(), {"Content-Type": "application/xml"})

    login = radicale.login()
    calendar = f"{login.home}work/"
    radicale.make_calendar(calendar)
    radicale.put(f"{calendar}a.ics", ics("a", "First", "20261201T090000Z"))
    async with deviating(radicale, lie) as behind:
        connection = await sqlite_world.connect(behind, login)
        assert connection.quirks == frozenset()
        lying = True
        radicale.put(f"{calendar}b.ics", ics("b", "Second", "20261202T090000Z"))
        radicale.delete(f"{calendar}a.ics")
        await sqlite_world.sync(connection)
        assert await sqlite_world.titles() == ["First"], "nothing gives the lie away"
        sqlite_world.clock.advance(DAY)
        run = await sqlite_world.sync(connection)
        assert run.outcome is Outcome.DONE
        assert await sqlite_world.titles() == ["Second"]
        assert (await sqlite_world.connection(connection.id)).quirks == {lying_sync_tokens.QUIRK.name}
        radicale.put(f"{calendar}c.ics", ics("c", "Third", "20261203T090000Z"))
        await sqlite_world.sync(connection)
        assert await sqlite_world.titles() == ["Second", "Third"], "from then on nothing is kept back"
        assert (await sqlite_world.connection(connection.id)).status is Status.SYNCED
    radicale.forget_calendars()
