import random
from dataclasses import replace
from datetime import timedelta

import pytest

from kalends.model.connection import Connection, ErrorReason, ImportConfig, Status
from kalends.providers.errors import CalendarGone, CredentialsRefused, Unavailable
from kalends.sync.outcome import after_failure, describe
from kalends.sync.timing import Timing
from tests.world import NOW

TIMING = Timing(timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=6), timedelta(minutes=10))
CONNECTION = Connection(
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


def jitter() -> random.Random:
    return random.Random(1)


@pytest.mark.parametrize(
    ("error", "age", "standing"),
    [
        (CredentialsRefused("no"), timedelta(0), (Status.ERROR, ErrorReason.TOKEN_REVOKED)),
        (CalendarGone("all"), timedelta(0), (Status.ERROR, ErrorReason.EXTERNAL_CALENDAR_DELETED)),
        (Unavailable("down"), timedelta(hours=5, minutes=59), (None, None)),
        (Unavailable("down"), timedelta(hours=6), (Status.ERROR, ErrorReason.UNDEFINED)),
        (ZeroDivisionError(), timedelta(hours=7), (Status.ERROR, ErrorReason.UNDEFINED)),
    ],
)
def test_which_failures_change_the_status(
    error: Exception, age: timedelta, standing: tuple[Status | None, ErrorReason | None]
) -> None:
    connection = replace(CONNECTION, last_good_read_at=NOW - age)
    failure = after_failure(connection, error, TIMING, NOW, jitter())
    assert (failure.status, failure.reason) == standing


def test_a_connection_that_was_never_read_goes_stale_from_its_making_on() -> None:
    unread = replace(CONNECTION, last_good_read_at=None, status=Status.CONNECTED)
    assert after_failure(unread, Unavailable("x"), TIMING, NOW, jitter()).status is Status.ERROR
    fresh = replace(unread, created_at=NOW - timedelta(hours=1))
    assert after_failure(fresh, Unavailable("x"), TIMING, NOW, jitter()).status is None


def test_a_reason_that_is_known_is_not_overwritten_by_a_temporary_failure() -> None:
    broken = replace(
        CONNECTION,
        status=Status.ERROR,
        error_reason=ErrorReason.TOKEN_REVOKED,
        last_good_read_at=NOW - timedelta(days=1),
    )
    assert after_failure(broken, Unavailable("x"), TIMING, NOW, jitter()).status is None


def test_the_back_off_grows_to_an_hour_and_no_further() -> None:
    waits = [
        after_failure(replace(CONNECTION, failures=failures), Unavailable("x"), TIMING, NOW, jitter()).next_sync_at
        - NOW
        for failures in (0, 1, 2, 3, 4, 5, 50, 5000)
    ]
    assert waits == sorted(waits)
    assert waits[0] < timedelta(minutes=3)
    assert waits[-1] <= TIMING.longest_retry_interval * 1.1


@pytest.mark.parametrize(
    ("asked", "kept"), [(timedelta(minutes=40), timedelta(minutes=40)), (timedelta(days=9), timedelta(days=1))]
)
def test_what_the_provider_asks_for_is_honoured_within_a_day(asked: timedelta, kept: timedelta) -> None:
    failure = after_failure(CONNECTION, Unavailable("x", retry_after=asked), TIMING, NOW, jitter())
    assert failure.next_sync_at == NOW + kept


def test_a_last_good_read_in_the_future_says_nothing_about_its_age() -> None:
    ahead = replace(CONNECTION, last_good_read_at=NOW + timedelta(hours=3))
    assert after_failure(ahead, Unavailable("down"), TIMING, NOW, jitter()).status is Status.ERROR


def test_an_unexpected_error_is_named_without_its_text() -> None:
    assert describe(ValueError("SUMMARY:Doctor")) == "unexpected ValueError"
    assert describe(Unavailable("no answer")) == "Unavailable: no answer"
