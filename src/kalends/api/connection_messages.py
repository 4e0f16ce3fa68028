"""How a connection is written (contract §4, §5.2)."""

from pydantic import ConfigDict, Field

from kalends.api.fields import EmailText, GuidText
from kalends.api.messages import Answer, Empty
from kalends.connections.views import ConnectionView
from kalends.model.connection import ErrorReason, ExportConfig, ExportTarget, ImportChoice, ImportConfig, Status
from kalends.model.provider import CalendarType


class SelectedCalendarMessage(Answer):
    """A calendar chosen for import."""

    id: str = Field(description="The provider's id of the calendar.")
    name: str | None = Field(None, description="Its name, for people.")


class SelectedCalendarsMessage(Answer):
    """The arm `calendars`."""

    calendars: list[SelectedCalendarMessage] = Field(description="The chosen calendars, possibly none.")


class ImportMessage(Answer):
    """The side `listEventFromCalendars`, with one arm."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["primaryCalendar"]}, {"required": ["calendars"]}]}
    )

    enabled: bool = Field(description="Whether events are imported.")
    primary_calendar: Empty | None = Field(None, description="There if the account's primary calendar is imported.")
    calendars: SelectedCalendarsMessage | None = Field(None, description="There if single calendars are imported.")


class ExportMessage(Answer):
    """The side `syncToCalendar`, with one arm or none."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["primaryCalendar", "dedicatedCalendar"]}})

    enabled: bool = Field(description="Whether events are exported.")
    primary_calendar: Empty | None = Field(None, description="There if the account's primary calendar is written to.")
    dedicated_calendar: Empty | None = Field(None, description="There if a calendar made for it is written to.")


class SyncConfigMessage(Answer):
    """What is imported and exported."""

    list_event_from_calendars: ImportMessage = Field(description="From where events are imported.")
    sync_to_calendar: ExportMessage = Field(description="To where events are exported.")

    @classmethod
    def of(cls, imports: ImportConfig, exports: ExportConfig) -> "SyncConfigMessage":
        """Return the message for a config."""
        selected = [SelectedCalendarMessage(id=one.id, name=one.name) for one in imports.calendars]
        primary = imports.choice is ImportChoice.PRIMARY
        side = ImportMessage(
            enabled=imports.enabled,
            primary_calendar=Empty() if primary else None,
            calendars=None if primary else SelectedCalendarsMessage(calendars=selected),
        )
        target = ExportMessage(
            enabled=exports.enabled,
            primary_calendar=Empty() if exports.target is ExportTarget.PRIMARY else None,
            dedicated_calendar=Empty() if exports.target is ExportTarget.DEDICATED else None,
        )
        return cls(list_event_from_calendars=side, sync_to_calendar=target)


class ConnectionMessage(Answer):
    """One account of a provider, connected to one schedule. `errorReason` is there exactly in the status `ERROR`."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"status": {"const": Status.ERROR.value}}},
            "then": {"required": ["errorReason"]},
            "else": {"not": {"required": ["errorReason"]}},
        }
    )

    id: str = Field(description="The connection's id: letters and digits, not a GUID.")
    provider_id: GuidText = Field(description="The provider of the account.")
    calendar_type: CalendarType = Field(description="The kind of external calendar.")
    schedule_id: GuidText = Field(description="The schedule that the account is connected to.")
    user_id: GuidText | None = Field(None, description="The owner of the schedule, if it has one.")
    app_id: GuidText | None = Field(None, description="The app that made the connection, if it was one.")
    external_account_email: EmailText | None = Field(None, description="The account's e-mail address, where known.")
    status: Status = Field(description="How the connection is doing.")
    error_reason: ErrorReason | None = Field(None, description="Why the status is `ERROR`.")
    sync_config: SyncConfigMessage = Field(description="What is imported and exported.")

    @classmethod
    def of(cls, view: ConnectionView) -> "ConnectionMessage":
        """Return the message for a connection."""
        one = view.connection
        status, reason = one.shown_status
        return cls(
            id=one.id,
            provider_id=one.provider_id,
            calendar_type=view.provider.calendar_type,
            schedule_id=one.schedule_id,
            user_id=one.owner_id,
            app_id=one.app_id,
            # what has no at sign is a user's name, or stands for the secret address of a feed
            external_account_email=one.account_email if "@" in one.account_email else None,
            status=status,
            error_reason=(reason or ErrorReason.UNDEFINED) if status is Status.ERROR else None,
            sync_config=SyncConfigMessage.of(one.import_config, one.export_config),
        )


class ConnectionAnswer(Answer):
    """One connection."""

    connection: ConnectionMessage = Field(description="The connection as it is now.")

    @classmethod
    def of(cls, view: ConnectionView) -> "ConnectionAnswer":
        """Return the answer for a connection."""
        return cls(connection=ConnectionMessage.of(view))
