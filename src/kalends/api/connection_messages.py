"""How a connection is written (contract §4, §5.2)."""

from kalends.api.messages import Answer, Empty
from kalends.connections.views import ConnectionView
from kalends.model.connection import ErrorReason, ImportChoice, ImportConfig, Status
from kalends.model.provider import CalendarType


class SelectedCalendarMessage(Answer):
    """A calendar chosen for import."""

    id: str
    name: str | None = None


class SelectedCalendarsMessage(Answer):
    """The arm `calendars`."""

    calendars: list[SelectedCalendarMessage]


class ImportMessage(Answer):
    """The side `listEventFromCalendars`, with one arm."""

    enabled: bool
    primary_calendar: Empty | None = None
    calendars: SelectedCalendarsMessage | None = None


class ExportMessage(Answer):
    """The side `syncToCalendar`, with one arm or none."""

    enabled: bool
    primary_calendar: Empty | None = None
    dedicated_calendar: Empty | None = None


class SyncConfigMessage(Answer):
    """What is imported and exported."""

    list_event_from_calendars: ImportMessage
    sync_to_calendar: ExportMessage

    @classmethod
    def of(cls, imports: ImportConfig) -> "SyncConfigMessage":
        """Return the message for a config. Nothing is exported yet, and the other side says so."""
        selected = [SelectedCalendarMessage(id=one.id, name=one.name) for one in imports.calendars]
        primary = imports.choice is ImportChoice.PRIMARY
        side = ImportMessage(
            enabled=imports.enabled,
            primary_calendar=Empty() if primary else None,
            calendars=None if primary else SelectedCalendarsMessage(calendars=selected),
        )
        return cls(list_event_from_calendars=side, sync_to_calendar=ExportMessage(enabled=False))


class ConnectionMessage(Answer):
    """A connection. `error_reason` is there exactly in the status `ERROR`."""

    id: str
    provider_id: str
    calendar_type: CalendarType
    schedule_id: str
    user_id: str | None = None
    app_id: str | None = None
    external_account_email: str | None = None
    status: Status
    error_reason: ErrorReason | None = None
    sync_config: SyncConfigMessage

    @classmethod
    def of(cls, view: ConnectionView) -> "ConnectionMessage":
        """Return the message for a connection."""
        one = view.connection
        return cls(
            id=one.id,
            provider_id=one.provider_id,
            calendar_type=view.provider.calendar_type,
            schedule_id=one.schedule_id,
            user_id=one.owner_id,
            app_id=one.app_id,
            external_account_email=one.account_email or None,
            status=one.status,
            error_reason=(one.error_reason or ErrorReason.UNDEFINED) if one.status is Status.ERROR else None,
            sync_config=SyncConfigMessage.of(one.import_config),
        )


class ConnectionAnswer(Answer):
    """One connection."""

    connection: ConnectionMessage

    @classmethod
    def of(cls, view: ConnectionView) -> "ConnectionAnswer":
        """Return the answer for a connection."""
        return cls(connection=ConnectionMessage.of(view))
