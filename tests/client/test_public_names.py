import inspect
import subprocess
import sys

import kalends.client


def test_the_public_names_are_these() -> None:
    assert kalends.client.__all__ == [
        "AccessToken", "ApiError", "ApiKey", "AsyncExternalCalendars", "AsyncKalends", "AsyncSchedules", "Auth",
        "BadCredentials", "Calendar", "CalendarType", "ClientCredentials", "Conflict", "ConnectMethod", "Connection",
        "ConnectionFailed", "ConnectionList", "ConnectionStatus", "ErrorReason", "Event", "EventPage", "ExportConfig",
        "ExportDedicated", "ExportFeature", "ExportPrimary", "ExportSwitch", "ExternalCalendars", "Features",
        "FieldViolation", "Fieldset", "ImportCalendars", "ImportConfig", "ImportFeature", "ImportPrimary",
        "ImportSwitch", "InvalidRequest", "Kalends", "KalendsClientError", "NotAuthenticated", "NotFound",
        "PermissionDenied", "PreconditionFailed", "ProtocolError", "Provider", "ProviderUnavailable", "RateLimited",
        "Retries", "Schedule", "ScheduleOwner", "SchedulePage", "ScheduleStatus", "Schedules", "ServerError",
        "SyncConfig", "TimedOut", "TokenRefused", "TransportError",
    ]  # fmt: skip
    assert all(hasattr(kalends.client, name) for name in kalends.client.__all__)


def test_every_other_name_is_private() -> None:
    others = {name for name in vars(kalends.client) if not name.startswith("_")} - set(kalends.client.__all__)
    assert others == set()


def test_it_loads_nothing_else_of_kalends_and_no_other_package_than_httpx2() -> None:
    program = "import kalends.client, sys; print(*{one.partition('.')[0] for one in sys.modules}, *sys.modules)"
    shown = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=True, text=True)
    loaded = set(shown.stdout.split())
    ours = {one for one in loaded if one.startswith("kalends")}
    assert {one for one in ours if not one.startswith("kalends.client")} == {"kalends"}
    assert loaded.isdisjoint({"pydantic", "starlette", "sqlalchemy", "structlog", "cryptography"})


def test_methods_show_their_parameters_and_what_they_are_for() -> None:
    clients = [kalends.client.Kalends, kalends.client.AsyncKalends]
    for client in [one(auth=kalends.client.AccessToken("a")) for one in clients]:
        for method in (client.external_calendars.list_events, client.external_calendars.iter_events):
            assert list(inspect.signature(method).parameters)[:3] == ["from_", "to", "schedule_ids"]
            assert "page" in (method.__doc__ or "")
    assert inspect.iscoroutinefunction(client.external_calendars.list_events)
    assert "Return one connection" in (kalends.client.ExternalCalendars.get_connection.__doc__ or "")
