"""How often Google lets itself be asked: so many requests a minute of each user in a project, and of each project."""

from collections import Counter
from dataclasses import dataclass, field

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.bearer import Bearer
from kalends.sandbox.google.errors import Refused

PER_USER = 600
PER_PROJECT = 10_000
"""Google's limits a minute, as of November 2026."""

STYLES = ("403", "429")
"""Google refuses in either way, and says that both mean the same."""


@dataclass
class Quotas:
    """Counts requests by the minutes of the sandbox. `style` is the status of refusals; off, there are none."""

    clock: SandboxClock
    per_user: int = PER_USER
    per_project: int = PER_PROJECT
    style: str = "403"
    on: bool = True
    _minute: int = 0
    _counted: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def spend(self, bearer: Bearer) -> None:
        """Count a request; raises `Refused` where it is one too many for this minute."""
        if not self.on:
            return
        minute = int(self.clock.now().timestamp() // 60)
        if minute != self._minute:
            self._minute = minute
            self._counted.clear()
        number = bearer.client_id.partition("-")[0]
        project, user = (number,), (number, bearer.user.id)
        self._counted.update([project, user])
        if self._counted[user] > self.per_user:
            raise self._refusal("userRateLimitExceeded", "User Rate Limit Exceeded")
        if self._counted[project] > self.per_project:
            raise self._refusal("rateLimitExceeded", "Rate Limit Exceeded")

    def _refusal(self, reason: str, message: str) -> Refused:
        if self.style == "429":
            return Refused(429, "rateLimitExceeded", "Rate Limit Exceeded", domain="usageLimits")
        return Refused(403, reason, message, domain="usageLimits")
