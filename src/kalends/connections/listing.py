"""Get a connection, list connections."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from kalends.accounts.directory import ProviderDirectory
from kalends.connections.finding import find_connection, owners_reached
from kalends.connections.views import ConnectionView, Failures
from kalends.model.identity import Identity, Permission
from kalends.store.connections import Connections
from kalends.store.database import Database

log = structlog.get_logger(__name__)

SOURCE_DEADLINE = timedelta(seconds=5)


class ConnectionSource(Protocol):
    """A provider that keeps its connections elsewhere and has to be asked for them."""

    async def connections(self, identity: Identity, schedule_ids: Sequence[str] | None) -> Sequence[ConnectionView]:
        """Return those that the caller may see, of the schedules or of all; any error counts as not readable."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectionList:
    """The connections that could be read, and what could not."""

    connections: Sequence[ConnectionView]
    failures: Failures = field(default_factory=Failures)


class ConnectionListing:
    """Reads connections from the store and, in parallel under a deadline, from other sources."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        sources: Mapping[str, ConnectionSource] | None = None,
        deadline: timedelta = SOURCE_DEADLINE,
    ) -> None:
        self._database = database
        self._directory = directory
        self._sources = dict(sources or {})
        self._deadline = deadline

    async def get(self, identity: Identity, connection_id: str) -> ConnectionView:
        """Return one connection; raises `NotFound`, `PermissionDenied`, `ProviderUnavailable`."""
        async with self._database.read() as reader:
            connection = await find_connection(reader, identity, connection_id, Permission.READ_ALL_CONNECTIONS)
            provider = (await self._directory.known(reader, identity.site_id)).get(connection.provider_id)
        if provider is None:
            raise Failures.of([connection]).error()
        return ConnectionView(connection, provider)

    async def list(
        self, identity: Identity, *, schedule_ids: Sequence[str] | None, partial_failure: bool
    ) -> ConnectionList:
        """Return the connections that the caller reaches, of these schedules or of all.

        Raises `ProviderUnavailable` where something cannot be read, with `partial_failure` only where nothing can.
        """
        wanted = None if schedule_ids is None else [one.lower() for one in schedule_ids]
        asking = asyncio.gather(*(self._ask(provider_id, identity, wanted) for provider_id in self._sources))
        readable, unreadable = await self._stored(identity, wanted)
        answers = await asking
        failed_sources = [failed for failed, _ in answers if failed]
        connections = [*readable, *(view for _, views in answers for view in views)]
        failures = Failures(
            tuple(sorted({*unreadable.provider_ids, *failed_sources})),
            unreadable.connection_ids,
            unreadable.schedule_ids,
        )
        if failures and not (partial_failure and connections):
            raise failures.error()
        return ConnectionList(connections, failures)

    async def _stored(
        self, identity: Identity, schedule_ids: Sequence[str] | None
    ) -> tuple[Sequence[ConnectionView], Failures]:
        async with self._database.read() as reader:
            found = await Connections(reader, identity.site_id).matching(
                schedule_ids=schedule_ids,
                owner_ids=owners_reached(identity, Permission.READ_ALL_CONNECTIONS),
            )
            providers = await self._directory.known(reader, identity.site_id)
        views = [ConnectionView(one, providers[one.provider_id]) for one in found if one.provider_id in providers]
        return views, Failures.of(one for one in found if one.provider_id not in providers)

    async def _ask(
        self, provider_id: str, identity: Identity, schedule_ids: Sequence[str] | None
    ) -> tuple[str | None, Sequence[ConnectionView]]:
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                return None, await self._sources[provider_id].connections(identity, schedule_ids)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, it is this provider that failed
            log.warning("connections_not_readable", provider=provider_id, error=type(error).__name__)
            return provider_id, []
