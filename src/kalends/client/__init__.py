"""A client for Kalends, and for any other server of the External Calendar V2 contract.

    with Kalends("https://calendars.example.com", auth=ApiKey(key, site_id)) as client:
        for connection in client.external_calendars.list_connections().connections:
            print(connection.external_account_email, connection.status)

`AsyncKalends` is the same to be awaited. It imports nothing else of Kalends. Inside:

clients               the two classes, put together
external_calendars    the methods, written once for both
schedules
models, sync_config   what they return and take
errors                what they raise
auth                  who is calling
asking, decoding      writing a request, reading an answer
transport, retries    the one way to the server
calling, ports        what makes it blocking, or not
"""

from kalends.client._auth import AccessToken, ApiKey, Auth, ClientCredentials
from kalends.client._clients import AsyncKalends, Kalends
from kalends.client._errors import (
    ApiError,
    BadCredentials,
    Conflict,
    ConnectionFailed,
    FieldViolation,
    InvalidRequest,
    KalendsClientError,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ProtocolError,
    ProviderUnavailable,
    RateLimited,
    ServerError,
    TimedOut,
    TokenRefused,
    TransportError,
)
from kalends.client._external_calendars import AsyncExternalCalendars, ExternalCalendars
from kalends.client._models import (
    CalendarType,
    Connection,
    ConnectionList,
    ConnectionStatus,
    ConnectMethod,
    ErrorReason,
    Event,
    EventPage,
    ExportFeature,
    Features,
    Fieldset,
    ImportFeature,
    Provider,
    Schedule,
    ScheduleOwner,
    SchedulePage,
    ScheduleStatus,
)
from kalends.client._retries import Retries
from kalends.client._schedules import AsyncSchedules, Schedules
from kalends.client._sync_config import (
    Calendar,
    ExportConfig,
    ExportDedicated,
    ExportPrimary,
    ExportSwitch,
    ImportCalendars,
    ImportConfig,
    ImportPrimary,
    ImportSwitch,
    SyncConfig,
)

__all__ = [
    "AccessToken", "ApiError", "ApiKey", "AsyncExternalCalendars", "AsyncKalends", "AsyncSchedules", "Auth",
    "BadCredentials", "Calendar", "CalendarType", "ClientCredentials", "Conflict", "ConnectMethod", "Connection",
    "ConnectionFailed", "ConnectionList", "ConnectionStatus", "ErrorReason", "Event", "EventPage", "ExportConfig",
    "ExportDedicated", "ExportFeature", "ExportPrimary", "ExportSwitch", "ExternalCalendars", "Features",
    "FieldViolation", "Fieldset", "ImportCalendars", "ImportConfig", "ImportFeature", "ImportPrimary", "ImportSwitch",
    "InvalidRequest", "Kalends", "KalendsClientError", "NotAuthenticated", "NotFound", "PermissionDenied",
    "PreconditionFailed", "ProtocolError", "Provider", "ProviderUnavailable", "RateLimited", "Retries", "Schedule",
    "ScheduleOwner", "SchedulePage", "ScheduleStatus", "Schedules", "ServerError", "SyncConfig", "TimedOut",
    "TokenRefused", "TransportError",
]  # fmt: skip
