"""The state machine for Microsoft: what Graph leaves open is now so, now otherwise, and delta views run out of time."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from kalends.sandbox.microsoft.delta import GONE_STYLES, MASTERS, OUTSIDE
from tests.state_machine.microsoft_person import MicrosoftPerson
from tests.state_machine.person_machine import Edit, PersonHistories, calendars, many_edits

LISTING = "/calendarView/delta"
LATER = "skiptoken="
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "down": {"path": LISTING, "status": 503, "times": 9},
    "server busy": {"path": "/v1.0/", "status": 503, "reason": "ErrorServerBusy", "times": 9, "retryAfter": "9"},
    "mailbox concurrency": {"path": LISTING, "status": 429, "reason": "ApplicationThrottled", "times": 9},
    "too many requests": {"path": "/v1.0/", "status": 429, "reason": "TooManyRequests", "times": 9, "retryAfter": "90"},
    "mailbox is being moved": {"path": LISTING, "status": 404, "reason": "ErrorMailboxMoveInProgress", "times": 9},
    "not found": {"path": LISTING, "status": 404, "reason": "ErrorItemNotFound", "times": 1},
    "forbidden": {"path": LISTING, "status": 403, "reason": "ErrorAccessDenied", "times": 1},
    "gone": {"path": LISTING, "status": 410, "reason": "SyncStateNotFound", "times": 1},
    "gone twice": {"path": LISTING, "status": 410, "reason": "resyncRequired", "times": 2},
    "gone on a later page": {"path": LATER, "status": 410, "reason": "SyncStateNotFound", "times": 1},
    "down on a later page": {"path": LATER, "status": 500, "times": 9},
    "skip token refused": {"path": LATER, "status": 400, "reason": "ErrorInvalidUrlQuery", "times": 1},
    "masters cannot be had": {"path": "/me/events/", "status": 503, "times": 9},
    "access token refused": {"path": LISTING, "status": 401, "reason": "InvalidAuthenticationToken", "times": 1},
    "cut off": {"path": LISTING, "cut": True, "times": 9},
    "nonsense": {"path": LISTING, "status": 200, "body": {"@odata.context": "event"}, "times": 9},
    "an end without a delta link": {"path": LISTING, "status": 200, "body": {"value": []}, "times": 9},
    "a link elsewhere": {
        "path": LISTING,
        "status": 200,
        "body": {"value": [], "@odata.deltaLink": "https://elsewhere.example/v1.0/delta"},
        "times": 9,
    },
    "token endpoint down": {"path": "/oauth2/v2.0/token$", "status": 503, "times": 9},
}
ODDITIES = st.fixed_dictionaries(
    {},
    optional={
        "goneStyle": st.sampled_from(GONE_STYLES),
        "occurrencesFollow": st.booleans(),
        "masters": st.sampled_from(MASTERS[::-1]),
        "removedReason": st.sampled_from(("deleted", "changed")),
        "outside": st.sampled_from(OUTSIDE),
    },
)
REST = timedelta(minutes=2)
"""Longer than Graph is said to want to be left alone."""
LONG = timedelta(days=20)
"""Two of these are as much as a delta view may reach beyond what is kept, and all events are still kept after them."""
MOST_LONG = 2


class MicrosoftHistories(PersonHistories):
    """Histories of a Microsoft account."""

    long_waits = 0
    odd: Mapping[str, Any] = {}

    @initialize(first=many_edits, page=st.integers(1, 4), odd=ODDITIES)
    def begin(self, *, first: Sequence[Edit], page: int, odd: Mapping[str, Any]) -> None:
        self.odd = odd
        self.begin_with(first, page)

    def begun(self) -> None:
        self.press("/oddities", self.odd)

    @precondition(lambda self: not self.now.withdrawn)
    @rule(before=many_edits, expired=st.booleans(), name=st.sampled_from(sorted(FAULTS)))
    def sync_with_a_fault(self, *, before: Sequence[Edit], expired: bool, name: str) -> None:
        fault = FAULTS[name]
        self.sync_with(fault, before, expired=expired)
        if fault.get("status") == 429 or "retryAfter" in fault:
            # until then the mailbox is left alone, by whoever it is that would ask
            self.wait(span=REST)

    @rule(set_to=ODDITIES)
    def graph_behaves_otherwise(self, *, set_to: Mapping[str, Any]) -> None:
        self.press("/oddities", set_to)

    @rule(calendar=calendars)
    def calendar_is_called_otherwise(self, *, calendar: str) -> None:
        person = self.now.person
        assert isinstance(person, MicrosoftPerson)
        name = person.named(calendar)
        if name is not None:
            self.now.edit(person.change_calendar_id(name))

    @precondition(lambda self: self.long_waits < MOST_LONG)
    @rule()
    def wait_long(self) -> None:
        self.long_waits += 1
        self.wait(span=LONG)
