"""What real servers do differently: exactly these deviations are found in them, and no other."""

import pytest

from kalends.providers.caldav.quirks import missing_etags_after_put, omitted_multiget_members
from tests.providers.contract import Mirror, calendar_of, session_of
from tests.providers.test_caldav_servers import CalDavWorld
from tests.servers import CalDavServer
from tests.world import ics

ODDLY_NAMED = ["with space", "per%cent", "plus+sign", "at@sign", "a&b=<c>'\"", "q?x#y"]


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> CalDavServer:
    found: CalDavServer = request.getfixturevalue(request.param)
    return found


async def _met(world: CalDavWorld, calendar_id: str) -> frozenset[str]:
    """Read a calendar in full, change it, read it incrementally, thoroughly, and in full again."""
    async with session_of(world, await world.connect()) as session:
        calendar = await calendar_of(session, calendar_id)
        mirror = Mirror()
        await mirror.sync(session, calendar, thorough=True)
        await world.put_event(calendar_id, "new", title="new")
        await mirror.sync(session, calendar)
        await world.delete_event(calendar_id, "new")
        await mirror.sync(session, calendar, thorough=True)
        await mirror.sync(session, calendar, thorough=True)
        await mirror.sync(session, calendar, full=True)
        return session.quirks


async def test_plain_servers_show_no_deviation(server: CalDavServer) -> None:
    world = CalDavWorld(server)
    async with world.client:
        calendar = await world.create_calendar("Plain")
        for number in range(5):
            await world.put_event(calendar, f"event{number}", title=f"Plain-{number}")
        assert await _met(world, calendar) == frozenset()
    server.forget_calendars()


@pytest.mark.parametrize(
    ("name", "deviations"), [("radicale", frozenset()), ("xandikos", {omitted_multiget_members.QUIRK.name})]
)
async def test_of_odd_names_xandikos_leaves_those_with_a_question_mark_out(
    request: pytest.FixtureRequest, name: str, deviations: frozenset[str]
) -> None:
    server: CalDavServer = request.getfixturevalue(name)
    world = CalDavWorld(server)
    async with world.client:
        calendar = await world.create_calendar("Odd")
        for event in ODDLY_NAMED:
            await world.put_event(calendar, event, title=event.encode().hex())
        assert await _met(world, calendar) == deviations
    server.forget_calendars()


async def test_both_servers_say_which_version_a_put_made(server: CalDavServer) -> None:
    world = CalDavWorld(server)
    async with world.client:
        calendar = await world.create_calendar("Written")
        for title in ("First", "Second"):
            answer = server.request(
                "PUT", f"{calendar}e.ics", ics("e", title, "20261201T100000Z"), {"Content-Type": "text/calendar"}
            )
            version = missing_etags_after_put.written_version(answer.headers)
            async with session_of(world, await world.connect()) as session:
                mirror = Mirror()
                await mirror.sync(session, await calendar_of(session, calendar))
            assert [stored for stored, _ in mirror.items.values()] == [version]
    server.forget_calendars()
