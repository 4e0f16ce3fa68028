"""Sites and their schedules, users and apps."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kalends.model.identity import Role


class Titles(StrEnum):
    """Who besides the owner sees personal fields of events (`OWN_PI`): a setting of the site."""

    ADMINS = "admins"
    OWNER_ONLY = "owner_only"


@dataclass(frozen=True, slots=True)
class Site:
    """The tenant. `redirect_origins` may receive people back from connecting by OAuth."""

    id: str
    name: str
    time_zone: str
    titles: Titles
    redirect_origins: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person who may own schedules on a site."""

    site_id: str
    id: str
    email: str
    name: str
    role: Role
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The bookable calendar of a person, room or service. `owner_name` comes from the owner, where there is one."""

    site_id: str
    id: str
    name: str
    time_zone: str
    owner_id: str | None
    owner_name: str | None
