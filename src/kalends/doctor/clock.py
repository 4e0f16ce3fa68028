"""This machine's clock against those of others. Leases, tokens and the age of what was read all hang on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalends.doctor.finding import Check, Finding, problem, warning, well
from kalends.model.clock import Clock
from kalends.store.findings import Findings
from kalends.store.readonly import ReadOnlyDatabase

NOTED = timedelta(seconds=30)
"""From here on it is a warning: processes no longer agree about who holds a lease."""
BROKEN = timedelta(minutes=2)
"""From here on it is a problem."""
ADVICE = "Set this machine's clock, and keep it right with a time service (timedatectl set-ntp true)."


@dataclass(frozen=True, slots=True)
class ServerTime:
    """What a calendar server said that the time was, in the second `heard_at`."""

    host: str
    told: datetime
    heard_at: datetime


async def look_at_clock(
    database: ReadOnlyDatabase | None, *, stored: bool, heard: Sequence[ServerTime], clock: Clock
) -> list[Finding]:
    """Compare the clock with the database's, with the newest rows where they are `stored`, and with what was heard."""
    found = []
    if database is not None:
        found += await _against_the_server(database, clock)
        if stored:
            async with database.read() as reader:
                newest = await Findings(reader).newest()
            found += against_rows(newest, clock.now())
    found += against_calendar_servers(heard)
    return found or [well(Check.CLOCK, "The clock agrees with everything that it could be compared with.")]


async def _against_the_server(database: ReadOnlyDatabase, clock: Clock) -> list[Finding]:
    before = clock.now()
    told = await database.clock()
    if told is None:
        return []
    return against_database(told, before + (clock.now() - before) / 2)


def against_database(told: datetime, now: datetime) -> list[Finding]:
    """Return what the clock of the database's server means beside ours."""
    off = (now - told).total_seconds()
    if abs(off) <= NOTED.total_seconds():
        return []
    worse = problem if abs(off) > BROKEN.total_seconds() else warning
    which = "ahead of" if off > 0 else "behind"
    summary = f"This machine's clock is {abs(off):.0f} s {which} that of the database's server."
    return [
        worse(Check.CLOCK, summary, f"{ADVICE} See that the database's server does the same.", {"secondsAhead": off})
    ]


def against_rows(newest: datetime | None, now: datetime) -> list[Finding]:
    """Return what it means that something in the store happened after now."""
    ahead = (newest - now).total_seconds() if newest is not None else 0
    if ahead <= NOTED.total_seconds():
        return []
    worse = problem if ahead > BROKEN.total_seconds() else warning
    summary = f"The database notes things that happen {ahead:.0f} s from now: the clock was set back."
    advice = f"{ADVICE} Where several machines share the database, the clock of another may be the wrong one."
    return [worse(Check.CLOCK, summary, advice, {"secondsAhead": -ahead})]


def against_calendar_servers(heard: Sequence[ServerTime]) -> list[Finding]:
    """Return what the `Date` of calendar servers means beside our clock; one alone may be wrong itself."""
    off = {one.host: (one.heard_at - one.told).total_seconds() for one in heard}
    apart = {host: seconds for host, seconds in off.items() if abs(seconds) > BROKEN.total_seconds()}
    if not apart:
        return []
    hosts = ", ".join(sorted(apart))
    summary = f"The clock of this machine and that of {hosts} are more than {BROKEN.total_seconds():.0f} s apart."
    advice = f"{ADVICE} Where it is right, that server's clock is wrong, and its own business."
    return [warning(Check.CLOCK, summary, advice, {"secondsAhead": apart})]
