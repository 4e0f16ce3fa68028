"""A whole Kalends in the test's own process, with a site, its people, and a real calendar server beside it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kalends.app import Kalends, assemble
from kalends.connections.events import EventPage
from kalends.connections.listing import ConnectionSource
from kalends.connections.queries import EventQuery
from kalends.model.clock import Clock
from kalends.model.connection import Connection
from kalends.model.identity import Identity, IdentityKind, Permission, Role
from kalends.model.ids import new_id
from kalends.model.provider import Provider
from kalends.model.schedule import Schedule, Site, User
from kalends.model.time import Window
from kalends.providers.base import ProviderKind
from kalends.settings import Settings, load
from kalends.store.runs import Run
from tests.leaks import LISTENER
from tests.servers import CalDavServer, Login

SECRET_KEY = "a2V5IG9ubHkgZm9yIHRlc3RzIG9mIGthbGVuZHMgLSA="

WEEK = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
"""The span that tests look at; `NOW` lies in it."""

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class ManualClock:
    """A clock that the test sets."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the time that was set."""
        return self._now

    def advance(self, span: timedelta) -> None:
        """Let time pass."""
        self._now += span


def settings_for(database_url: str, folder: Path, **others: Any) -> Settings:
    """Return settings that reach servers on loopback and nothing else of this machine."""
    given = {
        "database_url": database_url,
        "data_dir": folder,
        "secret_key": SECRET_KEY,
        "net_allow": "127.0.0.0/8",
        "first_read_wait": timedelta(0),
        "log_level": "error",
    }
    return load({}, **{**given, **others})


@dataclass
class World:
    """One site on an assembled Kalends, and one user who owns a schedule there."""

    kalends: Kalends
    clock: ManualClock
    site: Site
    user: User
    schedule: Schedule
    providers: dict[str, Provider] = field(default_factory=dict)

    @property
    def admin(self) -> Identity:
        """An app that may do everything on the site."""
        return Identity(IdentityKind.APP, self.site.id, new_id(), frozenset(Permission))

    @property
    def owner(self) -> Identity:
        """The user who owns the schedule."""
        return Identity(IdentityKind.USER, self.site.id, self.user.id, Role.STAFF.permissions)

    async def install(self, url: str) -> Provider:
        """Install a CalDAV server as a provider, once."""
        if url not in self.providers:
            self.providers[url] = await self.kalends.installation.install(
                self.site.id, "caldav", name="Test server", config={"url": url}
            )
        return self.providers[url]

    async def connect(self, server: CalDavServer, login: Login, *, sync: bool = True) -> Connection:
        """Connect a login of a server to the schedule, and import once unless told otherwise."""
        provider = await self.install(server.url)
        view = await self.kalends.connecting.by_credentials(
            self.admin,
            provider_id=provider.id,
            schedule_id=self.schedule.id,
            email=login.email,
            password=login.password,
        )
        if sync:
            await self.sync(view.connection)
        return await self.connection(view.connection.id)

    async def connection(self, connection_id: str) -> Connection:
        """Return a connection as it is now."""
        return (await self.kalends.connections.get(self.admin, connection_id)).connection

    async def sync(self, connection: Connection) -> Run:
        """Sync a connection here and now, under its lease."""
        run = await self.sync_under_lease(connection)
        assert run is not None
        return run

    async def sync_under_lease(self, connection: Connection) -> Run | None:
        """Sync a connection if nobody else does."""
        lease = await self.kalends.leased.claim(connection.site_id, connection.id)
        assert lease is not None, "somebody else holds the lease"
        return await self.kalends.leased.run(lease)

    async def page(self, identity: Identity | None = None, **query: Any) -> EventPage:
        """List events; everything of the test's span with titles unless told otherwise."""
        asked = EventQuery(**{"span": WEEK, "personal": True, "limit": 1000, **query})
        return await self.kalends.events.first(identity or self.admin, asked)

    async def events(self, **query: Any) -> Sequence[tuple[str | None, datetime, datetime]]:
        """Return title, start and end of the listed events."""
        return [(one.title, one.start, one.end) for one in (await self.page(**query)).events]

    async def titles(self, **query: Any) -> Sequence[str | None]:
        """Return the titles of the listed events in order."""
        return [title for title, _, _ in await self.events(**query)]


@asynccontextmanager
async def world_on(
    settings: Settings,
    *,
    kinds: Mapping[str, ProviderKind] | None = None,
    sources: Mapping[str, ConnectionSource] | None = None,
    clock: ManualClock | None = None,
) -> AsyncIterator[World]:
    """Assemble a Kalends on a migrated database and give it one site with one user and one schedule."""
    clock = clock or ManualClock()
    handed: Clock = clock
    async with assemble(settings, kinds=kinds, sources=sources, clock=handed) as kalends:
        yield await populate(kalends, clock)


async def populate(kalends: Kalends, clock: ManualClock) -> World:
    """Make a site with one user and one schedule."""
    site = await kalends.sites.create("Salon", time_zone="Europe/Berlin")
    user = await kalends.users.create(site.id, email=f"{new_id()}@example.org", name="Ada", role=Role.STAFF)
    schedule = await kalends.schedules.create(site, name="Ada's chair", owner_id=user.id)
    return World(kalends, clock, site, user, schedule)


def ics(uid: str, title: str, start: str, *, lines: str = "", end: str | None = None) -> str:
    """Return a resource with one event; `start` and `end` as `20261201T100000Z`, or `20261201` for all-day."""
    LISTENER.add_title(title)
    parameter = ";VALUE=DATE" if len(start) == len("20261201") else ""
    ending = f"DTEND{parameter}:{end}\n" if end else ""
    return (
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//another client//EN\nBEGIN:VEVENT\n"
        f"UID:{uid}\nDTSTAMP:20261101T000000Z\nSUMMARY:{title}\nDTSTART{parameter}:{start}\n{ending}{lines}"
        "END:VEVENT\nEND:VCALENDAR\n"
    )
