"""Update the sync config of a connection (contract §5.5)."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from kalends.api.connection_messages import ConnectionAnswer
from kalends.api.connections import NO_CONNECTION, NOT_CONNECTED
from kalends.api.fields import CalendarId, Refused
from kalends.api.messages import Asked, Nothing
from kalends.api.operations import Call, Declared, Operation
from kalends.api.services import Services
from kalends.connections.sync_config import ExportChange, ImportChange, SyncConfigChange
from kalends.model.connection import ExportTarget, ImportChoice
from kalends.model.errors import Invalid, PreconditionFailed, ProviderUnavailable, Rule
from kalends.model.identity import Permission

MOST_CALENDARS = 1_000


def _not_both(one: str, other: str) -> ConfigDict:
    """Return the config that tells the API's documents that two arms exclude each other; null counts as no arm."""
    arms: JsonDict = {one: {"type": "object"}, other: {"type": "object"}}
    return ConfigDict(json_schema_extra={"not": {"required": [one, other], "properties": arms}})


class CalendarRef(Asked):
    """A calendar that is chosen; a name beside the id is for people and passed over."""

    id: CalendarId = Field(description="The provider's id of the calendar, as *list calendars* tells it.")


class CalendarRefs(Asked):
    """The arm `calendars`."""

    calendars: list[CalendarRef] = Field(
        default_factory=list,
        max_length=MOST_CALENDARS,
        description="The calendars to import, in place of those before.",
    )


class ImportSide(Asked):
    """The side `listEventFromCalendars`; without an arm the earlier choice stays."""

    model_config = _not_both("primaryCalendar", "calendars")

    enabled: bool | None = Field(None, description="Whether to import; absent, it stays as it was.")
    primary_calendar: Nothing | None = Field(None, description="Import the account's primary calendar.")
    calendars: CalendarRefs | None = Field(None, description="Import these calendars.")

    @model_validator(mode="after")
    def _one_arm(self) -> Self:
        if self.primary_calendar is not None and self.calendars is not None:
            raise Refused(Rule.ONE_OF_ALIGNMENT, "can have primaryCalendar or calendars, not both")
        return self

    def change(self) -> ImportChange:
        """Return what is to be changed."""
        if self.calendars is not None:
            chosen = tuple(dict.fromkeys(one.id for one in self.calendars.calendars))
            return ImportChange(self.enabled, ImportChoice.CALENDARS, chosen)
        return ImportChange(self.enabled, ImportChoice.PRIMARY if self.primary_calendar is not None else None)


class ExportSide(Asked):
    """The side `syncToCalendar`; without an arm the earlier choice stays."""

    model_config = _not_both("primaryCalendar", "dedicatedCalendar")

    enabled: bool | None = Field(None, description="Whether to export; absent, it stays as it was.")
    primary_calendar: Nothing | None = Field(None, description="Export to the account's primary calendar.")
    dedicated_calendar: Nothing | None = Field(None, description="Export to a calendar made for it.")

    @model_validator(mode="after")
    def _one_arm(self) -> Self:
        if self.primary_calendar is not None and self.dedicated_calendar is not None:
            raise Refused(Rule.ONE_OF_ALIGNMENT, "can have primaryCalendar or dedicatedCalendar, not both")
        return self

    def change(self) -> ExportChange:
        """Return what is to be changed."""
        if self.dedicated_calendar is not None:
            return ExportChange(self.enabled, ExportTarget.DEDICATED)
        return ExportChange(self.enabled, ExportTarget.PRIMARY if self.primary_calendar is not None else None)


class SyncConfig(Asked):
    """A sync config as it is asked for; a side that is not there stays as it was."""

    list_event_from_calendars: ImportSide | None = Field(None, description="From where to import.")
    sync_to_calendar: ExportSide | None = Field(None, description="To where to export.")

    def change(self) -> SyncConfigChange:
        """Return what is to be changed."""
        imports, exports = self.list_event_from_calendars, self.sync_to_calendar
        return SyncConfigChange(
            imports.change() if imports is not None else None, exports.change() if exports is not None else None
        )


class UpdateSyncConfig(Asked):
    """The body of *update sync config*."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "syncConfig": {
                        "listEventFromCalendars": {"enabled": True, "calendars": {"calendars": [{"id": "work"}]}}
                    }
                }
            ]
        }
    )

    sync_config: SyncConfig = Field(description="What to change.")


async def update_sync_config(services: Services, call: Call[UpdateSyncConfig]) -> ConnectionAnswer:
    """Change the config, and answer with the connection."""
    change = call.asked.sync_config.change()
    return ConnectionAnswer.of(await services.sync_configs.update(call.identity, call.connection_id, change))


OPERATIONS = (
    Operation(
        name="updateSyncConfig",
        summary="Choose which calendars of an account are imported, and whether events are exported to it.",
        method="PATCH",
        path="/connections/{connection_id}/sync-config",
        permissions=frozenset({Permission.MANAGE_OWN_CONNECTIONS}),
        asks=UpdateSyncConfig,
        answers=ConnectionAnswer,
        perform=update_sync_config,
        errors=(
            Declared(
                Invalid,
                "CALENDAR_NOT_FOUND",
                "A chosen calendar is not among those of the account; the violation says which.",
            ),
            NO_CONNECTION,
            NOT_CONNECTED,
            Declared(
                PreconditionFailed,
                "NOT_SUPPORTED_BY_PROVIDER",
                "The provider cannot do what was asked: export, say, or a primary calendar.",
            ),
            Declared(
                ProviderUnavailable,
                "PROVIDER_UNAVAILABLE",
                "The calendars of the account have to be looked up, and the provider cannot be reached.",
            ),
        ),
    ),
)
