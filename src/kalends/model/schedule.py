"""Sites and their schedules, users and apps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from kalends.model.copy import CopyChanges
from kalends.model.identity import Role
from kalends.model.provider import ConnectScopes

LONGEST_EXTERNAL_ID = 200


class Titles(StrEnum):
    """Who besides the owner sees personal fields of events (`OWN_PI`): a setting of the site."""

    ADMINS = "admins"
    OWNER_ONLY = "owner_only"


@dataclass(frozen=True, slots=True)
class Site:
    """The tenant. `redirect_origins` may receive people back from connecting by OAuth.

    `copy_title` is a template of what copies are called, with `{title}`, `{service}` (the schedule's name) and
    `{participant}`; `copy_link` one of the address they lead to, with `{eventId}`, None for no link.
    For as long as `copy_buffer`, in whole minutes, a block of its own follows each copy that blocks.
    """

    id: str
    name: str
    time_zone: str
    titles: Titles
    redirect_origins: tuple[str, ...]
    created_at: datetime
    connect_scopes: ConnectScopes = ConnectScopes.FULL
    copy_title: str = "{title}"
    copy_link: str | None = None
    copy_changes: CopyChanges = CopyChanges.RESTORE
    copy_buffer: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class User:
    """A person who may own schedules on a site."""

    site_id: str
    id: str
    email: str
    name: str
    role: Role
    disabled_at: datetime | None


class ScheduleStatus(StrEnum):
    """Status of a schedule; `CANCELLED` is final."""

    ACTIVE = "ACTIVE"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The bookable calendar of a person, room or service. `owner_name` comes from the owner, where there is one.

    `follows_site_zone` tells that `time_zone` changes with the site's. `external_id` is what the caller knows it by,
    `app_id` the app whose schedule it is. `details` holds defaults for its events and extended fields, by their names
    on the wire and as they were sent; those that were never given are absent. `revision` rises with every change.
    """

    site_id: str
    id: str
    name: str
    time_zone: str
    owner_id: str | None
    owner_name: str | None
    created_at: datetime
    updated_at: datetime
    follows_site_zone: bool = True
    status: ScheduleStatus = ScheduleStatus.ACTIVE
    external_id: str | None = None
    app_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 1


@dataclass(frozen=True, slots=True)
class ScheduleFilter:
    """Which schedules are meant. Filters that are None leave everything in; those given must all match."""

    ids: tuple[str, ...] | None = None
    external_ids: tuple[str, ...] | None = None
    app_ids: tuple[str, ...] | None = None
    statuses: tuple[ScheduleStatus, ...] | None = None


class ScheduleField(StrEnum):
    """What schedules can be sorted by: only what never changes, so that no page repeats or loses one."""

    CREATED_DATE = "createdDate"
    ID = "id"


@dataclass(frozen=True, slots=True)
class ScheduleOrder:
    """How schedules are sorted; those that were created at the same instant go by id."""

    by: ScheduleField = ScheduleField.CREATED_DATE
    descending: bool = False
