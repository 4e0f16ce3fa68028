"""Update the sync config of a connection: which calendars are imported."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.connections.authorizing import Authorizing
from kalends.connections.calendars import AccountCalendars, not_connected
from kalends.connections.finding import find_connection
from kalends.connections.views import ConnectionView, Failures
from kalends.jobs.wanting import Wanting
from kalends.model.clock import Clock
from kalends.model.connection import Connection, ConnectionKey, ImportChoice, Status
from kalends.model.errors import Invalid, Rule, Violation, not_supported_by_provider
from kalends.model.identity import Identity, Permission
from kalends.model.provider import ExportFeature, Provider
from kalends.providers.base import ProviderKind, TellsOfChanges, became_at
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.channels import Channels
from kalends.store.connections import Connections
from kalends.store.database import Database
from kalends.sync.selection import imported

CALENDARS_FIELD = "syncConfig.listEventFromCalendars.calendars.calendars"


class ExportTarget(StrEnum):
    """Where events are exported to: the arms of `syncToCalendar`."""

    PRIMARY = "primary"
    DEDICATED = "dedicated"


@dataclass(frozen=True, slots=True)
class ImportChange:
    """A change of `listEventFromCalendars`; None leaves as it was. `calendar_ids` goes with the choice `CALENDARS`."""

    enabled: bool | None = None
    choice: ImportChoice | None = None
    calendar_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportChange:
    """A change of `syncToCalendar`; None leaves as it was."""

    enabled: bool | None = None
    target: ExportTarget | None = None


@dataclass(frozen=True, slots=True)
class SyncConfigChange:
    """A change of either side; a side that is None stays as it was."""

    imports: ImportChange | None = None
    exports: ExportChange | None = None


class SyncConfigs:
    """Changes sync configs."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        calendars: AccountCalendars,
        accounts: Accounts,
        authorizing: Authorizing,
        wanting: Wanting,
        clock: Clock,
    ) -> None:
        self._database = database
        self._directory = directory
        self._calendars = calendars
        self._accounts = accounts
        self._authorizing = authorizing
        self._wanting = wanting
        self._clock = clock

    async def update(self, identity: Identity, connection_id: str, change: SyncConfigChange) -> ConnectionView:
        """Change the config and ask for a sync where that makes a difference.

        What is no longer imported is deleted here at once. Raises `NotFound`, `PermissionDenied`, `Invalid` for a
        calendar that the account does not have, `PreconditionFailed` (`NOT_SUPPORTED_BY_PROVIDER`,
        `CONNECTION_NOT_CONNECTED`).
        """
        async with self._database.read() as reader:
            connection = await find_connection(reader, identity, connection_id, Permission.MANAGE_ALL_CONNECTIONS)
            provider = (await self._directory.known(reader, identity.site_id)).get(connection.provider_id)
        if provider is None:
            raise Failures.of([connection]).error()
        if connection.status is Status.DISCONNECTED:
            raise not_connected()
        await self._check_consent(identity, connection, provider, change)
        _check_supported(provider, change)
        if change.imports is not None:
            await self._change_imports(connection, change.imports, self._directory.kind(provider))
        async with self._database.read() as reader:
            changed = await find_connection(reader, identity, connection_id, Permission.MANAGE_ALL_CONNECTIONS)
        return ConnectionView(changed, provider)

    async def _check_consent(
        self, identity: Identity, connection: Connection, provider: Provider, change: SyncConfigChange
    ) -> None:
        """Raise the error that says how to consent, where exporting is wanted and was not consented to."""
        if connection.scopes is None or not _wants_export(change):
            return
        if self._accounts.oauth(provider).consented(connection.scopes).exporting:
            return
        url = await self._authorizing.reconnect(identity, connection)
        raise not_supported_by_provider(
            f"The owner of the account has not consented to what exporting events to {provider.name} needs.",
            data={"reason": "CONSENT_REQUIRED"} | ({"reconnectUrl": url} if url else {}),
        )

    async def _change_imports(self, connection: Connection, change: ImportChange, kind: ProviderKind) -> None:
        if change.choice is not None:
            await self._check_calendars(connection, change, kind)
        async with self._database.write() as writer:
            connections = Connections(writer, connection.site_id)
            calendars = Calendars(writer, connection.site_id)
            await connections.lock(connection.id)
            before = await connections.get(connection.id)
            if before is None or before.status is Status.DISCONNECTED:
                raise not_connected()
            were_imported = imported(before, await calendars.of_connection(connection.id))
            config = before.import_config
            await connections.set_import(
                connection.id,
                enabled=config.enabled if change.enabled is None else change.enabled,
                choice=change.choice or config.choice,
            )
            if change.choice is ImportChoice.CALENDARS:
                await calendars.select(connection.id, change.calendar_ids)
            after = await connections.get(connection.id)
            are_imported = imported(after, await calendars.of_connection(connection.id)) if after else []
            now_ids = {one.id for one in are_imported}
            dropped = [one.id for one in were_imported if one.id not in now_ids]
            if {one.id for one in were_imported} == now_ids:
                return
            await connections.void_lease(connection.id)
            await calendars.forget_contents(dropped)
            if isinstance(kind, TellsOfChanges):
                await Channels(writer).settle(ConnectionKey(connection.site_id, connection.id), self._clock.now())
            if before.status is not Status.ERROR:
                await connections.set_status(connection.id, Status.SYNC_IN_PROGRESS)
            await self._wanting.sync(writer, ConnectionKey(connection.site_id, connection.id))

    async def _check_calendars(self, connection: Connection, change: ImportChange, kind: ProviderKind) -> None:
        async with self._database.read() as reader:
            stored = await Calendars(reader, connection.site_id).of_connection(connection.id)
        if _lacks(change, stored):
            # made at the provider since the last look
            listed = await self._calendars.of(connection)
            async with self._database.write() as writer:
                # one at a time, as a sync does it: two that saw the same new calendar would both insert it
                await Connections(writer, connection.site_id).lock(connection.id)
                calendars = Calendars(writer, connection.site_id)
                await calendars.see(connection.id, listed, became=became_at(kind))
                stored = await calendars.of_connection(connection.id)
        if change.choice is ImportChoice.PRIMARY:
            if _lacks(change, stored):
                raise not_supported_by_provider("The account has no primary calendar; name calendars instead.")
            return
        missing = _missing(change, stored)
        if missing:
            raise Invalid(
                [
                    Violation(
                        f"{CALENDARS_FIELD}[{index}].id",
                        "The account has no such calendar.",
                        Rule.OTHER,
                        name="CALENDAR_NOT_FOUND",
                    )
                    for index in missing
                ]
            )


def _lacks(change: ImportChange, stored: Sequence[StoredCalendar]) -> bool:
    if change.choice is ImportChoice.PRIMARY:
        return not any(one.calendar.primary and one.gone_at is None for one in stored)
    return bool(_missing(change, stored))


def _missing(change: ImportChange, stored: Sequence[StoredCalendar]) -> list[int]:
    there = {one.calendar.id for one in stored if one.gone_at is None}
    return [index for index, wanted in enumerate(change.calendar_ids) if wanted not in there]


def _wants_export(change: SyncConfigChange) -> bool:
    return change.exports is not None and bool(change.exports.enabled)


def _check_supported(provider: Provider, change: SyncConfigChange) -> None:
    if not provider.features.update_sync_config:
        raise not_supported_by_provider(f"{provider.name} has no sync config to change.")
    if _wants_export(change) and provider.features.sync_to_calendar is ExportFeature.NOT_SUPPORTED:
        raise not_supported_by_provider(f"Events cannot be exported to {provider.name}.")
