"""The state machine for Google: people, Google and the clock do what they can do, in any order.

It is the provider itself that reads here, with the tokens that it was given, from a Google that stands in; what it asks
is held to Google's own document. After every step, what *list events* answers is held to what Google held.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.state_machine.google_history import GoogleHistory, GoogleService
from tests.state_machine.google_person import PRIMARY, TEAM, Sort

LISTING = "/events[?]"
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "down": {"path": LISTING, "status": 503, "times": 9},
    "rate limit": {"path": LISTING, "status": 403, "reason": "rateLimitExceeded", "domain": "usageLimits", "times": 9},
    "user rate limit": {"path": LISTING, "status": 429, "reason": "userRateLimitExceeded", "times": 9},
    "quota": {"path": "/calendar/v3/", "status": 403, "reason": "quotaExceeded", "domain": "usageLimits", "times": 9},
    "not found": {"path": LISTING, "status": 404, "reason": "notFound", "times": 1},
    "forbidden": {"path": LISTING, "status": 403, "reason": "forbidden", "times": 1},
    "gone": {"path": LISTING, "status": 410, "reason": "fullSyncRequired", "times": 1},
    "gone twice": {"path": LISTING, "status": 410, "reason": "fullSyncRequired", "times": 2},
    "gone on a later page": {"path": "pageToken=", "status": 410, "reason": "fullSyncRequired", "times": 1},
    "down on a later page": {"path": "pageToken=", "status": 500, "times": 9},
    "page token refused": {"path": "pageToken=", "status": 400, "reason": "invalid", "times": 1},
    "access token refused": {"path": LISTING, "status": 401, "reason": "authError", "times": 1},
    "cut off": {"path": LISTING, "cut": True, "times": 9},
    "nonsense": {"path": LISTING, "status": 200, "body": {"kind": "calendar#events"}, "times": 9},
    "token endpoint down": {"path": "^/token$", "status": 503, "times": 9},
}
NAMES = tuple(f"e{number}" for number in range(4))
SPANS = (timedelta(minutes=3), timedelta(minutes=59), timedelta(hours=2), timedelta(hours=7), timedelta(hours=25))
"""Up to a poll, an access token's end, a long wait, the staleness limit, and the next window."""
Edit = tuple[str, str, str]

edit = st.tuples(
    st.sampled_from((PRIMARY, PRIMARY, TEAM)),
    st.sampled_from(NAMES),
    st.sampled_from((*Sort, "rename", *["delete"] * 3)),
)
edits = st.lists(edit, max_size=4)
many_edits = st.lists(edit, min_size=2, max_size=6)
calendars = st.sampled_from((PRIMARY, TEAM))


class GoogleHistories(RuleBasedStateMachine):
    """Makes a history up, step by step."""

    def __init__(self, service: GoogleService) -> None:
        super().__init__()
        self.service = service
        self.history: GoogleHistory | None = None

    @property
    def now(self) -> GoogleHistory:
        """The history, once it has begun."""
        assert self.history is not None
        return self.history

    @initialize(first=many_edits, page=st.integers(1, 4))
    def begin(self, *, first: Sequence[Edit], page: int) -> None:
        self.history = GoogleHistory(self.service)
        self.now.edit(self.now.person.bring_or_remove_team())
        self._edit(first)
        self._press_listing(PRIMARY, {"mostPerPage": page})
        self.now.choose([PRIMARY, TEAM])
        assert self.now.sync()

    # What happens at Google

    @rule(before=edits)
    def change(self, *, before: Sequence[Edit]) -> None:
        self._edit(before)

    @rule(calendar=calendars)
    def sync_tokens_expire(self, *, calendar: str) -> None:
        name = self.now.person.named(calendar)
        if name is not None:
            self._press(f"{self.now.person.path(name)}/expireSyncTokens", {})

    @rule()
    def access_tokens_expire(self) -> None:
        self._press("/oauth/expire-access-tokens", {})

    @rule(calendar=calendars, page=st.integers(1, 4), empty=st.integers(0, 2))
    def pages_change(self, *, calendar: str, page: int, empty: int) -> None:
        self._press_listing(calendar, {"mostPerPage": page, "emptyPages": empty})

    @rule()
    def team_comes_or_goes(self) -> None:
        self.now.edit(self.now.person.bring_or_remove_team())

    @precondition(lambda self: not self.now.withdrawn)
    @rule()
    def consent_is_withdrawn(self) -> None:
        self.now.withdraw()
        assert not self.now.sync(), "rule 11: what was withdrawn is read"

    # What Kalends and its people do

    @rule(before=edits)
    def sync(self, *, before: Sequence[Edit]) -> None:
        self._edit(before)
        assert self.now.sync() is not self.now.withdrawn

    @precondition(lambda self: not self.now.withdrawn)
    @rule(before=many_edits, expired=st.booleans(), name=st.sampled_from(sorted(FAULTS)))
    def sync_with_a_fault(self, *, before: Sequence[Edit], expired: bool, name: str) -> None:
        self._edit(before)
        if expired:
            self.sync_tokens_expire(calendar=PRIMARY)
        if name == "token endpoint down":
            self.access_tokens_expire()
        self.now.sync([FAULTS[name]])

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

    def _press(self, path: str, body: Mapping[str, Any]) -> None:
        self.service.do(self.service.stage.press(path, body))

    def _press_listing(self, calendar: str, body: Mapping[str, int]) -> None:
        name = self.now.person.named(calendar)
        if name is not None:
            self._press(f"{self.now.person.path(name)}/listing", body)

    def _edit(self, wanted: Sequence[Edit]) -> None:
        person = self.now.person
        for one, name, action in wanted:
            calendar = person.named(one)
            if calendar is None:
                continue
            match action:
                case "delete":
                    self.now.edit(person.delete(calendar, name))
                case "rename":
                    self.now.edit(person.rename(calendar, name))
                case _:
                    self.now.edit(person.put(calendar, name, Sort(action)))
