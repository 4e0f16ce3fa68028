"""What the result of a sync means for the connection: status, reason, time of the next one. Pure."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalends.model.connection import Connection, ErrorReason, Status
from kalends.providers.errors import CalendarGone, CredentialsRefused, ProviderError, Unavailable
from kalends.sync.timing import CLOCKS_APART, Timing, jittered

LONGEST_RETRY_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed sync leaves: a status of None keeps the one before."""

    status: Status | None
    reason: ErrorReason | None
    next_sync_at: datetime
    description: str


def after_failure(
    connection: Connection | None, error: Exception, timing: Timing, now: datetime, jitter: random.Random
) -> Failure:
    """Return what a failure means: some are final until somebody acts, others keep the status for a while.

    The connection is None where not even that could be loaded.
    """
    if connection is None:
        return Failure(None, None, now + jittered(timing.poll_interval, jitter), describe(error))
    back_off = min(timing.poll_interval * 2 ** min(connection.failures, 16), timing.longest_retry_interval)
    next_sync_at = now + jittered(back_off, jitter)
    if isinstance(error, Unavailable) and error.retry_after is not None:
        next_sync_at = max(next_sync_at, now + min(error.retry_after, LONGEST_RETRY_AFTER))
    status, reason = _standing(connection, error, timing, now)
    return Failure(status, reason, next_sync_at, describe(error))


def describe(error: Exception) -> str:
    """Return an error for the operator; of an unexpected one only its kind, for its text may hold anything."""
    if isinstance(error, ProviderError):
        return f"{type(error).__name__}: {error}"
    return f"unexpected {type(error).__name__}"


def _standing(
    connection: Connection, error: Exception, timing: Timing, now: datetime
) -> tuple[Status | None, ErrorReason | None]:
    if isinstance(error, CredentialsRefused):
        return Status.ERROR, ErrorReason.TOKEN_REVOKED
    if isinstance(error, CalendarGone):
        return Status.ERROR, ErrorReason.EXTERNAL_CALENDAR_DELETED
    age = now - (connection.last_good_read_at or connection.created_at)
    # a read in the future says that our clock was set back, and so nothing about how old it is
    stale = age >= timing.staleness_limit or age < -CLOCKS_APART
    if stale and connection.status is not Status.ERROR:
        return Status.ERROR, ErrorReason.UNDEFINED
    return None, None
