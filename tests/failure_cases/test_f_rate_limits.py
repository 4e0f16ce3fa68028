"""Group f, line 34: a server that is asked too much, and says when to come again.

That it is not asked too much in the first place, and not by many at once (line 33), is in `tests/net/test_budgets.py`.
"""

from datetime import timedelta

import pytest

from kalends.model.connection import Status
from kalends.providers.errors import Unavailable
from kalends.store.runs import Outcome
from tests.net.loopback import raw
from tests.providers.scripted import CALENDAR, A, B, Script, full_of
from tests.providers.scripted import scripted as scripted_caldav
from tests.rules.conftest import Scripted
from tests.world import ics


@pytest.mark.parametrize("status", [429, 503])
async def test_a_caldav_server_that_asks_for_patience_is_believed_and_loses_nothing(status: int) -> None:
    script = Script()
    script.on("REPORT", "/c/", raw(status, b"", {"Retry-After": "120"}))
    async with scripted_caldav(script) as session:
        store = full_of(A, B)
        with pytest.raises(Unavailable) as refused:
            await store.sync(session, CALENDAR)
    assert refused.value.retry_after == timedelta(minutes=2)
    assert store.holds("title-a", "title-b")


async def test_a_connection_waits_for_as_long_as_it_was_told_and_goes_on_by_itself(scripted: Scripted) -> None:
    world = scripted.world
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z"))
    connection = await scripted.connect()

    def later(_page: int) -> None:
        raise Unavailable("busy", retry_after=timedelta(hours=2))

    scripted.kind.fault = later
    assert (await world.sync(connection)).outcome is Outcome.FAILED
    assert (await world.connection(connection.id)).status is Status.SYNCED, "it is not broken"
    assert await world.titles() == ["Busy"]
    scripted.kind.fault = None
    world.clock.advance(timedelta(hours=1, minutes=59))
    assert await world.kalends.leased.claim_due(1) == []
    world.clock.advance(timedelta(minutes=2))
    (lease,) = await world.kalends.leased.claim_due(1)
    await world.kalends.leased.run(lease)
    assert (await world.connection(connection.id)).failures == 0
