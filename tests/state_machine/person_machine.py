"""The state machine of a connected account: people, the provider and the clock do what they can do, in any order.

It is the plugin itself that reads here, with the tokens that it was given, from a sandbox that stands in for the
provider. After every step, what *list events* answers is held to what the provider held. What is different from
provider to provider is in `google_machine.py` and `microsoft_machine.py`.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kalends.model.connection import ExportTarget
from tests.state_machine.bookings import Booking
from tests.state_machine.person import PRIMARY, TEAM, Sort
from tests.state_machine.person_history import PersonHistory, PersonService

NAMES = tuple(f"e{number}" for number in range(4))
SPANS = (timedelta(minutes=3), timedelta(minutes=59), timedelta(hours=2), timedelta(hours=7), timedelta(hours=25))
"""Up to a poll, an access token's end, a long wait, the staleness limit, and the next window."""
TOKEN_ENDPOINT = "/token$"
"""How the path of a fault ends that strikes where access tokens are fetched."""
Edit = tuple[str, str, str]

edit = st.tuples(
    st.sampled_from((PRIMARY, PRIMARY, TEAM)),
    st.sampled_from(NAMES),
    st.sampled_from((*Sort, "rename", "move", *["delete"] * 3)),
)
edits = st.lists(edit, max_size=4)
many_edits = st.lists(edit, min_size=2, max_size=6)
calendars = st.sampled_from((PRIMARY, TEAM))


class PersonHistories(RuleBasedStateMachine):
    """Makes a history up, step by step."""

    def __init__(self, service: PersonService) -> None:
        super().__init__()
        self.service = service
        self.history: PersonHistory | None = None

    @property
    def now(self) -> PersonHistory:
        """The history, once it has begun."""
        assert self.history is not None
        return self.history

    def begin_with(self, first: Sequence[Edit], page: int) -> None:
        """Make the person, and read what they have; it is for each machine to say how it begins."""
        self.history = PersonHistory(self.service)
        self.begun()
        self.now.edit(self.now.person.bring_or_remove_team())
        self._edit(first)
        self.set_pages(PRIMARY, page)
        self.now.choose([PRIMARY, TEAM])
        assert self.now.sync()

    def begun(self) -> None:
        """Do what is to be done before anything is read."""

    # What happens at the provider

    @rule(before=edits)
    def change(self, *, before: Sequence[Edit]) -> None:
        self._edit(before)

    @rule(calendar=calendars)
    def cursors_expire(self, *, calendar: str) -> None:
        name = self.now.person.named(calendar)
        if name is not None:
            self.now.edit(self.now.person.expire_cursors(name))

    @rule()
    def access_tokens_expire(self) -> None:
        self.press("/oauth/expire-access-tokens", {})

    @rule(calendar=calendars, page=st.integers(1, 4), empty=st.integers(0, 2))
    def pages_change(self, *, calendar: str, page: int, empty: int) -> None:
        self.set_pages(calendar, page, empty)

    @rule()
    def team_comes_or_goes(self) -> None:
        self.now.edit(self.now.person.bring_or_remove_team())

    @precondition(lambda self: not self.now.withdrawn)
    @rule()
    def consent_is_withdrawn(self) -> None:
        self.now.withdraw()
        assert not self.now.sync(), "rule 11: what was withdrawn is read"

    @rule(delete=st.booleans())
    def copy_is_touched(self, *, delete: bool) -> None:
        self.now.touch_copy(delete=delete)

    # What Kalends and its people do

    @rule(booked=st.lists(st.tuples(st.sampled_from(NAMES[:2]), st.sampled_from(Booking)), min_size=1, max_size=3))
    def book(self, *, booked: Sequence[tuple[str, Booking]]) -> None:
        for name, what in booked:
            self.now.book(name, what)

    @rule(into=st.sampled_from((ExportTarget.DEDICATED, ExportTarget.PRIMARY, None)))
    def export(self, *, into: ExportTarget | None) -> None:
        self.now.export(into)

    @rule(before=edits)
    def sync(self, *, before: Sequence[Edit]) -> None:
        self._edit(before)
        assert self.now.sync() is not self.now.withdrawn

    @rule(before=many_edits, calendar=calendars)
    def sync_after_a_gap(self, *, before: Sequence[Edit], calendar: str) -> None:
        self._edit(before)
        self.cursors_expire(calendar=calendar)
        self.sync(before=())

    @rule(wanted=st.sets(calendars, min_size=1))
    def choose(self, *, wanted: set[str]) -> None:
        self.now.choose({PRIMARY, *wanted})

    @rule()
    def connect(self) -> None:
        self.now.connect()

    @rule(span=st.sampled_from(SPANS))
    def wait(self, *, span: timedelta) -> None:
        self.service.stage.world.clock.advance(span)

    @invariant()
    def rules_are_kept(self) -> None:
        if self.history is not None:
            self.history.check()

    def teardown(self) -> None:
        """Have everything come right, where nothing went wrong before."""
        failed = sys.exc_info()[0] is not None
        if self.history is None:
            return
        try:
            if not failed:
                self.history.come_right()
        finally:
            self.history.end()

    def sync_with(self, fault: Mapping[str, Any], before: Sequence[Edit], *, expired: bool) -> None:
        """Sync with a fault on the way; it is for each machine to say which there are."""
        self._edit(before)
        if expired:
            self.cursors_expire(calendar=PRIMARY)
        if TOKEN_ENDPOINT in fault["path"]:
            self.access_tokens_expire()
        self.now.sync([fault])

    def press(self, path: str, body: Mapping[str, Any]) -> None:
        """Press a switch of the sandbox."""
        self.service.do(self.service.stage.press(path, body))

    def set_pages(self, calendar: str, size: int, empty: int = 0) -> None:
        """Have a calendar, if there is one, come in pages of so many events."""
        name = self.now.person.named(calendar)
        if name is not None:
            self.now.edit(self.now.person.set_pages(name, size, empty))

    def _edit(self, wanted: Sequence[Edit]) -> None:
        person = self.now.person
        for one, name, action in wanted:
            calendar = person.named(one)
            if calendar is None:
                continue
            match action:
                case "delete":
                    self.now.edit(person.delete(calendar, name))
                case "move":
                    self.now.edit(person.move(calendar, name))
                case "rename":
                    self.now.edit(person.rename(calendar, name))
                case _:
                    self.now.edit(person.put(calendar, name, Sort(action)))
