"""The connections: broken, late, never read, failing, incomplete."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from kalends.doctor.finding import Check, Finding, Level, counted, well
from kalends.model.connection import ErrorReason
from kalends.store.findings import Affected, Findings, QuarantinedIn
from kalends.store.readonly import ReadOnlyDatabase

FIRST_READ = timedelta(minutes=10)
"""How long a first import may take before it is told."""
CALENDARS_NAMED = 20
_SEE = "`kalends connection show CONNECTION` says more."

_REASONS = {
    ErrorReason.TOKEN_REVOKED: (
        "The accounts refuse the stored password: connect them again with a new one (`kalends connection connect`)."
    ),
    ErrorReason.EXTERNAL_CALENDAR_DELETED: (
        f"None of the chosen calendars is left: choose others, or disconnect (`kalends connection disconnect`). {_SEE}"
    ),
    ErrorReason.EXTERNAL_CALENDAR_CREATION_FAILED: (
        f"The account lets no calendar be made: see what it permits, then sync again. {_SEE}"
    ),
    ErrorReason.UNDEFINED: (
        f"Nothing could be read for longer than the staleness limit: see the last error; it recovers by itself. {_SEE}"
    ),
}


async def look_at_connections(
    database: ReadOnlyDatabase, site_id: str | None, *, now: datetime, staleness_limit: timedelta
) -> list[Finding]:
    """Tell which connections do not give what is expected of them."""
    async with database.read() as reader:
        found = Findings(reader, site_id)
        count = await found.connections()
        errors = await found.errors()
        told = [
            *(_broken(reason, affected) for reason, affected in errors.items()),
            _stale(await found.stale(now - staleness_limit), staleness_limit),
            _told(
                Level.WARNING,
                "never-read",
                await found.never_read(now - FIRST_READ),
                "Never read since they were made",
                f"See that `kalends serve` runs, or sync them: `kalends connection sync CONNECTION`. {_SEE}",
            ),
            _told(
                Level.WARNING,
                "failing",
                await found.failing(),
                "Failed at their latest sync, and tried again at ever longer intervals",
                f"{_SEE} `kalends connection sync CONNECTION` tries at once.",
            ),
            _told(
                Level.PROBLEM,
                "exports-stopped",
                await found.exports_stopped(),
                "Read, but nothing is exported to them, because a calendar was deleted or could not be made",
                f"{_SEE} `kalends connection export CONNECTION --on` makes a new one.",
            ),
            _told(Level.WARNING, "amiss", await found.amiss(), "Read, but not in full", _SEE),
        ]
    amiss = [one for one in told if one is not None]
    if amiss:
        return amiss
    if not count:
        return [well(Check.CONNECTIONS, "There are no connections yet.", connections=0)]
    return [well(Check.CONNECTIONS, f"In order: {counted(count, 'connection')}.", connections=count)]


async def look_at_quarantine(database: ReadOnlyDatabase, site_id: str | None) -> list[Finding]:
    """Tell how many events could not be read, and in which calendars."""
    async with database.read() as reader:
        return quarantine(await Findings(reader, site_id).quarantined())


def quarantine(calendars: Sequence[QuarantinedIn]) -> list[Finding]:
    """Return what it means that calendars hold events that could not be read."""
    if not calendars:
        return [well(Check.QUARANTINE, "Every event could be read.", events=0)]
    events = sum(one.events for one in calendars)
    connections = list(dict.fromkeys(one.connection_id for one in calendars))
    return [
        Finding(
            Check.QUARANTINE,
            Level.WARNING,
            f"Could not be read, and do not block: {counted(events, 'event')} "
            f"in {counted(len(calendars), 'calendar')} of {counted(len(connections), 'connection')}.",
            "`kalends connection show CONNECTION` says which and why; correct them in the calendar that they are in.",
            {
                "events": events,
                "calendars": [
                    {"connectionId": one.connection_id, "calendarId": one.calendar_id, "events": one.events}
                    for one in calendars[:CALENDARS_NAMED]
                ],
            },
        )
    ]


def _broken(reason: str, affected: Affected) -> Finding | None:
    known = reason in set(ErrorReason)
    advice = _REASONS[ErrorReason(reason)] if known else _SEE
    return _told(Level.PROBLEM, "error", affected, f"In error ({reason})", advice, reason=reason)


def _stale(affected: Affected, limit: timedelta) -> Finding | None:
    return _told(
        Level.PROBLEM,
        "stale",
        affected,
        f"Last read longer ago than KALENDS_STALENESS_LIMIT ({limit.total_seconds():g} s)",
        f"See that `kalends serve` runs and keeps up; `kalends connection sync CONNECTION` reads one at once. {_SEE}",
    )


def _told(
    level: Level, state: str, affected: Affected, what: str, advice: str, *, reason: str | None = None
) -> Finding | None:
    if not affected.count:
        return None
    data = {"state": state, "connections": affected.count, "connectionIds": list(affected.ids)}
    if reason is not None:
        data["reason"] = reason
    return Finding(Check.CONNECTIONS, level, f"{what}: {counted(affected.count, 'connection')}.", advice, data)
