"""What the sandbox knows: mailboxes, calendars with their events, and the number of changes.

All of it is in memory. A request is answered without a pause from its first look to its last change, so that it is
atomic; only what waits for somebody's endpoint waits before.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.microsoft import ids
from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.errors import GraphRefused, bad_request, malformed_id, not_found
from kalends.sandbox.microsoft.kept import KeptEvent, KeptEvents

COLOURS = {
    "auto": "",
    "lightBlue": "#a6d1f5",
    "lightGreen": "#87d28e",
    "lightOrange": "#fcab73",
    "lightGray": "#c0c0c0",
    "lightYellow": "#f5cf4d",
    "lightTeal": "#4adacc",
    "lightPink": "#f08cc0",
    "lightBrown": "#cba287",
    "lightRed": "#f88c9b",
    "maxColor": "",
}
"""Colours of calendars, as names and as `hexColor` shows them."""


@dataclass
class Oddities:
    """How Graph is to behave where its documents leave it open, or where people report otherwise.

    `transaction_seconds` is how long a `transactionId` is remembered. `duplicate_transaction` says how one that comes
    again is answered: `400` or `409`, each with the id of the event that it made, or with that event (`existing`).
    `gone_style` says how a delta token that has run out is refused: `410`, `410-resync`, `400` or `404`. With
    `occurrences_follow` a change of a master shows all its occurrences in delta again; `masters` says whether masters
    come `first` in a round, `last`, or are `missing`. With `other_posted_ids` a new calendar is answered with another
    id than it has in listings, though both name it. `removed_reason` is that of events which left the window of a
    delta; `outside` says how changed events are told of that were never in it: `removed`, as `nulls`, or `silent`.
    `most_per_page` makes pages short, `empty_pages` come before the first full one of each delta round, and
    `gone_on_page` is the page, from 1, of the next delta round with a token that is refused.
    """

    transaction_seconds: float = 300.0
    duplicate_transaction: str = "400"
    gone_style: str = "410"
    occurrences_follow: bool = False
    other_posted_ids: bool = False
    masters: str = "first"
    removed_reason: str = "deleted"
    outside: str = "removed"
    most_per_page: int | None = None
    empty_pages: int = 0
    gone_on_page: int | None = None


@dataclass
class Calendar:
    """A calendar as it stands in a mailbox; `events` are the same object in every mailbox that it is shared with.

    `key` is part of its id, `properties` are its extended ones. Delta tokens that were made at or before the change
    `delta_until` have run out.
    """

    mailbox: "Mailbox"
    key: bytes
    name: str
    owner: User
    color: str = "auto"
    can_edit: bool = True
    default: bool = False
    removable: bool = True
    change: int = 0
    delta_until: int = -1
    events: KeptEvents = field(default_factory=KeptEvents)
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The calendar's id."""
        return ids.calendar_id(self.mailbox.key, self.key)


@dataclass
class Mailbox:
    """Somebody's mailbox with calendars, by their keys; without being `enabled` it answers nothing."""

    user: User
    key: bytes
    time_zone: str
    calendars: dict[bytes, Calendar] = field(default_factory=dict)
    enabled: bool = True
    transactions: dict[str, tuple[datetime, bytes]] = field(default_factory=dict)

    @property
    def default(self) -> Calendar:
        """The calendar into which new events go."""
        return next(one for one in self.calendars.values() if one.default)

    def calendar(self, calendar_id: str) -> Calendar:
        """Return a calendar by its id; raises `GraphRefused` where there is none."""
        mailbox, key = ids.read_calendar_id(calendar_id)
        found = self.calendars.get(key)
        if mailbox != self.key or found is None:
            raise not_found()
        return found

    def event(self, event_id: str) -> tuple[Calendar, KeptEvent, date | None]:
        """Return an event, or the master of an occurrence and its day; raises `GraphRefused` where there is none."""
        read = ids.read_event_id(event_id)
        if read.mailbox != self.key:
            raise malformed_id()
        for calendar in self.calendars.values():
            event = calendar.events.get(read.item)
            if event is not None and read.folder in {None, calendar.key}:
                return calendar, event, read.day
        raise not_found()


