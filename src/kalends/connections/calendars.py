"""List the calendars of a connected account, as the provider has them now."""

from collections.abc import Sequence

from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.connections.finding import find_connection, require_premium
from kalends.connections.views import Failures, provider_unavailable
from kalends.model.calendar import ExternalCalendar
from kalends.model.connection import Connection, Status
from kalends.model.errors import PreconditionFailed, not_supported_by_provider
from kalends.model.identity import Identity, Permission
from kalends.providers.errors import CredentialsRefused, NotSupported, ProviderError
from kalends.store.connections import Connections
from kalends.store.database import Database


class AccountCalendars:
    """Asks the provider for an account's calendars."""

    def __init__(self, database: Database, directory: ProviderDirectory, accounts: Accounts) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts

    async def list(self, identity: Identity, connection_id: str) -> Sequence[ExternalCalendar]:
        """Return the account's calendars in the provider's order.

        Raises `NotFound`, `PermissionDenied`, `PreconditionFailed` (`CONNECTION_NOT_CONNECTED`), `ProviderUnavailable`.
        """
        async with self._database.read() as reader:
            connection = await find_connection(reader, identity, connection_id, Permission.READ_ALL_CONNECTIONS)
        require_premium(identity)
        return await self.of(connection)

    async def of(self, connection: Connection) -> Sequence[ExternalCalendar]:
        """Return the calendars of a connection that the caller is known to reach; raises as `list` does."""
        if connection.status is Status.DISCONNECTED:
            raise not_connected()
        async with self._database.read() as reader:
            provider = (await self._directory.known(reader, connection.site_id)).get(connection.provider_id)
            sealed = await Connections(reader, connection.site_id).sealed_credentials(connection.id)
        if provider is None:
            raise Failures.of([connection]).error()
        try:
            async with self._accounts.session(connection, provider, sealed) as session:
                return await session.list_calendars()
        except CredentialsRefused as refused:
            raise not_connected(refused.public) from None
        except NotSupported as unsupported:
            raise not_supported_by_provider(unsupported.public) from None
        except ProviderError as error:
            raise provider_unavailable(error.public, provider.id) from None


def not_connected(why: str = "The connection was disconnected.") -> PreconditionFailed:
    """Return the contract's error for a connection through which nothing can be read."""
    return PreconditionFailed(why, code="CONNECTION_NOT_CONNECTED")
