"""What a booking product would write: mypy has to see the type of every result, and refuse what is wrong.

The functions are run against a live server too (`test_live.py`). An error that mypy does not see makes its
`type: ignore` unused, which is an error in turn.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import assert_type

from kalends.client import (
    ApiKey,
    AsyncKalends,
    Calendar,
    Connection,
    ConnectionList,
    ConnectionStatus,
    Event,
    EventPage,
    ExportSwitch,
    ImportCalendars,
    ImportConfig,
    ImportPrimary,
    Kalends,
    Provider,
    Schedule,
    SchedulePage,
    SyncConfig,
)


def read(client: Kalends, connection_id: str, schedule_id: str, start: datetime, end: datetime) -> list[str | None]:
    """Read everything there is to read, and write the sync config back as it was read."""
    calendars = client.external_calendars
    assert_type(calendars.list_providers(), tuple[Provider, ...])
    assert_type(calendars.list_connections(schedule_ids=[schedule_id], partial_failure=True), ConnectionList)
    connection = assert_type(calendars.get_connection(connection_id), Connection)
    assert_type(connection.status, ConnectionStatus | str)
    assert_type(connection.sync_config.imports, ImportConfig | None)
    chosen = ImportCalendars(assert_type(calendars.list_calendars(connection_id), tuple[Calendar, ...]))
    assert_type(calendars.update_sync_config(connection_id, SyncConfig(imports=chosen)), Connection)
    page = assert_type(calendars.list_events(from_=start, to=end, limit=1), EventPage)
    assert_type(page.next_cursor, str | None)
    events = calendars.iter_events(from_=start, to=end, schedule_ids=[schedule_id], fieldsets=["OWN_PI"], page_size=1)
    assert_type(events, Iterator[Event])
    return [assert_type(one.title, str | None) for one in events]


async def read_async(
    client: AsyncKalends, connection_id: str, schedule_id: str, start: datetime, end: datetime
) -> list[str | None]:
    """Do the same with the other client."""
    calendars = client.external_calendars
    assert_type(await calendars.list_providers(), tuple[Provider, ...])
    assert_type(await calendars.list_connections(schedule_ids=[schedule_id], partial_failure=True), ConnectionList)
    assert_type(await calendars.get_connection(connection_id), Connection)
    chosen = ImportCalendars(assert_type(await calendars.list_calendars(connection_id), tuple[Calendar, ...]))
    assert_type(await calendars.update_sync_config(connection_id, SyncConfig(imports=chosen)), Connection)
    assert_type(await calendars.list_events(from_=start, to=end, limit=1), EventPage)
    events = calendars.iter_events(from_=start, to=end, schedule_ids=[schedule_id], fieldsets=["OWN_PI"], page_size=1)
    assert_type(events, AsyncIterator[Event])
    return [assert_type(one.title, str | None) async for one in events]


def connect(client: Kalends, provider_id: str, schedule_id: str) -> None:
    """Begin to connect, and end it."""
    url = client.external_calendars.connect_by_oauth(
        provider_id=provider_id, schedule_id=schedule_id, redirect_url="https://example.com/"
    )
    assert_type(url, str)
    connection = client.external_calendars.connect_by_credentials(
        provider_id=provider_id, schedule_id=schedule_id, email="a@example.org", password="secret"
    )
    assert_type(connection, Connection)
    assert_type(client.external_calendars.disconnect(connection.id), Connection)


def schedules(client: Kalends, owner_id: str) -> list[str]:
    """Make a schedule, change it, find it, and end it."""
    made = assert_type(client.schedules.create(name="Chair", owner_id=owner_id, external_id="chair-1"), Schedule)
    changed = assert_type(
        client.schedules.update(made.id, revision=made.revision, name="Other chair", owner_id=None), Schedule
    )
    assert_type(client.schedules.get(made.id), Schedule)
    assert_type(client.schedules.query(filter={"externalId": {"$eq": "chair-1"}}, limit=1), SchedulePage)
    found = client.schedules.iter(filter={"id": {"$eq": made.id}})
    assert_type(found, Iterator[Schedule])
    names = [str(one.name) for one in found]
    assert_type(client.schedules.cancel(changed.id), Schedule)
    return names


def wrong(client: Kalends, awaited: AsyncKalends) -> None:
    """Never called: mypy is to refuse every line of it."""
    Kalends()  # type: ignore[call-arg]
    Kalends(auth="token")  # type: ignore[arg-type]
    ApiKey("key")  # type: ignore[call-arg]
    client.external_calendars.get_connection()  # type: ignore[call-arg]
    client.external_calendars.list_events(start=None)  # type: ignore[call-arg]
    client.external_calendars.list_events(from_=12)  # type: ignore[arg-type]
    client.external_calendars.iter_events()  # type: ignore[call-arg]
    client.external_calendars.list_connections("schedule")  # type: ignore[call-arg]
    _: Connection = awaited.external_calendars.get_connection("id")  # type: ignore[assignment]
    for _event in awaited.external_calendars.iter_events(from_="", to=""):  # type: ignore[attr-defined]
        pass
    SyncConfig(imports=ExportSwitch(enabled=False))  # type: ignore[arg-type]
    SyncConfig(imports=[ImportPrimary(), ImportCalendars([])])  # type: ignore[arg-type]
    client.external_calendars.get_connection("id").status = "SYNCED"  # type: ignore[misc]
    client.schedules.update("id", name="Without a revision")  # type: ignore[call-arg]