@dataclass(frozen=True, slots=True)
class Told:
    """A change that subscribers hear of: `kind` is created, updated or deleted. `day` is that of an occurrence."""

    events: KeptEvents
    kind: str
    item: bytes
    day: date | None
    change: int


Listener = Callable[[Told], None]


class State:
    """Everything; `time_zone` is that of new mailboxes."""

    def __init__(
        self, users: Iterable[User], clock: SandboxClock, *, time_zone: str = "W. Europe Standard Time"
    ) -> None:
        self.clock = clock
        self.time_zone = time_zone
        self.change = 0
        self.oddities = Oddities()
        self.mailboxes: dict[str, Mailbox] = {}
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

    def add_user(self, user: User, time_zone: str | None = None) -> Mailbox:
        """Give a user a mailbox with a calendar; return the one they have where they do."""
        if user.id in self.mailboxes:
            return self.mailboxes[user.id]
        mailbox = Mailbox(user, ids.mailbox_key(user.id), time_zone or self.time_zone)
        self.mailboxes[user.id] = mailbox
        self.add_calendar(mailbox, "Calendar", default=True)
        return mailbox

    def mailbox(self, named: str) -> Mailbox | None:
        """Return the mailbox of an object id or an address."""
        found = self.mailboxes.get(named)
        lower = named.lower()
        return found or next((one for one in self.mailboxes.values() if one.user.email.lower() == lower), None)

    def add_calendar(
        self, mailbox: Mailbox, name: str, *, color: str = "auto", default: bool = False, can_edit: bool = True
    ) -> Calendar:
        """Make a calendar; raises `GraphRefused` for a name that another one of the mailbox has."""
        if any(one.name.lower() == name.lower() for one in mailbox.calendars.values()):
            raise GraphRefused(409, "ErrorFolderExists", "A folder with the specified name already exists.")
        calendar = Calendar(mailbox, secrets.token_bytes(8), name, mailbox.user, color, default=default)
        calendar.removable, calendar.can_edit, calendar.change = not default, can_edit, self.tick()
        mailbox.calendars[calendar.key] = calendar
        return calendar

    def delete_calendar(self, calendar: Calendar) -> None:
        """Take a calendar out of its mailbox, and one's own out of those that it is shared with."""
        if calendar.default:
            raise bad_request("The default calendar cannot be deleted.", "ErrorDeleteDistinguishedFolder")
        self.tick()
        own = calendar.mailbox.user == calendar.owner
        for mailbox in self.mailboxes.values():
            for one in [*mailbox.calendars.values()]:
                if one is calendar or (own and one.events is calendar.events):
                    del mailbox.calendars[one.key]

    def share(self, calendar: Calendar, mailbox: Mailbox, *, can_edit: bool) -> Calendar:
        """Put a calendar into somebody else's mailbox, where it has an id of its own."""
        taken = {one.name for one in mailbox.calendars.values()}
        name = calendar.name if calendar.name not in taken else f"{calendar.owner.name} - {calendar.name}"
        shared = self.add_calendar(mailbox, name, color=calendar.color, can_edit=can_edit)
        shared.owner, shared.events = calendar.owner, calendar.events
        return shared

    def change_id(self, calendar: Calendar) -> Calendar:
        """Give a calendar another id, and its events other ordinary ones; delta tokens run out."""
        mailbox = calendar.mailbox
        calendar.key = secrets.token_bytes(8)
        calendar.change = self.tick()
        mailbox.calendars = {one.key: one for one in mailbox.calendars.values()}
        return calendar

    def expire_delta(self, calendar: Calendar) -> None:
        """Have all delta tokens of a calendar run out now."""
        calendar.delta_until = self.change
        self.tick()

    def tell(self, told: Told) -> None:
        """Tell whoever listens of a change."""
        for listener in self.listeners:
            listener(told)
