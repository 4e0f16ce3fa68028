"""Faults on order, in front of everything else, and a record of what was asked.

A fault goes to the requests that its method and pattern match, so many times: it waits, cuts the connection, or answers
with an error; waiting may come before either, or before the usual answer. Requests for the switches are left alone.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from kalends.sandbox.refusals import Refusal

SWITCHES = "/_sandbox"
"""Where the switches are."""
_MOST_REQUESTS = 10_000
_LONGEST_DELAY = 120.0
_LONGEST_PATTERN = 500
_HIDDEN = frozenset({"access_token", "oauth_token", "key"})


@dataclass(frozen=True, slots=True)
class Wording:
    """How a service words a fault: reason and message where the order names none, and the refusal.

    `refuse` makes a refusal of a fault, its status, and headers. `api` is the path below which requests are remembered
    with their query.
    """

    reason: str
    message: str
    refuse: Callable[["Fault", int, dict[str, str]], Refusal]
    api: str


@dataclass
class Fault:
    """One order; `times` is how often it is still to strike, None for ever.

    `path` is looked for in path and query together. Without `status` and `cut` the request is answered as usual.
    """

    path: "re.Pattern[str]"
    wording: Wording
    method: str | None = None
    times: int | None = 1
    status: int | None = None
    reason: str = ""
    message: str = ""
    domain: str = "global"
    retry_after: str | None = None
    body: Any = None
    delay: float = 0.0
    cut: bool = False

    @classmethod
    def of(cls, said: Mapping[str, Any], wording: Wording) -> "Fault":
        """Read an order from JSON; raises `ValueError` with a message for whoever gave it."""
        known = {
            "path": (str, ".*"),
            "method": (str, None),
            "times": (int, 1),
            "status": (int, None),
            "reason": (str, wording.reason),
            "message": (str, wording.message),
            "domain": (str, "global"),
            "retryAfter": (str, None),
            "body": (object, None),
            "delaySeconds": ((int, float), 0.0),
            "cut": (bool, False),
        }
        if unknown := set(said) - set(known):
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        read = {name: said.get(name, usual) for name, (_, usual) in known.items()}
        for name, (kind, usual) in known.items():
            may_be_none = usual is None or name == "times"
            if not (read[name] is None and may_be_none) and not _is_a(read[name], kind):
                raise ValueError(f"{name} is of the wrong type")
        status, delay = read["status"], read["delaySeconds"]
        if status is not None and not 100 < status < 600:  # noqa: PLR2004 - what HTTP has
            raise ValueError("status is none of HTTP's")
        if not 0 <= delay <= _LONGEST_DELAY or len(read["path"]) > _LONGEST_PATTERN:
            raise ValueError("delaySeconds or path is out of bounds")
        try:
            pattern = re.compile(read["path"])
        except re.error:
            raise ValueError("path is no regular expression") from None
        return cls(
            pattern,
            wording,
            read["method"],
            read["times"],
            status,
            read["reason"],
            read["message"],
            read["domain"],
            read["retryAfter"],
            read["body"],
            float(delay),
            read["cut"],
        )

    def strikes(self, method: str, asked: str) -> bool:
        """Tell whether this request is one of those it waits for, and count it."""
        if self.method not in {None, method} or self.times == 0 or self.path.search(asked) is None:
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def answer(self) -> Response | None:
        """Return the error, None where the request is to be answered as usual."""
        if self.status is None:
            return None
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        if self.body is not None:
            return JSONResponse(self.body, self.status, headers=headers)
        return self.wording.refuse(self, self.status, headers).answer()

    def document(self) -> dict[str, Any]:
        """Return what is still to come of it, as JSON."""
        return {"path": self.path.pattern, "method": self.method, "times": self.times, "status": self.status}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was answered; `status` 0 stands for a connection that was cut."""

    method: str
    path: str
    status: int

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"method": self.method, "path": self.path, "status": self.status}


@dataclass
class Orders:
    """Faults that wait for their requests, the first to match strikes, and the latest requests, oldest first."""

    wording: Wording
    waiting: list[Fault] = field(default_factory=list)
    asked: deque[Asked] = field(default_factory=lambda: deque(maxlen=_MOST_REQUESTS))

    def order(self, said: Mapping[str, Any]) -> None:
        """Take an order, as JSON; raises `ValueError` with a message for whoever gave it."""
        self.waiting.append(Fault.of(said, self.wording))

    def striking(self, method: str, path: str, query: str) -> Fault | None:
        """Return the fault that strikes a request, which is counted."""
        asked = f"{path}?{query}" if query else path
        return next((one for one in self.waiting if one.strikes(method, asked)), None)

    def remember(self, method: str, path: str, query: str, status: int) -> None:
        """Remember a request: of the API with its query, of other endpoints without, and no secret of either."""
        shown = path
        if query and path.startswith(self.wording.api):
            pairs = parse_qsl(query, keep_blank_values=True)
            shown = f"{path}?{urlencode([(name, '…' if name in _HIDDEN else value) for name, value in pairs])}"
        self.asked.append(Asked(method, shown, status))


class Faults:
    """Stands in front of an application, and sees to its orders."""

    def __init__(self, app: ASGIApp, orders: Orders) -> None:
        self._app = app
        self._orders = orders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http" or scope["path"].startswith(SWITCHES):
            await self._app(scope, receive, send)
            return
        method, path, query = scope["method"], scope["path"], scope["query_string"].decode("latin-1")
        fault = self._orders.striking(method, path, query)
        status = 0

        async def sent(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if fault is not None and fault.delay:
                await asyncio.sleep(fault.delay)
            answer = None if fault is None else fault.answer()
            if fault is not None and fault.cut:
                await _cut(send)
            elif answer is not None:
                await answer(scope, receive, sent)
            else:
                await self._app(scope, receive, sent)
        finally:
            self._orders.remember(method, path, query, status)


def _is_a(value: object, kind: Any) -> bool:
    """Tell whether a value is of a type, or of one of several; a boolean is no number."""
    return isinstance(value, kind) and (kind in {bool, object} or not isinstance(value, bool))


async def _cut(send: Send) -> None:
    # an answer that ends before its length is the way in which an application can close a connection
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
