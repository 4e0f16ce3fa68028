"""`kalends site`: the tenants."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalends.cli.options import Json, Name, SiteId, TimeZone
from kalends.cli.output import Answer, facts, instant, table
from kalends.cli.session import Session, run
from kalends.model.copy import CopyChanges
from kalends.model.provider import ConnectScopes
from kalends.model.schedule import Titles

if TYPE_CHECKING:
    from kalends.model.schedule import Site

app = typer.Typer(name="site", help="Make, change and list sites, the tenants.", no_args_is_help=True)

Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--redirect-origin",
        metavar="ORIGIN",
        help="Origin, such as https://example.com, to which people may be sent back; may be repeated.",
    ),
]
WhoSeesTitles = Annotated[
    Titles | None,
    typer.Option(
        "--titles", metavar="admins|owner_only", help="Who besides the owner of a schedule sees titles of its events."
    ),
]
ConsentTo = Annotated[
    ConnectScopes | None,
    typer.Option(
        "--connect-scopes",
        metavar="full|read",
        help="What people are asked to consent to when they connect by OAuth: all that is offered, or reading alone.",
    ),
]

CopyTitle = Annotated[
    str | None,
    typer.Option(
        "--copy-title",
        metavar="TEMPLATE",
        help="What copies of events in people's own calendars are called, 1 to 200 characters, with {title}, {service} "
        "(the name of the schedule) and {participant}.",
    ),
]
CopyLink = Annotated[
    str | None,
    typer.Option(
        "--copy-link",
        metavar="TEMPLATE",
        help="The https address that copies lead to, with {eventId}; empty for none.",
    ),
]
ChangesOfCopies = Annotated[
    CopyChanges | None,
    typer.Option(
        "--copy-changes",
        metavar="restore|accept",
        help="What becomes of it when the owner of a calendar changes or deletes a copy: it is put back, or accepted.",
    ),
]
CopyBuffer = Annotated[
    int | None,
    typer.Option(
        "--copy-buffer",
        metavar="MINUTES",
        min=0,
        max=1440,
        help="For how long the time after each copy is blocked too, as an event of its own; 0 for not at all.",
    ),
]


@app.command()
def create(
    *,
    name: Name,
    time_zone: TimeZone = None,
    redirect_origin: Origins = None,
    titles: WhoSeesTitles = None,
    connect_scopes: ConsentTo = None,
    copy_title: CopyTitle = None,
    copy_link: CopyLink = None,
    copy_changes: ChangesOfCopies = None,
    copy_buffer: CopyBuffer = None,
    json: Json = False,
) -> None:
    """Make a site."""

    async def work(session: Session) -> Answer:
        return _answer(
            await session.kalends.sites.create(
                name,
                time_zone=time_zone or "UTC",
                redirect_origins=redirect_origin or (),
                titles=titles or Titles.ADMINS,
                connect_scopes=connect_scopes or ConnectScopes.FULL,
                copy_title="{title}" if copy_title is None else copy_title,
                copy_link=copy_link,
                copy_changes=copy_changes or CopyChanges.RESTORE,
                copy_buffer=timedelta(minutes=copy_buffer or 0),
            )
        )

    run(work, as_json=json)


@app.command()
def update(
    *,
    site: SiteId = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Name, 1 to 200 characters.")] = None,
    time_zone: TimeZone = None,
    redirect_origin: Origins = None,
    no_redirect_origins: Annotated[
        bool, typer.Option("--no-redirect-origins", help="Empty the list of redirect origins.")
    ] = False,
    titles: WhoSeesTitles = None,
    connect_scopes: ConsentTo = None,
    copy_title: CopyTitle = None,
    copy_link: CopyLink = None,
    copy_changes: ChangesOfCopies = None,
    copy_buffer: CopyBuffer = None,
    json: Json = False,
) -> None:
    """Change what is given of a site; redirect origins replace the list."""
    if redirect_origin and no_redirect_origins:
        raise typer.BadParameter("--redirect-origin and --no-redirect-origins exclude each other.")

    async def work(session: Session) -> Answer:
        return _answer(
            await session.kalends.sites.update(
                (await session.site(site)).id,
                name=name,
                time_zone=time_zone,
                redirect_origins=[] if no_redirect_origins else redirect_origin,
                titles=titles,
                connect_scopes=connect_scopes,
                copy_title=copy_title,
                copy_link=copy_link,
                copy_changes=copy_changes,
                copy_buffer=None if copy_buffer is None else timedelta(minutes=copy_buffer),
            )
        )

    run(work, as_json=json)


@app.command()
def show(*, site: SiteId = None, json: Json = False) -> None:
    """Show a site and its settings."""

    async def work(session: Session) -> Answer:
        return _answer(await session.site(site))

    run(work, as_json=json)


@app.command("list")
def list_(*, json: Json = False) -> None:
    """List all sites, the oldest first."""

    async def work(session: Session) -> Answer:
        sites = await session.kalends.sites.all()
        rows = [(one.id, one.name, one.time_zone, ", ".join(one.redirect_origins) or None) for one in sites]
        # apart, so that templates leave ids their room
        copies = [(one.id, one.copy_title, one.copy_link, one.copy_changes, _minutes(one)) for one in sites]
        return Answer(
            {"sites": [_document(one) for one in sites]},
            [
                table(("site", "name", "time zone", "redirect origins"), rows),
                table(("site", "title", "link", "changes", "minutes after"), copies, title="Copies"),
            ],
        )

    run(work, as_json=json)


def _answer(site: "Site") -> Answer:
    shown = facts(
        site=site.id,
        name=site.name,
        time_zone=site.time_zone,
        redirect_origins=", ".join(site.redirect_origins) or None,
        titles=site.titles,
        connect_scopes=site.connect_scopes,
        copy_title=site.copy_title,
        copy_link=site.copy_link,
        copy_changes=site.copy_changes,
        copy_buffer=_minutes(site),
    )
    return Answer(_document(site), [shown])


def _document(site: "Site") -> dict[str, Any]:
    return {
        "siteId": site.id,
        "name": site.name,
        "timeZone": site.time_zone,
        "redirectOrigins": list(site.redirect_origins),
        "titles": site.titles.value,
        "connectScopes": site.connect_scopes.value,
        "copyTitle": site.copy_title,
        "copyLink": site.copy_link,
        "copyChanges": site.copy_changes.value,
        "copyBuffer": _minutes(site),
        "createdDate": instant(site.created_at),
    }


def _minutes(site: "Site") -> int:
    return site.copy_buffer // timedelta(minutes=1)
