"""`kalends token`: access tokens for trying the API."""

from typing import Annotated

import typer

from kalends.cli.options import Json, SiteId
from kalends.cli.output import Answer, CommandFailed, line
from kalends.cli.secrets import read_secret
from kalends.cli.session import Session, run

app = typer.Typer(name="token", help="Make and revoke access tokens.", no_args_is_help=True)


@app.command()
def create(
    *,
    site: SiteId = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="The user whom the token is for.")] = None,
    app_id: Annotated[
        str | None, typer.Option("--app", metavar="CLIENT_ID", help="The app that the token is for.")
    ] = None,
    json: Json = False,
) -> None:
    """Make an access token for a user or an app; it is sent raw as the Authorization header.

    Where neither is named and the site has just one app, the token is for that one.
    """
    if user is not None and app_id is not None:
        raise typer.BadParameter("A token is for one of them: --user ID or --app CLIENT_ID.")

    async def work(session: Session) -> Answer:
        on = await session.site(site)
        tokens = session.kalends.tokens
        if user is not None:
            issued = await tokens.for_user(on.id, user.lower())
        else:
            issued = await tokens.for_app(on.id, app_id.lower() if app_id else await _only_app(session, on.id))
        document = {"token": issued.token, "siteId": on.id, "expiresIn": int(issued.lifetime.total_seconds())}
        return Answer(document, [line(issued.token)])

    run(work, as_json=json)


async def _only_app(session: Session, site_id: str) -> str:
    installed = [one for one in await session.kalends.clients.apps(site_id) if one.revoked_at is None]
    if len(installed) != 1:
        raise typer.BadParameter("Say whom the token is for: --user ID or --app CLIENT_ID.")
    return installed[0].app_id


@app.command()
def revoke(
    *,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from standard input, not from a prompt.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a token worthless before its time; this is seen within seconds."""
    token = read_secret("Token", from_stdin=token_stdin, option="--token-stdin").strip()

    async def work(session: Session) -> Answer:
        from kalends.vault.signing import SignatureRefused

        try:
            await session.kalends.tokens.revoke(token)
        except SignatureRefused as refused:
            why = "has expired already" if refused.expired else "is not one that was made here"
            raise CommandFailed("TOKEN_REFUSED", f"The token {why}.") from None
        return Answer({"revoked": True}, [line("Revoked")])

    run(work, as_json=json)
