"""Get and list connections, connect, list an account's calendars, disconnect (contract §5.2–5.8)."""

from pydantic import Field

from kalends.api.connection_messages import ConnectionAnswer, ConnectionMessage
from kalends.api.fields import Email, Flag, Guid, Password, WebUrl
from kalends.api.messages import Answer, Asked, Nothing
from kalends.api.operations import Call, Operation
from kalends.api.services import Services
from kalends.model.identity import Permission

MOST_IDS = 100
READ = frozenset({Permission.READ_OWN_CONNECTIONS, Permission.READ_ALL_CONNECTIONS})
MANAGE = frozenset({Permission.MANAGE_OWN_CONNECTIONS, Permission.MANAGE_ALL_CONNECTIONS})


class ListConnections(Asked):
    """The query of *list connections*."""

    schedule_ids: list[Guid] | None = Field(None, max_length=MOST_IDS)
    partial_failure: Flag = False


class ConnectByOAuth(Asked):
    """The body of *connect by OAuth*."""

    provider_id: Guid
    schedule_id: Guid
    redirect_url: WebUrl


class ConnectByCredentials(Asked):
    """The body of *connect by credentials*."""

    provider_id: Guid
    schedule_id: Guid
    email: Email
    password: Password


class ConnectionsAnswer(Answer):
    """Connections; what failed is named exactly where `partialFailure` was asked for."""

    connections: list[ConnectionMessage]
    failed_provider_ids: list[str] | None = None
    failed_connection_ids: list[str] | None = None
    failed_schedule_ids: list[str] | None = None


class OAuthAnswer(Answer):
    """Where the account's owner consents."""

    oauth_url: str


class CalendarMessage(Answer):
    """A calendar of an account."""

    id: str
    name: str | None = None


class CalendarsAnswer(Answer):
    """The calendars of an account."""

    calendars: list[CalendarMessage]


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
    url = await services.connecting.by_oauth(
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
    ),
)
