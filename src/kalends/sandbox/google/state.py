"""What the sandbox knows: accounts, their lists of calendars, calendars with their events, and the number of changes.

All of it is in memory. Requests are answered one after the other, each without a pause from its first look to its last
change, so that each is atomic.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kalends.ical.zones import Zone, iana_zone
from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.errors import not_found
from kalends.sandbox.google.kept import KeptEvents, etag
from kalends.sandbox.google.paging import Pages
from kalends.sandbox.google.tokens import SyncTokens

ROLES = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
"""Access roles, from the least to the most."""

_UNWATCHABLE = "@group.v.calendar.google.com"


@dataclass
class Oddities:
    """How the listings of a calendar's events are to behave, beyond what is usual.

    `most_per_page` makes pages short; `empty_pages` come before the first full one of each listing; `gone_on_page` is
    the page, from 1, of the next listing with a sync token that answers 410.
    """

    most_per_page: int | None = None
    empty_pages: int = 0
    gone_on_page: int | None = None


@dataclass
class Calendar:
    """A calendar and who may see it; `roles` maps e-mail addresses to access roles.

    `made_by` is the id of the client that made it, empty for those made otherwise. Sync tokens that were made at or
    before the change `tokens_until` have run out.
    """

    id: str
    summary: str
    time_zone: str
    owner: str
    roles: dict[str, str]
    fields: dict[str, Any] = field(default_factory=dict)
    public: bool = False
    made_by: str = ""
    change: int = 0
    listed: int = 0
    deleted: bool = False
    tokens_until: int = -1
    events: KeptEvents = field(default_factory=KeptEvents)
    oddities: Oddities = field(default_factory=Oddities)

    @property
    def zone(self) -> Zone:
        """The calendar's zone."""
        return iana_zone(self.time_zone)

    @property
    def primary(self) -> bool:
        """Whether this is its owner's primary calendar."""
        return self.id == self.owner

    @property
    def watchable(self) -> bool:
        """Whether changes may be pushed; those of holidays and birthdays may not."""
        return not self.id.endswith(_UNWATCHABLE)

    def role(self, email: str) -> str | None:
        """Return the access role of somebody, None where they may not see it."""
        return self.roles.get(email) or ("reader" if self.public else None)


@dataclass
class ListEntry:
    """A calendar as it stands in somebody's list; `fields` are those that belong to the list alone."""

    calendar: Calendar
    change: int
    fields: dict[str, Any] = field(default_factory=dict)
    deleted: bool = False

    @property
    def hidden(self) -> bool:
        """Whether it is hidden in the list."""
        return bool(self.fields.get("hidden"))


@dataclass
class Account:
    """A user with a list of calendars, by their ids, and settings."""

    user: User
    entries: dict[str, ListEntry] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    entries_until: int = -1


Listener = Callable[[str], None]
"""Told which resource was changed, by the name that `Calendar` and `Account` have in `events_of` and `list_of`."""


class State:
    """Everything; `time_zone` is that of primary calendars. `token_days` is how long sync tokens are good for."""

    def __init__(
        self, users: Iterable[User], clock: SandboxClock, *, time_zone: str = "Europe/Berlin", token_days: float = 30
    ) -> None:
        self.clock = clock
        self.time_zone = time_zone
        self.token_life = timedelta(days=token_days)
        self.began = clock.now()
        self.change = 0
        self.accounts: dict[str, Account] = {}
        self.calendars: dict[str, Calendar] = {}
        self.pages = Pages()
        self.tokens = SyncTokens(secrets.token_bytes(32))
        self.listeners: list[Listener] = []
        for user in users:
            self.add_user(user)

    def now(self) -> datetime:
        """Return the time in the sandbox, in UTC."""
        return self.clock.now()

    def tick(self) -> int:
        """Count a change, and return its number."""
        self.change += 1
        return self.change

    def add_user(self, user: User) -> Account:
        """Give a user an account with a primary calendar; return the one they have where they do."""
        if user.email in self.accounts:
            return self.accounts[user.email]
        account = Account(user, settings={"timezone": self.time_zone, "locale": "en", "weekStart": "1"})
        self.accounts[user.email] = account
        self.add_calendar(account, user.email, user.email, self.time_zone, primary=True)
        return account

    def add_calendar(
        self,
        account: Account,
        calendar_id: str,
        summary: str,
        time_zone: str,
        *,
        primary: bool = False,
        fields: dict[str, Any] | None = None,
        made_by: str = "",
    ) -> Calendar:
        """Make a calendar that belongs to an account, and put it into its list."""
        email = account.user.email
        calendar = Calendar(calendar_id, summary, time_zone, email, {email: "owner"}, fields or {}, made_by=made_by)
        calendar.change = self.tick()
        self.calendars[calendar_id] = calendar
        self.enlist(account, calendar, {"selected": True} if primary or not made_by else {})
        return calendar

    def enlist(self, account: Account, calendar: Calendar, fields: dict[str, Any]) -> ListEntry:
        """Put a calendar into an account's list."""
        colour = {"colorId": str(1 + len(account.entries) % 24)}
        entry = ListEntry(calendar, self.tick(), {**colour, **fields})
        account.entries[calendar.id] = entry
        self.tell(list_of(account))
        return entry

    def share(self, calendar: Calendar, email: str, role: str) -> None:
        """Give somebody a role on a calendar, and put it into their list where they have an account."""
        calendar.roles[email] = role
        if email in self.accounts:
            self.enlist(self.accounts[email], calendar, {})

    def calendar(self, account: Account, calendar_id: str) -> Calendar:
        """Return a calendar that the account may see, `primary` being its own; raises `Refused` where there is none."""
        calendar = self.calendars.get(account.user.email if calendar_id == "primary" else calendar_id)
        if calendar is None or calendar.deleted or calendar.role(account.user.email) is None:
            raise not_found()
        return calendar

    def tell(self, resource: str) -> None:
        """Tell whoever listens that a resource was changed."""
        for listener in self.listeners:
            listener(resource)

    def expire_tokens(self, calendar: Calendar) -> None:
        """Have all sync tokens of a calendar's events run out now."""
        calendar.tokens_until = self.change
        self.tick()

    def made_before(self, issued: datetime) -> bool:
        """Tell whether what was issued then has outlived the life of sync tokens."""
        return self.now() - issued > self.token_life


def events_of(calendar: Calendar) -> str:
    """Return the name of a calendar's events, for listeners and channels."""
    return f"events:{calendar.id}"


def list_of(account: Account) -> str:
    """Return the name of an account's list of calendars, for listeners and channels."""
    return f"calendarList:{account.user.email}"


def etag_of(calendar: Calendar) -> str:
    """Return the entity tag of a calendar itself."""
    return etag(calendar.change)
