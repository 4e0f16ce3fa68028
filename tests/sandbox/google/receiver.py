"""Somebody who is notified: a real server on loopback that answers as told, and notes what it got."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kalends.sandbox.serving import serving


class Receiver:
    """`got` are the headers of what came; `statuses` are the next answers, then 200."""

    def __init__(self) -> None:
        self.got: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.url = ""

    async def take(self, request: Request) -> Response:
        assert await request.body() == b""
        self.got.append({name: value for name, value in request.headers.items() if name.startswith("x-goog-")})
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

    @property
    def states(self) -> list[str]:
        return [one["x-goog-resource-state"] for one in self.got]

    async def until(self, states: list[str]) -> None:
        """Wait until these states came, and no others."""
        await soon(lambda: len(self.got) >= len(states))
        assert self.states == states


async def soon(true: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if true():
                return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with serving(Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])) as url:
        receiver.url = f"{url}/hook"
        yield receiver
