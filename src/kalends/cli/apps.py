"""`kalends app`: programs that call the API with a client id and a client secret."""

from typing import Annotated

import typer

from kalends.cli.options import Json, Name, Scopes, SiteId, the_one
from kalends.cli.output import Answer, facts, instant, line, table
from kalends.cli.session import Session, run

app = typer.Typer(name="app", help="Make, list and revoke apps, which call the API by OAuth.", no_args_is_help=True)


@app.command()
def create(
    *,
    name: Name,
    site: SiteId = None,
    scope: Scopes = None,
    without_premium: Annotated[
        bool, typer.Option("--without-premium", help="Refuse the app the premium features, external calendars.")
    ] = False,
    json: Json = False,
) -> None:
    """Make an app and install it on a site; its secret is shown this once."""

    async def work(session: Session) -> Answer:
        made = await session.kalends.clients.create_app(
            (await session.site(site)).id, name=name, scopes=scope or (), premium=not without_premium
        )
        document = {
            "clientId": made.client_id,
            "clientSecret": made.client_secret,
            "instanceId": made.instance_id,
        }
        shown = facts(client_id=made.client_id, client_secret=made.client_secret, instance_id=made.instance_id)
        return Answer(document, [shown])

    run(work, as_json=json)


@app.command("list")
def list_(*, site: SiteId = None, json: Json = False) -> None:
    """List the apps that are installed on a site, revoked ones included."""

    async def work(session: Session) -> Answer:
        installed = await session.kalends.clients.apps((await session.site(site)).id)
        documents = [
            {
                "clientId": one.app_id,
                "instanceId": one.id,
                "name": one.app_name,
                "scopes": list(one.scopes),
                "premium": one.premium,
                "revokedDate": instant(one.revoked_at),
            }
            for one in installed
        ]
        rows = [(one.app_id, one.id, one.app_name, ", ".join(one.scopes), instant(one.revoked_at)) for one in installed]
        return Answer({"apps": documents}, [table(("client id", "instance id", "name", "scopes", "revoked"), rows)])

    run(work, as_json=json)


@app.command()
def revoke(
    *,
    client_id: Annotated[
        str | None, typer.Argument(metavar="[CLIENT_ID]", help="The app's client id.", show_default=False)
    ] = None,
    site: SiteId = None,
    app_id: Annotated[
        str | None, typer.Option("--app", metavar="CLIENT_ID", help="The client id, in place of CLIENT_ID.")
    ] = None,
    json: Json = False,
) -> None:
    """Take an app off a site; its tokens stop working within seconds."""
    wanted = the_one(client_id, app_id, "app")

    async def work(session: Session) -> Answer:
        await session.kalends.clients.revoke_app((await session.site(site)).id, wanted)
        return Answer({"clientId": wanted.lower(), "revoked": True}, [line("Revoked", wanted)])

    run(work, as_json=json)
