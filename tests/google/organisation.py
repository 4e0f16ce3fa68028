"""An organisation at the sandbox: a domain, people in it, and a service account that may open their mailboxes."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from kalends.connections.views import ConnectionView
from kalends.model.connection import Connection
from kalends.model.identity import Identity, Role
from kalends.model.provider import ConnectScopes, Provider
from kalends.model.schedule import Schedule
from kalends.providers.google.scopes import DELEGATED
from kalends.sandbox.google.bearer import User
from kalends.store.audit import Act, Audit
from tests.google.stage import Stage

DOMAIN = "studio.example"
CLEO = User("103", f"cleo@{DOMAIN}", "Cleo")
DAN = User("104", f"dan@{DOMAIN}", "Dan")
EVA = User("105", "eva@elsewhere.example", "Eva")


@cache
def one_key() -> RSAPrivateKey:
    """Return the same private key each time: making one is slow, and no test is about that."""
    return generate_private_key(65_537, 2_048)


@dataclass
class Organisation:
    """The organisation, the provider that was installed for it, and a schedule of Cleo's."""

    stage: Stage
    key_file: dict[str, str]
    provider: Provider
    schedule: Schedule

    async def connect(
        self,
        email: str = CLEO.email,
        *,
        identity: Identity | None = None,
        schedule: Schedule | None = None,
        any_mailbox: bool = False,
    ) -> ConnectionView:
        """Connect a mailbox."""
        return await self.stage.world.kalends.delegating.connect(
            identity or self.stage.world.admin,
            provider_id=self.provider.id,
            schedule_id=(schedule or self.schedule).id,
            email=email,
            any_mailbox=any_mailbox,
        )

    async def connected(self, *args: Any, **named: Any) -> Connection:
        """Connect a mailbox, and import once."""
        view = await self.connect(*args, **named)
        assert (await self.stage.world.sync(view.connection)).error is None
        return await self.stage.world.connection(view.connection.id)

    def delegate(self, scopes: ConnectScopes | None = ConnectScopes.FULL) -> None:
        """Have the administrator delegate, or with None take it back."""
        wanted = DELEGATED[scopes] if scopes else ()
        self.stage.grants.workspace.delegate(DOMAIN, self.key_file["client_id"], wanted)

    async def put(self, title: str, start: str, end: str, user: User = CLEO) -> None:
        """Make an event in somebody's primary calendar."""
        event = {"summary": title, "start": {"dateTime": start}, "end": {"dateTime": end}}
        await self.stage.press(f"/users/{user.email}/calendars/primary/events", event)

    async def acts(self, connection: Connection) -> list[Act]:
        """Return what was written down of a connection, the newest first."""
        async with self.stage.world.kalends.database.read() as reader:
            return list(await Audit(reader, connection.site_id).latest(connection.id, 10))


async def founded(stage: Stage) -> Organisation:
    """Make the organisation on a stage, and install it with everything delegated."""
    world = stage.world
    stage.grants.workspace.add_domain(DOMAIN)
    for user in (CLEO, DAN, EVA):
        stage.grants.add_user(user)
        stage.state.add_user(user)
    key_file = stage.grants.add_service_account("calendars", origin=stage.url)
    stage.secrets |= {key_file["private_key"], key_file["private_key"].split("\n")[3]}
    provider = await world.kalends.installation.install_delegated(
        world.site.id, "google", secret=json.dumps(key_file), domains=[DOMAIN], config={}
    )
    owner = await world.kalends.users.create(world.site.id, email=CLEO.email, name=CLEO.name, role=Role.STAFF)
    schedule = await world.kalends.schedules.create(world.site, name="Cleo's chair", owner_id=owner.id)
    organisation = Organisation(stage, key_file, provider, schedule)
    organisation.delegate()
    return organisation
