"""Who calls the API, and what they may do (contract §7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """Permission ids of the contract; it publishes none for schedules, so that those two are ours."""

    LIST_PROVIDERS = "CALENDAR.LIST_EXTERNAL_CALENDAR_PROVIDERS"
    READ_OWN_CONNECTIONS = "CALENDAR.READ_OWN_EXTERNAL_CALENDAR_CONNECTIONS"
    READ_ALL_CONNECTIONS = "CALENDAR.READ_ALL_EXTERNAL_CALENDAR_CONNECTIONS"
    MANAGE_OWN_CONNECTIONS = "CALENDAR.MANAGE_OWN_EXTERNAL_CALENDAR_CONNECTIONS"
    MANAGE_ALL_CONNECTIONS = "CALENDAR.MANAGE_ALL_EXTERNAL_CALENDAR_CONNECTIONS"
    READ_EVENTS = "CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS"
    READ_SCHEDULES = "CALENDAR.READ_SCHEDULES"
    MANAGE_SCHEDULES = "CALENDAR.MANAGE_SCHEDULES"


OWN = frozenset({Permission.READ_OWN_CONNECTIONS, Permission.MANAGE_OWN_CONNECTIONS})

IMPLIED: dict[Permission, frozenset[Permission]] = {
    Permission.MANAGE_ALL_CONNECTIONS: frozenset(
        {Permission.MANAGE_OWN_CONNECTIONS, Permission.READ_ALL_CONNECTIONS, Permission.READ_OWN_CONNECTIONS}
    ),
    Permission.MANAGE_OWN_CONNECTIONS: frozenset({Permission.READ_OWN_CONNECTIONS}),
    Permission.READ_ALL_CONNECTIONS: frozenset({Permission.READ_OWN_CONNECTIONS}),
    Permission.MANAGE_SCHEDULES: frozenset({Permission.READ_SCHEDULES}),
}
"""ALL satisfies OWN, MANAGE implies READ."""

MANAGE_EXTERNAL_CALENDARS = "SCOPE.DC-BOOKINGS.MANAGE-EXTERNAL-CALENDARS"
MANAGE_CALENDARS = "SCOPE.DC-CALENDAR.MANAGE"

_OF_SCHEDULES = frozenset({Permission.READ_SCHEDULES, Permission.MANAGE_SCHEDULES})

SCOPES: dict[str, frozenset[Permission]] = {
    MANAGE_EXTERNAL_CALENDARS: frozenset(Permission) - _OF_SCHEDULES,
    MANAGE_CALENDARS: _OF_SCHEDULES,
}
"""Scope id → what it grants."""


def granted(names: Iterable[str]) -> frozenset[Permission]:
    """Return the permissions that scopes or single permission ids grant, with all they imply.

    Raises `ValueError` naming the first one that is neither.
    """
    direct: set[Permission] = set()
    for name in names:
        if name in SCOPES:
            direct |= SCOPES[name]
        elif name in set(Permission):
            direct.add(Permission(name))
        else:
            raise ValueError(f"{name!r} is neither a scope nor a permission; scopes: {', '.join(SCOPES)}")
    return frozenset(direct.union(*(IMPLIED.get(one, frozenset()) for one in direct)))


class Role(StrEnum):
    """What a user is on a site."""

    STAFF = "staff"
    ADMIN = "admin"

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role allows: staff their own, admins all."""
        if self is Role.ADMIN:
            return frozenset(Permission)
        return OWN | {Permission.LIST_PROVIDERS, Permission.READ_EVENTS}


class IdentityKind(StrEnum):
    """Kind of caller."""

    USER = "user"
    APP = "app"
    API_KEY = "api_key"


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller that has been authenticated, on one site. `id` is the user's, app's or key's."""

    kind: IdentityKind
    site_id: str
    id: str
    permissions: frozenset[Permission]
    premium: bool = True
    """False where the site withholds the premium features from the app."""

    @property
    def user_id(self) -> str | None:
        """The user, where it is one."""
        return self.id if self.kind is IdentityKind.USER else None

    @property
    def app_id(self) -> str | None:
        """The app, where it is one."""
        return self.id if self.kind is IdentityKind.APP else None

    def has_any(self, permissions: Iterable[Permission]) -> bool:
        """Tell whether at least one of the permissions is held."""
        return not self.permissions.isdisjoint(permissions)

    def covers(self, everyone: Permission, owner_id: str | None) -> bool:
        """Tell whether the identity reaches what `owner_id` owns: by owning it, or by the permission for everyone's."""
        return everyone in self.permissions or (owner_id is not None and owner_id == self.user_id)
