"""`kalends schedule`: the bookable calendars that accounts are connected to."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalends.cli.options import Json, Name, SiteId, TimeZone, the_one
from kalends.cli.output import Answer, facts, instant, table
from kalends.cli.session import Session, run

if TYPE_CHECKING:
    from kalends.model.schedule import Schedule

app = typer.Typer(name="schedule", help="Make, list, change and cancel the schedules of a site.", no_args_is_help=True)

Argument = Annotated[str | None, typer.Argument(metavar="[SCHEDULE]", help="The schedule.", show_default=False)]
Option = Annotated[str | None, typer.Option("--schedule", metavar="ID", help="The schedule, in place of SCHEDULE.")]
Owner = Annotated[str | None, typer.Option("--owner", metavar="USER", help="The user who owns it.")]
ExternalId = Annotated[str | None, typer.Option("--external-id", metavar="ID", help="What another system knows it by.")]


@app.command()
def create(
    *,
    name: Name,
    site: SiteId = None,
    schedule_id: Annotated[
        str | None, typer.Option("--id", metavar="GUID", help="The id it is to have; a new one by default.")
    ] = None,
    owner: Owner = None,
    time_zone: TimeZone = None,
    external_id: ExternalId = None,
    json: Json = False,
) -> None:
    """Make a schedule, in the site's time zone and following it unless another is given."""

    async def work(session: Session) -> Answer:
        return _answer(
            await session.kalends.schedules.create(
                await session.site(site),
                name=name,
                schedule_id=schedule_id,
                owner_id=owner,
                time_zone=time_zone,
                external_id=external_id,
            )
        )

    run(work, as_json=json)


@app.command("list")
def list_(*, site: SiteId = None, json: Json = False) -> None:
    """List the schedules of a site, by name, cancelled ones included."""

    async def work(session: Session) -> Answer:
        schedules = await session.kalends.schedules.all((await session.site(site)).id)
        rows = [(one.id, one.name, one.status, one.time_zone, one.owner_name) for one in schedules]
        return Answer(
            {"schedules": [_document(one) for one in schedules]},
            [table(("schedule", "name", "status", "time zone", "owner"), rows)],
        )

    run(work, as_json=json)


@app.command()
def show(*, schedule_id: Argument = None, site: SiteId = None, schedule: Option = None, json: Json = False) -> None:
    """Show a schedule."""
    wanted = the_one(schedule_id, schedule, "schedule")

    async def work(session: Session) -> Answer:
        return _answer(await session.kalends.schedule_reading.get((await session.site(site)).id, wanted))

    run(work, as_json=json)


@app.command()
def update(
    *,
    schedule_id: Argument = None,
    site: SiteId = None,
    schedule: Option = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Name, 1 to 200 characters.")] = None,
    owner: Owner = None,
    no_owner: Annotated[bool, typer.Option("--no-owner", help="Nobody owns it any more.")] = False,
    time_zone: TimeZone = None,
    follow_site_zone: Annotated[
        bool, typer.Option("--follow-site-zone", help="Take the site's time zone, and follow it.")
    ] = False,
    external_id: ExternalId = None,
    json: Json = False,
) -> None:
    """Change what is given of a schedule. Another owner, or none, disconnects the accounts that are connected to it."""
    wanted = the_one(schedule_id, schedule, "schedule")
    if owner is not None and no_owner:
        raise typer.BadParameter("--owner and --no-owner exclude each other.")
    if time_zone is not None and follow_site_zone:
        raise typer.BadParameter("--time-zone and --follow-site-zone exclude each other.")
    if not (no_owner or follow_site_zone or {name, owner, time_zone, external_id} != {None}):
        raise typer.BadParameter("Say what is to be changed.")

    async def work(session: Session) -> Answer:
        from kalends.schedules.changing import CLEARED, ScheduleChange

        on = (await session.site(site)).id
        change = ScheduleChange(
            name=name,
            owner_id=CLEARED if no_owner else owner,
            time_zone=time_zone,
            follows_site_zone=True if follow_site_zone else None,
            external_id=external_id,
        )
        before = await session.kalends.schedule_reading.get(on, wanted)
        return _answer(await session.kalends.schedule_changing.update(on, before.id, change, revision=before.revision))

    run(work, as_json=json)


@app.command()
def cancel(
    *,
    schedule_id: Argument = None,
    site: SiteId = None,
    schedule: Option = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    json: Json = False,
) -> None:
    """Cancel a schedule for ever: the accounts that are connected to it are disconnected."""
    wanted = the_one(schedule_id, schedule, "schedule")
    if not yes:
        typer.confirm(f"Cancel schedule {wanted} for ever?", abort=True, err=True)

    async def work(session: Session) -> Answer:
        return _answer(await session.kalends.schedule_cancelling.cancel((await session.site(site)).id, wanted))

    run(work, as_json=json)


def _answer(schedule: "Schedule") -> Answer:
    shown = facts(
        schedule=schedule.id,
        name=schedule.name,
        status=schedule.status,
        time_zone=f"{schedule.time_zone} (the site's)" if schedule.follows_site_zone else schedule.time_zone,
        owner=schedule.owner_name,
        external_id=schedule.external_id,
        revision=schedule.revision,
    )
    return Answer(_document(schedule), [shown])


def _document(schedule: "Schedule") -> dict[str, Any]:
    return {
        "scheduleId": schedule.id,
        "name": schedule.name,
        "status": schedule.status.value,
        "timeZone": schedule.time_zone,
        "followsSiteTimeZone": schedule.follows_site_zone,
        "ownerId": schedule.owner_id,
        "ownerName": schedule.owner_name,
        "externalId": schedule.external_id,
        "appId": schedule.app_id,
        "revision": schedule.revision,
        "createdDate": instant(schedule.created_at),
        "updatedDate": instant(schedule.updated_at),
    }
