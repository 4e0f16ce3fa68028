"""How a schedule is asked for and written (contract §9), with the additive `owner`."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import Field

from kalends.api.fields import DateTimeText, Guid, GuidText
from kalends.api.messages import Answer, Asked
from kalends.api.schedule_fields import (
    Capacity,
    ExternalId,
    JsonObject,
    Name,
    NoPermissions,
    OptionalName,
    Revision,
    TimeZone,
    Title,
)
from kalends.model.schedule import Schedule, ScheduleStatus
from kalends.schedules.changing import CLEARED, Cleared, ScheduleChange
from kalends.schedules.creating import ScheduleDraft


class OwnerRef(Asked):
    """The user who is to own a schedule; a name beside the id is for people and passed over."""

    user_id: Guid | None = Field(description="The user; null for nobody.")


class ScheduleFields(Asked):
    """What creating and updating have in common. Status and dates are read-only and passed over."""

    DETAILS: ClassVar = (
        "default_title",
        "default_location",
        "default_capacity",
        "default_conferencing_details",
        "extended_fields",
    )

    time_zone: TimeZone | None = Field(None, description="The IANA time zone; the site's where nothing is said.")
    business_time_zone_enabled: bool | None = Field(
        None,
        description="Whether the time zone changes with the site's. True by default, unless another zone is given.",
    )
    external_id: ExternalId | None = Field(None, description="What the caller knows the schedule by.")
    app_id: Guid | None = Field(None, description="The app whose schedule it is; by default the caller's. Immutable.")
    default_title: Title | None = Field(None, description="The default title of its events.")
    default_location: JsonObject | None = Field(None, description="The default location of its events, kept as sent.")
    default_capacity: Capacity | None = Field(None, description="The default capacity of its events.")
    default_conferencing_details: JsonObject | None = Field(
        None, description="The default conferencing details of its events, kept as sent."
    )
    extended_fields: JsonObject | None = Field(None, description="Fields of the caller's own, kept as sent.")
    permissions: NoPermissions | None = Field(None, description="Not supported: has to be empty.")
    owner: OwnerRef | None = Field(None, description="The user who owns it.")

    def details(self) -> dict[str, Any]:
        """Return the details that were given, nulls included, by their names on the wire."""
        fields = type(self).model_fields
        given = [name for name in self.DETAILS if name in self.model_fields_set]
        return {fields[name].alias or name: getattr(self, name) for name in given}


class NewSchedule(ScheduleFields):
    """A schedule to be made. Null says nothing here."""

    id: Guid | None = Field(None, description="The id that it is to have; a new one by default.")
    name: Name = Field(description="Its name.")

    def draft(self, app_id: str | None) -> ScheduleDraft:
        """Return what is asked for by an app, or by somebody else."""
        return ScheduleDraft(
            name=self.name,
            id=self.id,
            owner_id=self.owner.user_id if self.owner else None,
            time_zone=self.time_zone,
            follows_site_zone=self.business_time_zone_enabled,
            external_id=self.external_id,
            app_id=self.app_id or app_id,
            details={name: value for name, value in self.details().items() if value is not None},
        )


class ChangedSchedule(ScheduleFields):
    """A schedule to be changed; what is absent stays as it was.

    Null takes away an external id, a default, the extended fields or the owner; elsewhere it says nothing.
    """

    id: Guid | None = Field(None, description="May repeat the id of the path.")
    revision: Revision = Field(description="The present revision, as it was read last.")
    name: OptionalName | None = Field(None, description="Its name.")

    def change(self) -> ScheduleChange:
        """Return what is to be changed."""
        return ScheduleChange(
            name=self.name,
            owner_id=self._or_cleared("owner", self.owner.user_id if self.owner else None),
            time_zone=self.time_zone,
            follows_site_zone=self.business_time_zone_enabled,
            external_id=self._or_cleared("external_id", self.external_id),
            app_id=self.app_id,
            details=self.details(),
        )

    def _or_cleared(self, field: str, value: str | None) -> str | Cleared | None:
        return CLEARED if value is None and field in self.model_fields_set else value


class OwnerMessage(Answer):
    """The user who owns a schedule."""

    user_id: GuidText = Field(description="The user.")
    name: str | None = Field(None, description="The user's name.")


class ScheduleMessage(Answer):
    """A schedule: the bookable calendar of a person, room or service."""

    id: GuidText = Field(description="The schedule's id.")
    name: str = Field(description="Its name.")
    status: ScheduleStatus = Field(description="Whether it is active, or cancelled for ever.")
    time_zone: str = Field(description="Its IANA time zone.")
    business_time_zone_enabled: bool = Field(description="Whether the time zone changes with the site's.")
    external_id: str | None = Field(None, description="What the caller knows it by.")
    app_id: GuidText | None = Field(None, description="The app whose schedule it is.")
    default_title: str | None = Field(None, description="The default title of its events.")
    default_location: dict[str, Any] | None = Field(None, description="The default location of its events.")
    default_capacity: int | None = Field(None, description="The default capacity of its events.")
    default_conferencing_details: dict[str, Any] | None = Field(
        None, description="The default conferencing details of its events."
    )
    extended_fields: dict[str, Any] | None = Field(None, description="Fields of the caller's own.")
    permissions: list[dict[str, Any]] = Field(description="Always empty: single schedules have none.")
    owner: OwnerMessage | None = Field(None, description="The user who owns it, if somebody does.")
    revision: str = Field(description="Rises by one with each change; an update has to name the present one.")
    created_date: DateTimeText = Field(description="When it was made, in UTC.")
    updated_date: DateTimeText = Field(description="When it was last changed, in UTC.")

    @classmethod
    def of(cls, schedule: Schedule) -> "ScheduleMessage":
        """Return the message for a schedule."""
        kept = schedule.details
        return cls(
            id=schedule.id,
            name=schedule.name,
            status=schedule.status,
            time_zone=schedule.time_zone,
            business_time_zone_enabled=schedule.follows_site_zone,
            external_id=schedule.external_id,
            app_id=schedule.app_id,
            default_title=kept.get("defaultTitle"),
            default_location=kept.get("defaultLocation"),
            default_capacity=kept.get("defaultCapacity"),
            default_conferencing_details=kept.get("defaultConferencingDetails"),
            extended_fields=kept.get("extendedFields"),
            permissions=[],
            owner=OwnerMessage(user_id=schedule.owner_id, name=schedule.owner_name) if schedule.owner_id else None,
            revision=str(schedule.revision),
            created_date=instant(schedule.created_at),
            updated_date=instant(schedule.updated_at),
        )


class ScheduleAnswer(Answer):
    """One schedule."""

    schedule: ScheduleMessage = Field(description="The schedule as it is now.")

    @classmethod
    def of(cls, schedule: Schedule) -> "ScheduleAnswer":
        """Return the answer for a schedule."""
        return cls(schedule=ScheduleMessage.of(schedule))


def instant(moment: datetime) -> str:
    """Return an instant as Calendar V3 writes its dates: `YYYY-MM-DDThh:mm:ss.sssZ`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
