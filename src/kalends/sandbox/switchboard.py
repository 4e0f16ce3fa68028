"""Switches under `/_sandbox`: how they are pressed, and those that every sandbox has.

All take and give JSON, and are answered to this machine only.

    GET, POST           /_sandbox/time                        {"advanceSeconds": 3600}
    GET, POST, DELETE   /_sandbox/faults                      see `faults.Fault.of`
    GET, DELETE         /_sandbox/requests
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from kalends.sandbox.bodies import read_object
from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.faults import SWITCHES, Orders
from kalends.sandbox.refusals import Refusal

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that are this machine, as they are written in addresses."""

Answer = dict[str, Any]
_T = TypeVar("_T", bool, int, float, str)
_WITH_BODY = frozenset({"POST", "PATCH"})


class Words(Protocol):
    """How a service refuses what a switch is given."""

    def wrong(self, message: str, field: str | None = None) -> Refusal:
        """Return the refusal of a value, which the message explains."""
        ...

    def stranger(self) -> Refusal:
        """Return the refusal of whoever is not on this machine."""
        ...

    def too_large(self) -> Refusal:
        """Return the refusal of a body that is too long."""
        ...

    def unreadable(self) -> Refusal:
        """Return the refusal of a body that is no JSON object."""
        ...


@dataclass(frozen=True)
class Pressed:
    """A switch as it was pressed: the parameters of its path, its body, and the address of the sandbox."""

    path: Mapping[str, str]
    body: Mapping[str, Any]
    words: Words
    here: str = ""

    def given(self, name: str, kind: type[_T], usual: _T) -> _T:
        """Return a field of the body, or what it is without; raises a refusal for one of another type."""
        value = self.body.get(name, usual)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return kind(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.words.wrong(f"{name} is of the wrong type.", name)
        return value


@dataclass(frozen=True)
class Switchboard:
    """The switches that every sandbox has, and what they act on."""

    words: Words
    clock: SandboxClock
    orders: Orders

    def routes(self) -> list[BaseRoute]:
        """Return the routes of these switches."""
        return [
            self.switch("GET", "/time", self._time),
            self.switch("POST", "/time", self._advance),
            self.switch("GET", "/faults", self._faults),
            self.switch("POST", "/faults", self._order_fault),
            self.switch("DELETE", "/faults", self._forget_faults),
            self.switch("GET", "/requests", self._requests),
            self.switch("DELETE", "/requests", self._forget_requests),
        ]

    def switch(self, verb: str, path: str, press: Callable[[Pressed], Answer]) -> Route:
        """Return the route of a switch below `/_sandbox`; a refusal that it raises is its answer."""

        async def answer(request: Request) -> Response:
            try:
                self._check_neighbour(request)
                body = await self._body(request) if verb in _WITH_BODY else {}
                here = f"{request.url.scheme}://{request.url.netloc}"
                return JSONResponse(press(Pressed(request.path_params, body, self.words, here)))
            except Refusal as refused:
                return refused.answer()
            except ClientDisconnect:
                return Response(status_code=400)

        return Route(SWITCHES + path, answer, methods=[verb])

    async def _body(self, request: Request) -> Answer:
        return await read_object(request, too_large=self.words.too_large(), unreadable=self.words.unreadable())

    def _check_neighbour(self, request: Request) -> None:
        """See that it is somebody on this machine who asks, and no web page that their browser shows."""
        client = request.client.host if request.client else ""
        if client not in LOOPBACK or request.url.hostname not in LOOPBACK or "origin" in request.headers:
            raise self.words.stranger()

    def _time(self, _: Pressed) -> Answer:
        return {"now": written(self.clock.now())}

    def _advance(self, pressed: Pressed) -> Answer:
        seconds = pressed.given("advanceSeconds", float, 0.0)
        try:
            self.clock.advance(timedelta(seconds=seconds))
            return self._time(pressed)
        except (ValueError, OverflowError):
            raise self.words.wrong("The time goes forward only, and not beyond its end.", "advanceSeconds") from None

    def _faults(self, _: Pressed) -> Answer:
        return {"faults": [one.document() for one in self.orders.waiting if one.times != 0]}

    def _order_fault(self, pressed: Pressed) -> Answer:
        try:
            self.orders.order(pressed.body)
        except ValueError as wrong:
            raise self.words.wrong(f"The fault cannot be read: {wrong}.") from None
        return self._faults(pressed)

    def _forget_faults(self, pressed: Pressed) -> Answer:
        self.orders.waiting.clear()
        return self._faults(pressed)

    def _requests(self, _: Pressed) -> Answer:
        return {"requests": [one.document() for one in self.orders.asked]}

    def _forget_requests(self, pressed: Pressed) -> Answer:
        self.orders.asked.clear()
        return self._requests(pressed)


def written(instant: datetime) -> str:
    """Return an instant as switches show it: in UTC, with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
