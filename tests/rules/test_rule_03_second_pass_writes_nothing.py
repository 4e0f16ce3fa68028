"""Rule 3: a second pass over unchanged data writes nothing but the sync's own bookkeeping."""

import pytest

from kalends.store.runs import Outcome
from tests.rules.conftest import Scripted
from tests.servers import CalDavServer
from tests.statements import statements, written_tables
from tests.world import World, ics

BOOKKEEPING = {"connections", "readings", "runs", "passes"}


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> CalDavServer:
    found: CalDavServer = request.getfixturevalue(request.param)
    return found


async def test_rule_3_a_second_sync_of_a_real_server_writes_only_bookkeeping(
    real_world: World, server: CalDavServer
) -> None:
    login = server.login()
    calendars = [f"{login.home}{name}/" for name in ("work", "home")]
    for calendar in calendars:
        server.make_calendar(calendar)
        for number in range(5):
            text = ics(f"e{number}", "Event", "20261201T090000Z", lines="RRULE:FREQ=DAILY;COUNT=3\n")
            server.put(f"{calendar}e{number}.ics", text)
    try:
        connection = await real_world.connect(server, login)
        asked_before = len(server.requests())
        with statements(real_world.kalends.database) as heard:
            run = await real_world.sync(connection)
        assert run.outcome is Outcome.DONE
        assert written_tables(heard) <= BOOKKEEPING
        asked = server.requests()[asked_before:]
        assert len(asked) <= len(connection.import_config.calendars), (
            f"at most one request per calendar, by the server's own log: {asked}"
        )
        assert len(asked) >= 1, "the log is read rightly"
    finally:
        server.forget_calendars()


async def test_rule_3_a_full_pass_over_unchanged_data_writes_only_stamps(scripted: Scripted) -> None:
    for day in (1, 2, 3):
        scripted.remote.put(f"e{day}", ics(f"e{day}", "Event", f"2026120{day}T090000Z"))
    connection = await scripted.connect()
    scripted.kind.refuses_cursors = True
    with statements(scripted.world.kalends.database) as heard:
        assert (await scripted.world.sync(connection)).outcome is Outcome.DONE
    assert written_tables(heard) <= BOOKKEEPING | {"items"}
    stamps = [one for one in heard if written_tables([one]) == {"items"}]
    assert stamps
    assert all(one.startswith("UPDATE items SET seen_pass=") for one in stamps if not one.startswith("DELETE"))
    assert scripted.kind.handed_out == 3, "nothing is fetched again"


async def test_rule_3_an_item_with_a_new_version_and_the_same_content_is_not_expanded_again(
    scripted: Scripted,
) -> None:
    text = ics("e", "Event", "20261201T090000Z")
    scripted.remote.put("e", text)
    connection = await scripted.connect()
    scripted.remote.put("e", text)
    with statements(scripted.world.kalends.database) as heard:
        run = await scripted.world.sync(connection)
    assert run.counts.changed == 0
    assert not written_tables(heard) & {"groups", "occurrences"}


async def test_rule_3_a_poll_that_finds_nothing_leaves_no_run(scripted: Scripted) -> None:
    connection = await scripted.connect()
    with statements(scripted.world.kalends.database) as heard:
        await scripted.world.sync(connection)
    assert "runs" not in written_tables(heard)
