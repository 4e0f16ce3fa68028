"""Somebody who is notified: a real server on loopback that proves itself, answers as told, and notes what it got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kalends.sandbox.serving import serving


class Receiver:
    """`got` are the notifications that came; `statuses` are the next answers, then 202.

    `proof` changes what validation is answered with: as it should be, `html`, `wrong`, or `slow`.
    """

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.messages = 0
        self.validated: list[str] = []
        self.statuses: list[int] = []
        self.proof = "right"
        self.url = ""

    async def take(self, request: Request) -> Response:
        token = request.query_params.get("validationToken")
        if token is not None:
            return await self._prove(request, token)
        self.messages += 1
        assert request.headers["content-type"].startswith("application/json")
        self.got += (await request.json())["value"]
        return Response(status_code=self.statuses.pop(0) if self.statuses else 202)

    async def _prove(self, request: Request, token: str) -> Response:
        assert await request.body() == b""
        assert request.headers["content-type"].startswith("text/plain")
        self.validated.append(request.url.path)
        if self.proof == "slow":
            await asyncio.sleep(1)
        if self.proof == "html":
            return Response(token, media_type="text/html")
        return PlainTextResponse("nonsense" if self.proof == "wrong" else token, 202 if self.proof == "202" else 200)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    routes = [Route(path, receiver.take, methods=["POST"]) for path in ("/hook", "/life")]
    async with serving(Starlette(routes=routes)) as url:
        receiver.url = url
        yield receiver
