"""A site on a real Kalends behind the API, on which every error that an operation declares can be brought about."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from kalends.api.application import OPERATIONS, create_api
from kalends.api.openapi.parameters import documented_path
from kalends.api.operations import Operation
from kalends.app import assemble
from kalends.model.connection import Connection
from kalends.model.identity import MANAGE_CALENDARS, MANAGE_EXTERNAL_CALENDARS, Identity, Permission, Role
from kalends.model.ids import new_id
from kalends.model.provider import Provider
from kalends.model.schedule_event import Weekday
from kalends.providers.errors import ProviderError
from kalends.schedules.event_drafts import AskedRule, AskedTimes, EventDraft
from tests.scripted_provider import RemoteCalendar, ScriptedKind
from tests.world import ManualClock, World, ics, settings_for, world_on

BY_NAME: dict[str, Operation[Any]] = {one.name: one for one in OPERATIONS}
PATHS = {one.name: (one.method, documented_path(one)) for one in OPERATIONS}
SPAN = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-31T00:00:00Z"}
LIMIT = 20_000


@dataclass
class StagedKind(ScriptedKind):
    """A provider that refuses what it is told to refuse."""

    refuses: ProviderError | None = None

    def _refuse(self) -> None:
        if self.refuses is not None:
            raise self.refuses

    async def connect_with_credentials(self, *given: Any, **named: Any) -> Any:
        self._refuse()
        return await super().connect_with_credentials(*given, **named)

    @asynccontextmanager
    async def session(self, *given: Any, **named: Any) -> AsyncIterator[Any]:
        self._refuse()
        async with super().session(*given, **named) as session:
            yield session


@dataclass(frozen=True)
class Consents:
    """Connecting by OAuth as it will be answered; no provider here offers it yet."""

    async def begin(self, identity: Identity, *, provider_id: str, schedule_id: str, redirect_url: str) -> str:
        del identity, provider_id, schedule_id, redirect_url
        return "https://kalends.example/connect/once"

    async def confirmation(self, *given: Any, **named: Any) -> Any:
        raise NotImplementedError

    async def confirm(self, *given: Any, **named: Any) -> Any:
        raise NotImplementedError

    async def arrive(self, *given: Any, **named: Any) -> Any:
        raise NotImplementedError


class Broken:
    """Whom nobody can be identified with."""

    async def identify(self, _headers: object) -> Identity:
        raise RuntimeError("a failure")


@dataclass
class Stage:
    """The world, those who call, and applications on it: as it is, without its plugin, with consent, and broken."""

    world: World
    script: StagedKind
    provider: Provider
    delegated: Provider
    connection: Connection
    event_id: str
    apps: Mapping[str, Any]
    tokens: dict[str, str] = field(default_factory=dict)

    async def call(
        self,
        name: str,
        *,
        ids: tuple[str, ...] | None = None,
        query: Mapping[str, Any] | str | None = None,
        body: Any = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        token: str = "admin",
        headers: Mapping[str, str] | None = None,
        app: str = "whole",
    ) -> httpx2.Response:
        """Call an operation; the ids in its path are those of the stage unless told otherwise."""
        method, path = PATHS[name]
        for given in ids if ids is not None else self._ids(path):
            before, _, rest = path.partition("{")
            path = before + given + rest.partition("}")[2]
        path += f"?{query}" if isinstance(query, str) else ""
        sent = {"Authorization": self.tokens[token]} if token else {}
        transport = httpx2.ASGITransport(app=self.apps[app])
        async with httpx2.AsyncClient(transport=transport, base_url="http://kalends.test") as client:
            return await client.request(
                method,
                path,
                params=None if isinstance(query, str) else query,
                json=body,
                content=content,
                headers={**sent, **(headers or {})},
            )

    def _ids(self, path: str) -> tuple[str, ...]:
        known = {
            "connectionId": self.connection.id,
            "scheduleId": self.world.schedule.id,
            "eventId": self.event_id,
        }
        return tuple(known[part.partition("}")[0]] for part in path.split("{")[1:])

    def ids_of(self, name: str, value: str) -> tuple[str, ...]:
        """Return the same value for each id in the path of an operation."""
        return (value,) * PATHS[name][1].count("{")

    @property
    def account(self) -> dict[str, str]:
        """A body that connects a new account."""
        email = f"{new_id()}@example.org"
        return {**self.place, "email": email, "password": self.script.password}

    @property
    def place(self) -> dict[str, str]:
        """Where an account is connected."""
        return {"providerId": self.provider.id, "scheduleId": self.world.schedule.id}

    def good(self, name: str) -> dict[str, str]:
        """Return a body with which an operation connects."""
        bodies = {
            "connectByOAuth": self.place | {"redirectUrl": "https://example.com/done"},
            "connectByCredentials": self.account,
            "connectByFeed": self.place | {"url": f"https://example.org/{new_id()}.ics"},
            "connectDelegated": self.place | {"providerId": self.delegated.id, "email": self.world.user.email},
        }
        return bodies[name]

    async def connect(self, *, sync: bool = True) -> Connection:
        """Connect another account, and import it."""
        return await connect(self.world, self.account, sync=sync)


async def a_series(world: World) -> str:
    """Make an event that recurs on Tuesdays, from 1 December 2026 at 9 on; return its id."""
    times = AskedTimes(datetime(2026, 12, 1, 9), datetime(2026, 12, 1, 10))  # noqa: DTZ001 - wall times
    draft = EventDraft(world.schedule.id, times, rule=AskedRule(day=Weekday.TUESDAY), content={"title": "Zumba"})
    made = await world.kalends.event_creating.create(world.site.id, draft)
    return made.view.id


async def connect(world: World, account: Mapping[str, str], *, sync: bool = True) -> Connection:
    """Connect an account, and import it."""
    view = await world.kalends.connecting.by_credentials(
        world.admin,
        provider_id=account["providerId"],
        schedule_id=account["scheduleId"],
        email=account["email"],
        password=account["password"],
    )
    if sync:
        await world.sync(view.connection)
    return await world.connection(view.connection.id)


@asynccontextmanager
async def stage_on(url: str, folder: Path, *, limit: int = LIMIT) -> AsyncIterator[Stage]:
    """Set the stage on a fresh migrated database."""
    calendar = RemoteCalendar()
    calendar.put("1.ics", ics("uid1", "Dentist", "20261201T100000Z", lines="DURATION:PT1H\n"))
    calendar.put("2.ics", ics("uid2", "Holiday", "20261202"))
    script = StagedKind(calendars={"c": calendar}, built_in_id=None)
    settings = settings_for(url, folder, max_request_bytes=limit)
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(world_on(settings, kinds={"scripted": script}, clock=clock))
        bare = await stack.enter_async_context(assemble(settings, kinds={}, clock=clock))
        kalends = world.kalends
        provider = await kalends.installation.install(world.site.id, "scripted", name="Scripted", config={})
        delegated = await kalends.installation.install_delegated(
            world.site.id, "scripted", secret=script.password, domains=["example.org"], config={}
        )
        services = kalends.services
        stage = Stage(
            world,
            script,
            provider,
            delegated,
            await connect(
                world,
                {
                    "providerId": provider.id,
                    "scheduleId": world.schedule.id,
                    "email": "ada@example.org",
                    "password": script.password,
                },
            ),
            await a_series(world),
            {
                "whole": create_api(services),
                "without plugin": create_api(bare.services),
                "with consent": create_api(replace(services, authorizing=Consents())),
                "broken": create_api(replace(services, authentication=Broken())),
            },
        )
        admin = await kalends.users.create(world.site.id, email="boss@example.org", name="Boss", role=Role.ADMIN)
        stage.tokens["admin"] = (await kalends.tokens.for_user(world.site.id, admin.id)).token
        stage.tokens["owner"] = (await kalends.tokens.for_user(world.site.id, world.user.id)).token
        for name, scopes, premium in (
            ("app", (MANAGE_EXTERNAL_CALENDARS, MANAGE_CALENDARS), True),
            ("poor app", (MANAGE_EXTERNAL_CALENDARS,), False),
            ("reader of schedules", (Permission.READ_SCHEDULES,), True),
            ("lister of providers", (Permission.LIST_PROVIDERS,), True),
        ):
            app = await kalends.clients.create_app(world.site.id, name=name, scopes=scopes, premium=premium)
            stage.tokens[name] = (await kalends.tokens.for_app(world.site.id, app.client_id)).token
        yield stage
