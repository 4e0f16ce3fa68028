"""Get and list connections, connect, list an account's calendars, disconnect (contract §5.2–5.8)."""

from pydantic import Field

from kalends.api.connection_messages import ConnectionAnswer, ConnectionMessage
from kalends.api.fields import Email, Flag, Guid, GuidText, Password, UrlText, WebUrl
from kalends.api.messages import Answer, Asked, Nothing
from kalends.api.operations import Call, Declared, Operation
from kalends.api.services import Services
from kalends.model.errors import NotFound, PermissionDenied, PreconditionFailed, ProviderUnavailable, Unauthenticated
from kalends.model.identity import Permission

MOST_IDS = 100
READ = frozenset({Permission.READ_OWN_CONNECTIONS, Permission.READ_ALL_CONNECTIONS})
MANAGE = frozenset({Permission.MANAGE_OWN_CONNECTIONS, Permission.MANAGE_ALL_CONNECTIONS})

NO_CONNECTION = Declared(NotFound, "CONNECTION_NOT_FOUND", "The site has no connection with this id.")
NO_PROVIDER = Declared(NotFound, "PROVIDER_NOT_FOUND", "The site has no provider with this id.")
NO_SCHEDULE = Declared(NotFound, "SCHEDULE_NOT_FOUND", "The site has no schedule with this id.")
SCHEDULE_CANCELLED = Declared(PreconditionFailed, "SCHEDULE_CANCELLED", "The schedule was cancelled, which is final.")
NOT_PREMIUM = Declared(
    PermissionDenied, "PREMIUM_FEATURE_NOT_ENABLED", "The site has not switched external calendars on for the app."
)
NOT_CONNECTED = Declared(
    PreconditionFailed,
    "CONNECTION_NOT_CONNECTED",
    "The connection was disconnected, or the provider does not take its credentials any more.",
)
NO_PLUGIN = Declared(
    ProviderUnavailable, "PROVIDER_UNAVAILABLE", "The plugin of the connection's provider is not installed here."
)


class ListConnections(Asked):
    """The query of *list connections*."""

    schedule_ids: list[Guid] | None = Field(
        None, max_length=MOST_IDS, description="Only the connections of these schedules; one that is unknown has none."
    )
    partial_failure: Flag = Field(
        False,  # noqa: FBT003 - pydantic's default comes first
        description="Whether to answer with what can be read, and name what cannot, in place of failing.",
    )


class ConnectByOAuth(Asked):
    """The body of *connect by OAuth*."""

    provider_id: Guid = Field(description="The provider of the account.")
    schedule_id: Guid = Field(description="The schedule to connect it to.")
    redirect_url: WebUrl = Field(description="Where the owner's browser is sent in the end.")


class ConnectByCredentials(Asked):
    """The body of *connect by credentials*."""

    provider_id: Guid = Field(description="The provider of the account.")
    schedule_id: Guid = Field(description="The schedule to connect it to.")
    email: Email = Field(description="The e-mail address, or the user's name in that form, of the account.")
    password: Password = Field(description="The account's password; with Apple, an app-specific one.")


class ConnectionsAnswer(Answer):
    """Connections; what failed is named exactly where `partialFailure` was asked for."""

    connections: list[ConnectionMessage] = Field(description="The connections, possibly none.")
    failed_provider_ids: list[GuidText] | None = Field(None, description="Providers that could not be read.")
    failed_connection_ids: list[str] | None = Field(None, description="Connections that could not be read.")
    failed_schedule_ids: list[GuidText] | None = Field(None, description="The schedules of those connections.")


class OAuthAnswer(Answer):
    """Where the account's owner consents."""

    oauth_url: UrlText = Field(description="The URL to send the owner's browser to.")


class CalendarMessage(Answer):
    """A calendar of an account."""

    id: str = Field(description="The provider's id of the calendar, for the sync config.")
    name: str | None = Field(None, description="Its name, for people.")


class CalendarsAnswer(Answer):
    """The calendars of an account."""

    calendars: list[CalendarMessage] = Field(description="The calendars, in the provider's order.")


async def get_connection(services: Services, call: Call[Nothing]) -> ConnectionAnswer:
    """Answer with one connection."""
    return ConnectionAnswer.of(await services.connections.get(call.identity, call.connection_id))


async def list_connections(services: Services, call: Call[ListConnections]) -> ConnectionsAnswer:
    """Answer with the connections that the caller may see."""
    partial = call.asked.partial_failure
    found = await services.connections.list(
        call.identity, schedule_ids=call.asked.schedule_ids, partial_failure=partial
    )
    return ConnectionsAnswer(
        connections=[ConnectionMessage.of(view) for view in found.connections],
        failed_provider_ids=list(found.failures.provider_ids) if partial else None,
        failed_connection_ids=list(found.failures.connection_ids) if partial else None,
        failed_schedule_ids=list(found.failures.schedule_ids) if partial else None,
    )


