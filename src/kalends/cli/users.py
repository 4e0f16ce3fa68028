"""`kalends user`: the people who may own schedules."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalends.cli.options import Json, Name, SiteId, the_one
from kalends.cli.output import Answer, facts, instant, line, table
from kalends.cli.session import Session, run
from kalends.model.identity import Role

if TYPE_CHECKING:
    from kalends.model.schedule import User

app = typer.Typer(name="user", help="Make, list and disable the users of a site.", no_args_is_help=True)


@app.command()
def create(
    *,
    email: Annotated[str, typer.Option("--email", metavar="ADDRESS", help="E-mail address, one user each.")],
    name: Name,
    site: SiteId = None,
    role: Annotated[
        Role,
        typer.Option(
            "--role",
            metavar="staff|admin",
            help="What the user may do: staff with what is theirs, admins with everything.",
        ),
    ] = Role.STAFF,
    json: Json = False,
) -> None:
    """Make a user."""

    async def work(session: Session) -> Answer:
        on = await session.site(site)
        user = await session.kalends.users.create(on.id, email=email, name=name, role=role)
        return Answer(_document(user), [facts(user=user.id, e_mail=user.email, name=user.name, role=user.role)])

    run(work, as_json=json)


@app.command("list")
def list_(*, site: SiteId = None, json: Json = False) -> None:
    """List the users of a site, by e-mail address."""

    async def work(session: Session) -> Answer:
        users = await session.kalends.users.all((await session.site(site)).id)
        rows = [(one.id, one.email, one.name, one.role, instant(one.disabled_at)) for one in users]
        return Answer(
            {"users": [_document(one) for one in users]},
            [table(("user", "e-mail", "name", "role", "disabled"), rows)],
        )

    run(work, as_json=json)


@app.command()
def disable(
    *,
    user_id: Annotated[str | None, typer.Argument(metavar="[USER]", help="The user.", show_default=False)] = None,
    site: SiteId = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="The user, in place of USER.")] = None,
    json: Json = False,
) -> None:
    """Disable a user: tokens stop working, and what is connected to their schedules is disconnected."""
    wanted = the_one(user_id, user, "user")

    async def work(session: Session) -> Answer:
        ended = await session.kalends.users.disable((await session.site(site)).id, wanted)
        return Answer(
            {"userId": wanted.lower(), "disconnected": ended},
            [line("Disabled; connections that were disconnected:", ended)],
        )

    run(work, as_json=json)


def _document(user: "User") -> dict[str, Any]:
    return {
        "userId": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role.value,
        "disabledDate": instant(user.disabled_at),
    }
