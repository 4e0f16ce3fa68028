"""Group k, line 49: nothing happens, and no error says so.

By how much a connection is late is told: `tests/connections/test_health.py` (`…what_is_late_is_seen…`) for one,
`tests/store/test_overview.py` for all. Who keeps silent is not waited for without end: servers in
`tests/net/test_limits.py`, the database in `tests/jobs/test_processes.py`.
"""

from datetime import timedelta

from structlog.testing import capture_logs

from kalends.jobs.watchdog import LATE_AFTER
from kalends.model.connection import ErrorReason, Status
from kalends.providers.errors import Unavailable
from tests.rules.conftest import Scripted


async def test_the_watchdog_says_that_nobody_reads_a_connection_and_is_quiet_once_it_is_read(
    scripted: Scripted,
) -> None:
    world = scripted.world
    connection = await scripted.connect()
    assert (await world.kalends.watchdog.once()).count == 0
    world.clock.advance(world.kalends.settings.poll_interval * 2 + LATE_AFTER)
    with capture_logs() as heard:
        late = await world.kalends.watchdog.once()
    assert late.count == 1
    assert [(one["event"], one["connections"]) for one in heard] == [("connections_not_read", 1)]
    await world.sync(connection)
    with capture_logs() as heard:
        assert (await world.kalends.watchdog.once()).count == 0
    assert heard == []


async def test_a_connection_that_cannot_be_read_for_long_is_not_synced_and_recovers_by_itself(
    scripted: Scripted,
) -> None:
    world = scripted.world
    connection = await scripted.connect()

    def down(_page: int) -> None:
        raise Unavailable("down")

    scripted.kind.fault = down
    world.clock.advance(world.kalends.settings.staleness_limit + timedelta(minutes=1))
    await world.sync(connection)
    broken = await world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.UNDEFINED)
    scripted.kind.fault = None
    world.clock.advance(timedelta(hours=1, minutes=10))
    (lease,) = await world.kalends.leased.claim_due(1)
    await world.kalends.leased.run(lease)
    healed = await world.connection(connection.id)
    assert (healed.status, healed.error_reason, healed.failures) == (Status.SYNCED, None, 0)
