"""`kalends connection runs|acknowledge|unacknowledge`: what was done for a connection, and what is known of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from kalends.cli.connections import Argument, Option
from kalends.cli.options import Json, SiteId, the_one
from kalends.cli.output import Answer, facts, instant, table
from kalends.cli.session import Session, run

if TYPE_CHECKING:
    from kalends.connections.health import ConnectionHealth


def runs(
    *,
    connection_id: Argument = None,
    site: SiteId = None,
    connection: Option = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, metavar="N", help="How many at most.")] = 20,
    json: Json = False,
) -> None:
    """List the syncs of a connection, the newest first: those that changed something, failed, or were asked for."""
    wanted = the_one(connection_id, connection, "connection")

    async def work(session: Session) -> Answer:
        from kalends.cli.inspection import run_document

        page = await session.kalends.runs.list(await session.operator(site), wanted, limit=limit)
        rows = [
            (
                instant(one.started_at),
                f"{(one.ended_at - one.started_at).total_seconds():.1f} s",
                one.cause,
                one.outcome,
                one.counts.calendars,
                one.counts.changed,
                one.counts.removed,
                one.counts.quarantined,
                one.requests,
                one.error,
            )
            for one in page.runs
        ]
        columns = (
            *("started", "took", "cause", "outcome", "calendars", "changed", "removed", "quarantined", "requests"),
            "error",
        )
        document = {"runs": [run_document(one) for one in page.runs], "more": page.next_cursor is not None}
        return Answer(document, [table(columns, rows)])

    run(work, as_json=json)


def acknowledge(
    *,
    connection_id: Argument = None,
    site: SiteId = None,
    connection: Option = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why, for those who come later.")] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="INSTANT", help="When it ends at the latest, such as 2026-12-31T00:00:00Z."),
    ] = None,
    json: Json = False,
) -> None:
    """Acknowledge that a connection cannot be read: list events does without it until it is read well again.

    What was read of it before goes on blocking. Who acknowledged it, and when, is kept.
    """
    wanted = the_one(connection_id, connection, "connection")

    async def work(session: Session) -> Answer:
        from kalends.api.fields import LONGEST_NOTE, Refused, parse_date_time, storable

        try:
            ends = None if until is None else parse_date_time(until)
        except Refused as refused:
            raise typer.BadParameter(f"--until {refused.description}") from None
        try:
            said = None if note is None else storable(note)
        except Refused as refused:
            raise typer.BadParameter(f"--note {refused.description}") from None
        if said is not None and not 0 < len(said) <= LONGEST_NOTE:
            raise typer.BadParameter(f"--note must have 1 to {LONGEST_NOTE} characters")
        operator = await session.operator(site)
        return _answer(await session.kalends.acknowledging.acknowledge(operator, wanted, until=ends, note=said))

    run(work, as_json=json)


def unacknowledge(
    *, connection_id: Argument = None, site: SiteId = None, connection: Option = None, json: Json = False
) -> None:
    """Take an acknowledgement back: list events fails again while the connection cannot be read."""
    wanted = the_one(connection_id, connection, "connection")

    async def work(session: Session) -> Answer:
        return _answer(await session.kalends.acknowledging.withdraw(await session.operator(site), wanted))

    run(work, as_json=json)


def _answer(health: "ConnectionHealth") -> Answer:
    from kalends.api.health_messages import HealthOfConnectionAnswer

    document = HealthOfConnectionAnswer.of(health).model_dump(mode="json", by_alias=True, exclude_none=True)
    given = health.acknowledgement
    shown = facts(
        connection=health.connection.id,
        standing=health.readability.standing,
        obstacles=", ".join(health.readability.obstacles) or None,
        acknowledged=instant(given.at) if given else None,
        until=instant(given.until) if given else None,
        note=given.note if given else None,
    )
    return Answer(document["health"], [shown])
