"""`kalends schedule`: the bookable calendars that accounts are connected to."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalends.cli.options import Json, Name, SiteId, TimeZone
from kalends.cli.output import Answer, facts, table
from kalends.cli.session import Session, run

if TYPE_CHECKING:
    from kalends.model.schedule import Schedule

app = typer.Typer(name="schedule", help="Make and list the schedules of a site.", no_args_is_help=True)


@app.command()
def create(
    *,
    name: Name,
    site: SiteId = None,
    schedule_id: Annotated[
        str | None, typer.Option("--id", metavar="GUID", help="The id it is to have; a new one by default.")
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", metavar="USER", help="The user who owns it.")] = None,
    time_zone: TimeZone = None,
    json: Json = False,
) -> None:
    """Make a schedule, in the site's time zone unless another is given."""

    async def work(session: Session) -> Answer:
        schedule = await session.kalends.schedules.create(
            await session.site(site), name=name, schedule_id=schedule_id, owner_id=owner, time_zone=time_zone
        )
        shown = facts(schedule=schedule.id, name=schedule.name, time_zone=schedule.time_zone, owner=schedule.owner_name)
        return Answer(_document(schedule), [shown])

    run(work, as_json=json)


@app.command("list")
def list_(*, site: SiteId = None, json: Json = False) -> None:
    """List the schedules of a site, by name."""

    async def work(session: Session) -> Answer:
        schedules = await session.kalends.schedules.all((await session.site(site)).id)
        rows = [(one.id, one.name, one.time_zone, one.owner_name) for one in schedules]
        return Answer(
            {"schedules": [_document(one) for one in schedules]},
            [table(("schedule", "name", "time zone", "owner"), rows)],
        )

    run(work, as_json=json)


def _document(schedule: "Schedule") -> dict[str, Any]:
    return {
        "scheduleId": schedule.id,
        "name": schedule.name,
        "timeZone": schedule.time_zone,
        "ownerId": schedule.owner_id,
        "ownerName": schedule.owner_name,
    }
