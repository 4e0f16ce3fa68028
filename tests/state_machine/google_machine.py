"""The state machine for Google; what it asks is held to Google's own document."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.state_machine.person_machine import Edit, PersonHistories, many_edits

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


class GoogleHistories(PersonHistories):
    """Histories of a Google account."""

    @initialize(first=many_edits, page=st.integers(1, 4))
    def begin(self, *, first: Sequence[Edit], page: int) -> None:
        self.begin_with(first, page)

    @precondition(lambda self: not self.now.withdrawn)
    @rule(before=many_edits, expired=st.booleans(), name=st.sampled_from(sorted(FAULTS)))
    def sync_with_a_fault(self, *, before: Sequence[Edit], expired: bool, name: str) -> None:
        self.sync_with(FAULTS[name], before, expired=expired)
