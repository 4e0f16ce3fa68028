"""A request to Graph, and its answer: apart from HTTP, for requests also come in batches."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from kalends.sandbox.microsoft.bearer import Bearer
from kalends.sandbox.microsoft.errors import changed_meanwhile
from kalends.sandbox.microsoft.preferences import Preferences
from kalends.sandbox.microsoft.query import MOST_SIZE, USUAL_SIZE, Pairs, Query
from kalends.sandbox.microsoft.rendering import View, etag_of
from kalends.sandbox.microsoft.state import Calendar, Mailbox, State

ROOT = "/v1.0"
"""Where Graph is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `path` without `/v1.0/` and decoded, header names in small letters; `here` is the sandbox's origin."""

    verb: str
    path: str
    query: Pairs
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    here: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer; no body is none."""

    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request that was understood and permitted: who asks, of whose mailbox, and with what.

    `params` are the ids in the path. `mailbox` is that of the path; for paths outside of mailboxes it is the asker's,
    None for an application by itself.
    """

    state: State
    asked: Asked
    bearer: Bearer
    params: Mapping[str, str]
    query: Query
    prefers: Preferences
    own_mailbox: Mailbox | None

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox that is asked about."""
        if self.own_mailbox is None:
            raise RuntimeError("this request is about no mailbox")
        return self.own_mailbox

    @property
    def body(self) -> Mapping[str, Any]:
        """The body of the request."""
        return self.asked.body

    def calendar(self) -> Calendar:
        """Return the calendar that the path names, or else the default one; raises `GraphRefused`."""
        named = self.params.get("calendar")
        return self.mailbox.default if named is None else self.mailbox.calendar(named)

    def view(self, calendar: Calendar) -> View:
        """Return how events of a calendar are shown to whoever asks; raises `GraphRefused`."""
        return View(
            calendar,
            self.prefers,
            expanded=self.query.expanded(),
            selected=self.query.selected(),
            basic=not _MORE_THAN_BASIC & (self.bearer.scopes | self.bearer.roles),
        )

    def check_match(self, change: int) -> None:
        """See that If-Match, where it is given, names the version that a change has made; raises `GraphRefused`."""
        wanted = self.asked.headers.get("if-match")
        if wanted not in {None, "*", etag_of(change)}:
            raise changed_meanwhile()

    def context(self, what: str) -> dict[str, str]:
        """Return the `@odata.context` of an answer about a mailbox."""
        user = quote(self.mailbox.user.id, safe="")
        return {"@odata.context": f"{self.asked.here}{ROOT}/$metadata#users('{user}')/{what}"}

    def link(self, parameters: Pairs) -> str:
        """Return the address of this request with other parameters."""
        path = quote(self.asked.path, safe="/@=-_.~")
        return f"{self.asked.here}{ROOT}/{path}?{urlencode(parameters, safe='$', quote_via=quote)}"

    def size(self) -> int:
        """Return how many entries a page of a listing holds; raises `GraphRefused`."""
        size = self.query.number("$top", 1, MOST_SIZE) or self.prefers.page_size or USUAL_SIZE
        return min(size, self.state.oddities.most_per_page or MOST_SIZE, MOST_SIZE)

    def page(self, rows: Sequence[Any], render: Callable[[Any], Any], context: str) -> Answered:
        """Return a page of a listing, which `$skip` and `$top` choose; raises `GraphRefused`."""
        skipped, size = self.query.number("$skip", 0, 10**8) or 0, self.size()
        shown: dict[str, Any] = {**self.context(context), "value": [render(row) for row in rows[skipped:][:size]]}
        if skipped + size < len(rows):
            others = [(name, value) for name, value in self.query.given if name != "$skip"]
            shown["@odata.nextLink"] = self.link([*others, ("$skip", str(skipped + size))])
        return Answered(200, shown)


_MORE_THAN_BASIC = frozenset(
    {"Calendars.Read", "Calendars.ReadWrite", "Calendars.Read.Shared", "Calendars.ReadWrite.Shared"}
)
Handler = Callable[[Call], Answered | Awaitable[Answered]]
