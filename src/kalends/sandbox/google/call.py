"""One call of a method: who asks, for what, and in which role."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kalends.sandbox.google.bearer import Bearer
from kalends.sandbox.google.channels import Channels
from kalends.sandbox.google.errors import condition_not_met, not_found, required_access_level
from kalends.sandbox.google.events import EventWriter
from kalends.sandbox.google.listing import EventLister
from kalends.sandbox.google.methods import Method
from kalends.sandbox.google.query import Query
from kalends.sandbox.google.state import ROLES, Account, Calendar, ListEntry, State


@dataclass(frozen=True)
class Call:
    """A request whose token was found good for its method.

    `path` holds the parameters of the path, decoded; `url` is the whole URL.
    """

    state: State
    channels: Channels
    method: Method
    bearer: Bearer
    account: Account
    path: Mapping[str, str]
    query: Query
    body: Mapping[str, Any]
    if_match: str | None
    url: str

    def calendar(self, *, least: str = "freeBusyReader", calendar_id: str | None = None) -> Calendar:
        """Return the calendar that the path names; raises `Refused` where the user has a lesser role there."""
        calendar = self.state.calendar(self.account, calendar_id or self.path["calendarId"])
        if ROLES.index(self.role(calendar)) < ROLES.index(least):
            raise required_access_level()
        return calendar

    def role(self, calendar: Calendar) -> str:
        """Return the role in which the token acts on a calendar."""
        return self.method.role(self.bearer, calendar)

    def writer(self, calendar_id: str | None = None) -> EventWriter:
        """Return who writes events of the calendar that the path names, or of another."""
        calendar = self.calendar(least="writerWithoutPrivateAccess", calendar_id=calendar_id)
        return EventWriter(self.state, calendar, self.account.user.email)

    def reader(self, calendar: Calendar) -> EventWriter:
        """Return who finds events of a calendar by their ids."""
        return EventWriter(self.state, calendar, self.account.user.email)

    def lister(self) -> EventLister:
        """Return who lists events of the calendar that the path names."""
        calendar = self.calendar()
        return EventLister(self.state, calendar, self.account.user.email, self.role(calendar))

    def entry(self) -> ListEntry:
        """Return the entry of the calendar that the path names in the user's list; raises `Refused`."""
        calendar = self.calendar()
        entry = self.account.entries.get(calendar.id)
        if entry is None or entry.deleted:
            raise not_found()
        return entry

    def check_match(self, etag: str) -> None:
        """See that the version is the one in If-Match, where there is one; raises `Refused`."""
        if self.if_match is not None and self.if_match not in {"*", etag}:
            raise condition_not_met()


Handler = Callable[[Call], dict[str, Any] | None]
"""Does what a method does, at once; None is an answer without content."""
