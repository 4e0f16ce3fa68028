"""How often Graph lets itself be asked: by each app in a mailbox so often at a time, and so often in ten minutes.

Source: "Microsoft Graph service-specific throttling limits", Outlook service limits.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.faults import Orders
from kalends.sandbox.microsoft.bearer import Bearers
from kalends.sandbox.microsoft.call import ROOT
from kalends.sandbox.microsoft.errors import GraphRefused
from kalends.sandbox.microsoft.state import State

AT_A_TIME = 4
PER_TEN_MINUTES = 10_000
_PERIOD = 600

Pair = tuple[str, str]
"""An app, and the mailbox that it asks about: their ids."""


@dataclass
class Throttle:
    """Counts requests. `peak` is the most that were ever under way at once of one app in one mailbox.

    Every request takes `latency` seconds, so that several can be under way. `refused` counts what was turned away.
    """

    clock: SandboxClock
    on: bool = True
    at_a_time: int = AT_A_TIME
    per_ten_minutes: int = PER_TEN_MINUTES
    retry_after: int = 1
    latency: float = 0.0
    peak: int = 0
    refused: int = 0
    _under_way: Counter[Pair] = field(default_factory=Counter)
    _counted: Counter[Pair] = field(default_factory=Counter)
    _period: int = 0

    def enter(self, pair: Pair) -> bool:
        """Count a request that begins, and tell whether it may go on; `leave` has to follow in either case."""
        self._under_way[pair] += 1
        self.peak = max(self.peak, self._under_way[pair])
        return not self.on or self._under_way[pair] <= self.at_a_time

    def leave(self, pair: Pair) -> None:
        """Count a request that is over."""
        self._under_way[pair] -= 1
        if not self._under_way[pair]:
            del self._under_way[pair]

    def too_many_at_once(self) -> GraphRefused:
        """Return the refusal of a request that is one too many at a time."""
        self.refused += 1
        return _throttled("MailboxConcurrency", self.retry_after)

    def spend(self, pair: Pair) -> None:
        """Count a request; raises `GraphRefused` where it is one too many in these ten minutes."""
        now = self.clock.now().timestamp()
        if int(now // _PERIOD) != self._period:
            self._period = int(now // _PERIOD)
            self._counted.clear()
        self._counted[pair] += 1
        if self.on and self._counted[pair] > self.per_ten_minutes:
            self.refused += 1
            raise _throttled("RequestCount", max(1, int(_PERIOD - now % _PERIOD)))

    def forget(self) -> None:
        """Forget the peak, and what was counted in these ten minutes."""
        self.peak = self.refused = 0
        self._counted.clear()


def _throttled(limit: str, seconds: int) -> GraphRefused:
    text = f"Application is over its {limit} limit."
    return GraphRefused(429, "ApplicationThrottled", text, headers={"Retry-After": str(seconds)})


class Gate:
    """Stands in front of everything else, and turns away what is one too many at a time in a mailbox."""

    def __init__(self, app: ASGIApp, throttle: Throttle, state: State, bearers: Bearers, orders: Orders) -> None:
        self._app = app
        self._throttle = throttle
        self._state = state
        self._bearers = bearers
        self._orders = orders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        pair = self._pair(scope)
        if pair is None:
            await self._app(scope, receive, send)
            return
        try:
            if not self._throttle.enter(pair):
                refused = self._throttle.too_many_at_once()
                query = scope["query_string"].decode("latin-1")
                self._orders.remember(scope["method"], scope["path"], query, refused.status)
                await refused.answer()(scope, receive, send)
                return
            if self._throttle.latency:
                await asyncio.sleep(self._throttle.latency)
            await self._app(scope, receive, send)
        finally:
            self._throttle.leave(pair)

    def _pair(self, scope: Scope) -> Pair | None:
        if scope["type"] != "http" or not scope["path"].startswith(f"{ROOT}/"):
            return None
        return pair_of(self._state, self._bearers, scope["path"].removeprefix(f"{ROOT}/"), _authorization(scope))


def pair_of(state: State, bearers: Bearers, path: str, authorization: str) -> Pair | None:
    """Return the app and the mailbox of a request by its path below `/v1.0/`; None where it is about no mailbox."""
    scheme, _, token = authorization.partition(" ")
    bearer = bearers.bearer(token.strip()) if scheme.lower() == "bearer" else None
    if bearer is None:
        return None
    first, _, rest = path.partition("/")
    if first == "me" and bearer.user is not None:
        return bearer.client_id, bearer.user.id
    mailbox = state.mailbox(rest.partition("/")[0]) if first == "users" else None
    return None if mailbox is None else (bearer.client_id, mailbox.user.id)


def _authorization(scope: Mapping[str, Any]) -> str:
    found = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return str(found.decode("latin-1"))