async def connect_by_oauth(services: Services, call: Call[ConnectByOAuth]) -> OAuthAnswer:
    """Answer with the URL at which connecting goes on."""
    asked = call.asked
    url = await services.authorizing.begin(
        call.identity,
        provider_id=asked.provider_id,
        schedule_id=asked.schedule_id,
        redirect_url=asked.redirect_url,
    )
    return OAuthAnswer(oauth_url=url)


async def connect_by_credentials(services: Services, call: Call[ConnectByCredentials]) -> ConnectionAnswer:
    """Connect an account and answer with the connection."""
    asked = call.asked
    view = await services.connecting.by_credentials(
        call.identity,
        provider_id=asked.provider_id,
        schedule_id=asked.schedule_id,
        email=asked.email,
        password=asked.password,
    )
    return ConnectionAnswer.of(view)


async def list_calendars(services: Services, call: Call[Nothing]) -> CalendarsAnswer:
    """Answer with the calendars of a connected account."""
    found = await services.calendars.list(call.identity, call.connection_id)
    return CalendarsAnswer(calendars=[CalendarMessage(id=one.id, name=one.name or None) for one in found])


async def disconnect(services: Services, call: Call[Nothing]) -> ConnectionAnswer:
    """Disconnect, and answer with what is left of the connection."""
    return ConnectionAnswer.of(await services.disconnecting.disconnect(call.identity, call.connection_id))


OPERATIONS = (
    Operation(
        name="listConnections",
        summary="List the connections that the caller may see, of all schedules or of some.",
        method="GET",
        path="/connections",
        permissions=READ,
        asks=ListConnections,
        answers=ConnectionsAnswer,
        perform=list_connections,
        errors=(
            Declared(
                ProviderUnavailable,
                "PROVIDER_UNAVAILABLE",
                "A provider cannot be read, and partialFailure is not asked for; or nothing can be read.",
            ),
        ),
    ),
    Operation(
        name="getConnection",
        summary="Get one connection.",
        method="GET",
        path="/connections/{connection_id}",
        permissions=READ,
        asks=Nothing,
        answers=ConnectionAnswer,
        perform=get_connection,
        errors=(
            NO_CONNECTION,
            NO_PLUGIN,
        ),
    ),
    Operation(
        name="connectByOAuth",
        summary="Begin connecting an account by OAuth: get the URL at which its owner consents.",
        method="POST",
        path="/connections:connectByOAuth",
        permissions=MANAGE,
        asks=ConnectByOAuth,
        answers=OAuthAnswer,
        perform=connect_by_oauth,
        errors=(
            NO_PROVIDER,
            NO_SCHEDULE,
            SCHEDULE_CANCELLED,
            Declared(
                PreconditionFailed, "NOT_SUPPORTED_BY_PROVIDER", "Accounts of the provider are not connected by OAuth."
            ),
        ),
    ),
    Operation(
        name="connectByCredentials",
        summary="Connect an account by e-mail address and password; its calendars are imported at once.",
        method="POST",
        path="/connections:connectByCredentials",
        permissions=MANAGE,
        asks=ConnectByCredentials,
        answers=ConnectionAnswer,
        perform=connect_by_credentials,
        errors=(
            Declared(
                Unauthenticated, "BAD_CREDENTIALS", "The provider does not take the e-mail address and the password."
            ),
            NOT_PREMIUM,
            NO_PROVIDER,
            NO_SCHEDULE,
            SCHEDULE_CANCELLED,
            Declared(
                PreconditionFailed,
                "NOT_SUPPORTED_BY_PROVIDER",
                "The provider, or this account, cannot be connected by credentials.",
            ),
            Declared(
                ProviderUnavailable,
                "PROVIDER_UNAVAILABLE",
                "The provider cannot be reached, or does not answer as it should.",
            ),
        ),
    ),
    Operation(
        name="listCalendars",
        summary="List the calendars of a connected account.",
        method="GET",
        path="/connections/{connection_id}/calendars",
        permissions=frozenset({Permission.READ_OWN_CONNECTIONS}),
        asks=Nothing,
        answers=CalendarsAnswer,
        perform=list_calendars,
        errors=(
            NOT_PREMIUM,
            NO_CONNECTION,
            NOT_CONNECTED,
            Declared(PreconditionFailed, "NOT_SUPPORTED_BY_PROVIDER", "The account does not tell its calendars."),
            Declared(
                ProviderUnavailable,
                "PROVIDER_UNAVAILABLE",
                "The provider cannot be reached, or does not answer as it should.",
            ),
        ),
    ),
    Operation(
        name="disconnect",
        summary="Disconnect an account: what was imported is deleted, and its credentials are erased.",
        method="POST",
        path="/connections/{connection_id}/disconnect",
        permissions=MANAGE,
        asks=Nothing,
        answers=ConnectionAnswer,
        perform=disconnect,
        errors=(
            NO_CONNECTION,
            Declared(PreconditionFailed, "CONNECTION_ALREADY_DISCONNECTED", "It was disconnected before."),
            NO_PLUGIN,
        ),
    ),
)
