"""Rule 12: the cost of a sync is proportional to what changed, not to what is stored."""

from tests.rules.conftest import Scripted
from tests.servers import CalDavServer
from tests.statements import statements
from tests.world import World, ics

SMALL, LARGE = 5, 400


async def cost_of_one_change(scripted: Scripted, stored: int) -> tuple[int, int, int]:
    """Return statements, rows of the widest answer's worth of payloads handed out, and readings for one change."""
    kind = scripted.kind
    kind.page_size = 100
    for number in range(stored):
        scripted.remote.put(f"e{number:04}", ics(f"e{number:04}", "Event", "20261201T090000Z"))
    connection = await scripted.connect()
    handed_out = kind.handed_out
    scripted.remote.put("e0001", ics("e0001", "Changed", "20261201T090000Z"))
    with statements(scripted.world.kalends.database) as heard:
        run = await scripted.world.sync(connection)
    assert run.counts.changed == 1
    await scripted.world.kalends.disconnecting.disconnect(scripted.world.admin, connection.id)
    return len(heard), kind.handed_out - handed_out, run.counts.pages


async def test_rule_12_one_change_costs_the_same_whatever_is_stored(scripted: Scripted) -> None:
    small = await cost_of_one_change(scripted, SMALL)
    large = await cost_of_one_change(scripted, LARGE)
    assert small == large
    assert small[1] == 1, "one item was handed out"


async def test_rule_12_one_change_at_a_real_server_takes_two_requests(
    real_world: World, radicale: CalDavServer
) -> None:
    login = radicale.login()
    calendar = f"{login.home}work/"
    radicale.make_calendar(calendar)
    texts = {f"e{number}.ics": ics(f"e{number}", "Event", "20261201T090000Z") for number in range(150)}
    radicale.put_many(calendar, texts)
    connection = await real_world.connect(radicale, login)
    radicale.put(f"{calendar}e7.ics", ics("e7", "Changed", "20261201T090000Z"))
    before = len(radicale.requests())
    run = await real_world.sync(connection)
    assert run.counts.changed == 1
    assert len(radicale.requests()) - before == 2
