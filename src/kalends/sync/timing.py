"""When to read a connection again: soon where something happens, later where it has long been quiet. Pure."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalends.model.connection import Connection

JITTER = 0.1
QUIET_SHARE = 10
"""A connection is read about ten times in as long as it has been quiet."""
CLOCKS_APART = timedelta(minutes=2)
"""How far apart the clocks of our own machines may be."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How often a connection is read, and from which age of the last good read on it counts as broken."""

    poll_interval: timedelta
    longest_poll_interval: timedelta
    staleness_limit: timedelta
    doubt_wait: timedelta
    """How long after it was first seen a sudden emptiness is put to the proof."""
    longest_retry_interval: timedelta = timedelta(hours=1)
    """How long to wait at most before a connection that fails is read again, unless its server asks for longer."""
    safety_interval: timedelta = timedelta(minutes=30)
    """How often a connection is read whose provider tells of changes by itself: not everything that is told arrives."""


def interval(connection: Connection, timing: Timing, now: datetime) -> timedelta:
    """Return how long to wait before a connection is read again: longer, the longer nothing has happened with it.

    What counts is the last change that a sync found, and the last time that somebody asked for its events.
    """
    happened = max(filter(None, (connection.created_at, connection.changed_at, connection.looked_at)))
    longest = max(timing.longest_poll_interval, timing.poll_interval)
    return min(max((now - happened) / QUIET_SHARE, timing.poll_interval), longest)


def after_success(
    connection: Connection | None,
    timing: Timing,
    now: datetime,
    jitter: random.Random,
    *,
    changed: bool = False,
    doubted: bool = False,
    watched: bool = False,
) -> datetime:
    """Return when to look again after a good read, or after one of which the deletions are still doubted.

    `watched` says that the provider tells of changes by itself.
    """
    if doubted:
        return now + timing.doubt_wait
    if watched:
        return now + jittered(max(timing.safety_interval, timing.poll_interval), jitter)
    if connection is None or changed:
        return now + jittered(timing.poll_interval, jitter)
    return now + jittered(interval(connection, timing, now), jitter)


def jittered(span: timedelta, jitter: random.Random) -> timedelta:
    """Return a span that is somewhat longer or shorter, so that what began together does not stay together."""
    return span * jitter.uniform(1 - JITTER, 1 + JITTER)
