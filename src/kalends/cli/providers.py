"""`kalends provider`: the kinds of external calendar that a site can connect to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalends.cli.options import Json, SiteId, the_one
from kalends.cli.output import Answer, facts, line, table
from kalends.cli.secrets import read_secret_file
from kalends.cli.session import Session, run

if TYPE_CHECKING:
    from kalends.model.provider import Provider

app = typer.Typer(
    name="provider", help="Install, list and remove the calendar providers of a site.", no_args_is_help=True
)


@app.command()
def install(
    *,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="Kind of provider: caldav, ics, that of a plugin, or google or microsoft for delegated access.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name, 1 to 200 characters. Default: that of the kind."),
    ] = None,
    site: SiteId = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Where it is: an https address, or a domain that publishes one."),
    ] = None,
    username: Annotated[
        str | None,
        typer.Option(
            "--username",
            metavar="email|local-part",
            help="User name at sign-in: the e-mail address, or what is before its at sign.",
        ),
    ] = None,
    requests_per_minute: Annotated[
        int | None,
        typer.Option(
            "--requests-per-minute",
            metavar="N",
            help="How often each account may be asked, by all processes together; else there is no limit.",
        ),
    ] = None,
    delegated: Annotated[
        bool,
        typer.Option(
            "--delegated", help="For mailboxes that an administrator of their organisation has opened to a key."
        ),
    ] = False,
    domain: Annotated[
        list[str] | None,
        typer.Option("--domain", metavar="DOMAIN", help="For delegated access: a domain of theirs; may be repeated."),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            metavar="FILE",
            help="For delegated access: the service account's key file, or the app's credentials.",
        ),
    ] = None,
    key_stdin: Annotated[
        bool, typer.Option("--key-stdin", help="Read them from standard input, not from a file.")
    ] = False,
    json: Json = False,
) -> None:
    """Install a provider on a site, beside the built-in ones."""
    requests = None if requests_per_minute is None else str(requests_per_minute)
    given = {"url": url, "username": username, "requestsPerMinute": requests}
    config = {key: value for key, value in given.items() if value is not None}
    if not delegated and (domain or key_file or key_stdin):
        raise typer.BadParameter("--domain, --key-file and --key-stdin go with --delegated.")
    options = ("--key-file", "--key-stdin")
    key = read_secret_file("Key file", file=key_file, from_stdin=key_stdin, options=options) if delegated else ""

    async def work(session: Session) -> Answer:
        site_id, installation = (await session.site(site)).id, session.kalends.installation
        if delegated:
            provider = await installation.install_delegated(
                site_id, kind, secret=key, domains=domain or [], config=config, name=name
            )
        else:
            provider = await installation.install(site_id, kind, name=name, config=config)
        return Answer(_document(provider), [facts(provider=provider.id, name=provider.name, **provider.config)])

    run(work, as_json=json)


@app.command("list")
def list_(*, site: SiteId = None, json: Json = False) -> None:
    """List the providers of a site: the built-in ones, then those installed there."""

    async def work(session: Session) -> Answer:
        providers = await session.kalends.directory.list((await session.site(site)).id)
        rows = [
            (one.id, one.name, one.kind, ", ".join(one.features.connect_methods), one.config.get("url"))
            for one in providers
        ]
        return Answer(
            {"providers": [_document(one) for one in providers]},
            [table(("provider", "name", "kind", "connects by", "url"), rows)],
        )

    run(work, as_json=json)


@app.command()
def remove(
    *,
    provider_id: Annotated[
        str | None, typer.Argument(metavar="[PROVIDER]", help="The provider.", show_default=False)
    ] = None,
    site: SiteId = None,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="ID", help="The provider, in place of PROVIDER.")
    ] = None,
    json: Json = False,
) -> None:
    """Remove an installed provider that has no live connections."""
    wanted = the_one(provider_id, provider, "provider")

    async def work(session: Session) -> Answer:
        await session.kalends.installation.remove((await session.site(site)).id, wanted)
        return Answer({"providerId": wanted.lower(), "removed": True}, [line("Removed", wanted)])

    run(work, as_json=json)


def _document(provider: "Provider") -> dict[str, Any]:
    return {
        "providerId": provider.id,
        "name": provider.name,
        "kind": provider.kind,
        "calendarType": provider.calendar_type.value,
        "connectMethods": [one.value for one in provider.features.connect_methods],
        "builtIn": provider.built_in,
        "config": dict(provider.config),
    }
