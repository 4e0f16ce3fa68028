"""What the demo puts into the database. Everything is looked for first, so that a second run makes nothing twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kalends.connections.sync_config import ExportChange, SyncConfigChange
from kalends.demo.calendars import HOME, MANAGER, TRAINER
from kalends.demo.server import RunningServer
from kalends.model.connection import Connection, ExportTarget, Status
from kalends.model.identity import MANAGE_CALENDARS, MANAGE_EXTERNAL_CALENDARS, Identity, IdentityKind, Permission, Role
from kalends.model.provider import Provider
from kalends.model.schedule import Schedule, ScheduleStatus, Site, User

if TYPE_CHECKING:
    from kalends.app import Kalends

SITE_NAME = "Kalends demo"
APP_NAME = "Demo client"
PROVIDER_NAME = "Demo calendar server"
SCOPES = (MANAGE_EXTERNAL_CALENDARS, MANAGE_CALENDARS)


@dataclass(frozen=True)
class Staff:
    """Somebody with a schedule, and the account whose calendars are connected to it."""

    schedule_id: str
    name: str
    email: str
    role: Role


STAFF = (
    Staff("100ef23e-9e92-4293-8e08-d3747537138f", "Studio manager", MANAGER, Role.ADMIN),
    Staff("d7a1f6f4-3c0e-4f58-9b6e-51c0de5c0a11", "Trainer", TRAINER, Role.STAFF),
)


@dataclass(frozen=True)
class Seeded:
    """The demo's site, who calls its API, and the connections of its staff."""

    site: Site
    token: str
    operator: Identity
    connections: Sequence[Connection]


async def seed(kalends: "Kalends", server: RunningServer) -> Seeded:
    """Make what is missing of the site, and connect its staff's accounts; their imports are wanted then, not done.

    Raises `KalendsError`.
    """
    site = await _site(kalends)
    operator = Identity(IdentityKind.API_KEY, site.id, "demo", frozenset(Permission))
    provider = await _provider(kalends, operator, server.url)
    connections = []
    for staff in STAFF:
        schedule = await _schedule(kalends, site, staff)
        if schedule.status is ScheduleStatus.CANCELLED:
            # somebody has tried that, and it is final: the demo goes on without it
            continue
        view = await kalends.connecting.by_credentials(
            operator, provider_id=provider.id, schedule_id=schedule.id, email=staff.email, password=server.password
        )
        connections.append(await _exporting(kalends, operator, view.connection))
    return Seeded(site, await _token(kalends, site), operator, connections)


async def _exporting(kalends: "Kalends", operator: Identity, connection: Connection) -> Connection:
    """Have the schedule's own events shown in the account too, unless somebody has tried that before."""
    if connection.export_config.target is None:
        change = SyncConfigChange(exports=ExportChange(enabled=True, target=ExportTarget.DEDICATED))
        await kalends.services.sync_configs.update(operator, connection.id, change)
    return connection


async def offer(kalends: "Kalends", seeded: Seeded, url: str, kinds: Sequence[str]) -> Mapping[str, Provider]:
    """Let people connect accounts of sandboxes and come back to the demo's own pages; return the providers by kind.

    Accounts of an earlier run are disconnected: the sandboxes that held them are no more.
    """
    providers = {kind: await kalends.directory.named(seeded.site.id, kind) for kind in kinds}
    for provider in providers.values():
        await _disconnect_all(kalends, seeded.operator, provider)
    await kalends.sites.update(seeded.site.id, redirect_origins=[url])
    return providers


async def _site(kalends: "Kalends") -> Site:
    for site in await kalends.sites.all():
        if site.name == SITE_NAME:
            return site
    return await kalends.sites.create(SITE_NAME, time_zone=HOME)


async def _token(kalends: "Kalends", site: Site) -> str:
    for app in await kalends.clients.apps(site.id):
        # one that an earlier version made may do less
        if app.app_name == APP_NAME and app.revoked_at is None and app.scopes == SCOPES:
            return (await kalends.tokens.for_app(site.id, app.app_id)).token
    made = await kalends.clients.create_app(site.id, name=APP_NAME, scopes=SCOPES)
    return (await kalends.tokens.for_app(site.id, made.client_id)).token


async def _schedule(kalends: "Kalends", site: Site, staff: Staff) -> Schedule:
    for schedule in await kalends.schedules.all(site.id):
        if schedule.id == staff.schedule_id:
            return schedule
    owner = await _user(kalends, site, staff)
    return await kalends.schedules.create(site, name=staff.name, schedule_id=staff.schedule_id, owner_id=owner.id)


async def _user(kalends: "Kalends", site: Site, staff: Staff) -> User:
    for user in await kalends.users.all(site.id):
        if user.email == staff.email:
            return user
    return await kalends.users.create(site.id, email=staff.email, name=staff.name, role=staff.role)


async def _provider(kalends: "Kalends", operator: Identity, url: str) -> Provider:
    """Return the provider at the server's URL; one at an earlier URL goes, with its connections."""
    found = None
    for provider in await kalends.directory.list(operator.site_id):
        if provider.name == PROVIDER_NAME and not provider.built_in:
            if provider.config["url"] == url:
                found = provider
            else:
                await _retire(kalends, operator, provider)
    return found or await kalends.installation.install(
        operator.site_id, "caldav", name=PROVIDER_NAME, config={"url": url}
    )


async def _retire(kalends: "Kalends", operator: Identity, provider: Provider) -> None:
    await _disconnect_all(kalends, operator, provider)
    await kalends.installation.remove(operator.site_id, provider.id)


async def _disconnect_all(kalends: "Kalends", operator: Identity, provider: Provider) -> None:
    listed = await kalends.connections.list(operator, schedule_ids=None, partial_failure=False)
    for view in listed.connections:
        if view.provider.id == provider.id and view.connection.status is not Status.DISCONNECTED:
            await kalends.disconnecting.disconnect(operator, view.connection.id)
