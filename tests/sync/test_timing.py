"""How soon a connection is read again."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from kalends.model.connection import Connection, ImportConfig, Status
from kalends.sync.timing import Timing, after_success, interval
from tests.world import NOW

SOON, LATE = timedelta(minutes=2), timedelta(minutes=15)
TIMING = Timing(SOON, LATE, timedelta(hours=6), timedelta(minutes=10))
QUIET = Connection(
    site_id="s",
    id="c",
    provider_id="p",
    schedule_id="x",
    owner_id=None,
    app_id=None,
    account_key="k",
    account_email="a@example.org",
    addresses=frozenset(),
    status=Status.SYNCED,
    error_reason=None,
    import_config=ImportConfig(),
    created_at=NOW - timedelta(days=9),
    last_good_read_at=NOW,
    failures=0,
    last_error=None,
    wanted_rev=1,
    done_rev=1,
)


@pytest.mark.parametrize("what", ["created_at", "changed_at", "looked_at"])
@pytest.mark.parametrize(
    ("ago", "wait"),
    [
        (timedelta(0), SOON),
        (timedelta(minutes=20), SOON),
        (timedelta(minutes=100), timedelta(minutes=10)),
        (timedelta(hours=5), LATE),
        (-timedelta(days=1), SOON),
    ],
)
def test_the_longer_nothing_happened_the_later_a_connection_is_read(what: str, ago: timedelta, wait: timedelta) -> None:
    assert interval(replace(QUIET, **{what: NOW - ago}), TIMING, NOW) == wait  # type: ignore[arg-type] # each has its own type


def test_the_longest_interval_never_undercuts_the_shortest() -> None:
    timing = replace(TIMING, poll_interval=timedelta(hours=1))
    assert interval(QUIET, timing, NOW) == timedelta(hours=1)


@pytest.mark.parametrize(("changed", "around"), [(True, SOON), (False, LATE)])
def test_polls_are_spread_around_their_interval(changed: bool, around: timedelta) -> None:
    source = random.Random(1)
    waits = {after_success(QUIET, TIMING, NOW, source, changed=changed) - NOW for _ in range(50)}
    assert len(waits) > 40
    assert all(around * 0.9 <= wait <= around * 1.1 for wait in waits)


def test_what_is_doubted_is_put_to_the_proof_when_its_time_has_come() -> None:
    assert after_success(QUIET, TIMING, NOW, random.Random(1), doubted=True) == NOW + TIMING.doubt_wait
