"""`kalends api-key`: keys with which a program of the site's own calls the API."""

from typing import Annotated

import typer

from kalends.cli.options import Json, Scopes, SiteId, the_one
from kalends.cli.output import Answer, facts, instant, line, table
from kalends.cli.session import Session, run

app = typer.Typer(name="api-key", help="Make, list and revoke the API keys of a site.", no_args_is_help=True)


@app.command()
def create(*, site: SiteId = None, scope: Scopes = None, json: Json = False) -> None:
    """Make an API key, shown this once; it is sent as Authorization, with the site as wix-site-id."""

    async def work(session: Session) -> Answer:
        on = await session.site(site)
        key, record = await session.kalends.clients.create_api_key(on.id, scopes=scope or ())
        document = {"apiKey": key, "apiKeyId": record.id, "siteId": on.id, "scopes": list(record.scopes)}
        return Answer(document, [facts(api_key=key, api_key_id=record.id, site=on.id)])

    run(work, as_json=json)


@app.command("list")
def list_(*, site: SiteId = None, json: Json = False) -> None:
    """List the API keys of a site, revoked ones included; the keys themselves are not kept."""

    async def work(session: Session) -> Answer:
        keys = await session.kalends.clients.api_keys((await session.site(site)).id)
        documents = [
            {
                "apiKeyId": one.id,
                "scopes": list(one.scopes),
                "createdDate": instant(one.created_at),
                "revokedDate": instant(one.revoked_at),
            }
            for one in keys
        ]
        rows = [(one.id, ", ".join(one.scopes), instant(one.created_at), instant(one.revoked_at)) for one in keys]
        return Answer({"apiKeys": documents}, [table(("API key id", "scopes", "created", "revoked"), rows)])

    run(work, as_json=json)


@app.command()
def revoke(
    *,
    key_id: Annotated[
        str | None, typer.Argument(metavar="[KEY_ID]", help="The API key's id, not the key.", show_default=False)
    ] = None,
    site: SiteId = None,
    api_key: Annotated[
        str | None, typer.Option("--api-key", metavar="KEY_ID", help="The API key's id, in place of KEY_ID.")
    ] = None,
    json: Json = False,
) -> None:
    """End an API key; it stops working within seconds."""
    wanted = the_one(key_id, api_key, "api-key")

    async def work(session: Session) -> Answer:
        await session.kalends.clients.revoke_api_key((await session.site(site)).id, wanted)
        return Answer({"apiKeyId": wanted.lower(), "revoked": True}, [line("Revoked", wanted)])

    run(work, as_json=json)
