from datetime import UTC, datetime

from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.model.connection import ImportChoice, Status
from tests.servers import CalDavServer, Login
from tests.world import World, ics


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=UTC)


def calendars_for(server: CalDavServer, login: Login, *names: str) -> list[str]:
    made = []
    for name in names:
        path = f"{login.home}{name}/"
        server.make_calendar(path, f"<d:displayname>{name.title()}</d:displayname>")
        made.append(path)
    return made


async def test_the_whole_life_of_a_connection(world: World, server: CalDavServer) -> None:
    login = server.login()
    work, home, club = calendars_for(server, login, "work", "home", "club")
    try:
        server.put(work + "a.ics", ics("a", "Standup", "20261201T090000Z", end="20261201T093000Z"))
        server.put(home + "b.ics", ics("b", "Dentist", "20261202T140000Z", end="20261202T150000Z"))
        server.put(club + "c.ics", ics("c", "Match", "20261203T180000Z", end="20261203T200000Z"))

        connection = await world.connect(server, login)
        assert connection.status is Status.SYNCED
        assert await world.titles() == ["Standup", "Dentist", "Match"]

        listed = await world.kalends.services.calendars.list(world.admin, connection.id)
        chosen = tuple(one.id for one in listed if one.name in {"Work", "Home"})
        assert len(chosen) == 2
        view = await world.kalends.services.sync_configs.update(
            world.admin,
            connection.id,
            SyncConfigChange(imports=ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=chosen)),
        )
        assert [one.id for one in view.connection.import_config.calendars] == list(chosen)
        assert await world.titles() == ["Standup", "Dentist"], "what is no longer chosen is gone at once"
        await world.sync(connection)
        assert (await world.connection(connection.id)).status is Status.SYNCED

        server.put(work + "new.ics", ics("n", "Added", "20261204T090000Z", end="20261204T100000Z"))
        server.put(work + "a.ics", ics("a", "Standup moved", "20261205T090000Z", end="20261205T093000Z"))
        server.delete(home + "b.ics")
        run = await world.sync(connection)
        assert (run.counts.changed, run.counts.removed) == (2, 1)
        assert await world.events() == [
            ("Added", utc(4, 9), utc(4, 10)),
            ("Standup moved", utc(5, 9), utc(5, 9, 30)),
        ]

        ended = await world.kalends.disconnecting.disconnect(world.admin, connection.id)
        assert ended.connection.status is Status.DISCONNECTED
        assert await world.titles() == []
    finally:
        server.forget_calendars()


async def test_connecting_the_same_account_again_is_the_same_connection(world: World, radicale: CalDavServer) -> None:
    login = radicale.login()
    (work,) = calendars_for(radicale, login, "work")
    radicale.put(work + "a.ics", ics("a", "Standup", "20261201T090000Z"))
    first = await world.connect(radicale, login)
    await world.kalends.disconnecting.disconnect(world.admin, first.id)
    again = await world.connect(radicale, login)
    assert again.id == first.id
    assert again.status is Status.SYNCED
    radicale.put(work + "b.ics", ics("b", "Later", "20261202T090000Z", end="20261202T100000Z"))
    await world.sync(again)
    assert await world.titles() == ["Standup", "Later"]
