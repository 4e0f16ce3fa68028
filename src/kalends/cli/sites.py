"""`kalends site`: the tenants."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalends.cli.options import Json, Name, SiteId, TimeZone
from kalends.cli.output import Answer, facts, instant, table
from kalends.cli.session import Session, run
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


@app.command()
def create(
    *,
    name: Name,
    time_zone: TimeZone = None,
    redirect_origin: Origins = None,
    titles: WhoSeesTitles = None,
    connect_scopes: ConsentTo = None,
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
            )
        )

    run(work, as_json=json)


@app.command("list")
def list_(*, json: Json = False) -> None:
    """List all sites, the oldest first."""

    async def work(session: Session) -> Answer:
        sites = await session.kalends.sites.all()
        rows = [(one.id, one.name, one.time_zone, ", ".join(one.redirect_origins) or None) for one in sites]
        return Answer(
            {"sites": [_document(one) for one in sites]},
            [table(("site", "name", "time zone", "redirect origins"), rows)],
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
        "createdDate": instant(site.created_at),
    }
