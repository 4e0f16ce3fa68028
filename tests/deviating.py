"""A real CalDAV server behind a proxy that makes it deviate, for one request or another."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2

from tests.net.loopback import Asked, raw, serve
from tests.servers import CalDavServer

Deviate = Callable[[Asked], bytes | None]
"""Returns a whole HTTP answer in the server's place, or None to leave the request to the server."""

_OF_ONE_HOP = {"host", "content-length", "accept-encoding", "connection"}


@asynccontextmanager
async def deviating(server: CalDavServer, deviate: Deviate) -> AsyncIterator[CalDavServer]:
    """Serve the server at another address, deviating; another client still changes what is on it at its own."""
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:

        async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
            instead = deviate(asked)
            if instead is None:
                headers = {name: value for name, value in asked.headers.items() if name not in _OF_ONE_HOP}
                real = await http.request(asked.method, server.url + asked.target, content=asked.body, headers=headers)
                kept = {name: value for name, value in real.headers.items() if name in {"content-type", "etag"}}
                instead = raw(real.status_code, real.content, kept)
            writer.write(instead)
            await writer.drain()

        async with serve(answer) as proxy:
            behind = replace(server, url=f"http://{proxy.place}")
            try:
                yield behind
            finally:
                behind.close()
