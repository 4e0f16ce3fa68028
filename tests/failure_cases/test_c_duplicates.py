"""Group c, lines 15, 16 and 19, as far as they are about reading: duplicates and loops.

That a second pass writes nothing, whatever etags do (lines 15 and 16), is in `tests/rules/test_rule_03…`. That nothing
imported is left after a disconnect (line 21) is in `tests/connections/test_connecting.py`
(`test_disconnecting_leaves_nothing_imported_and_no_credentials`), an empty list of what is there (line 18) in
`test_b_false_emptiness.py`.
"""

from datetime import timedelta

from tests.rules.conftest import Scripted
from tests.world import ics


async def test_disconnecting_and_connecting_the_same_account_again_doubles_nothing(scripted: Scripted) -> None:
    world = scripted.world
    for day in (1, 2, 3):
        scripted.remote.put(f"e{day}", ics(f"e{day}", f"Day {day}", f"2026120{day}T090000Z"))
    connection = await scripted.connect()
    titles = await world.titles()
    for _ in range(2):
        await world.kalends.disconnecting.disconnect(world.admin, connection.id)
        assert await world.titles() == []
        again = await scripted.connect()
        assert again.id == connection.id
        assert await world.titles() == titles


async def test_pressing_sync_again_and_again_doubles_nothing(scripted: Scripted) -> None:
    for day in (1, 2, 3):
        scripted.remote.put(f"e{day}", ics(f"e{day}", f"Day {day}", f"2026120{day}T090000Z"))
    connection = await scripted.connect()
    titles = await scripted.world.titles()
    for _ in range(3):
        run = await scripted.world.sync(connection)
        assert (run.counts.changed, run.counts.removed) == (0, 0)
        scripted.world.clock.advance(timedelta(minutes=1))
    assert await scripted.world.titles() == titles
