"""Serving a sandbox over HTTP from inside the program that uses it, on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"
_START_SECONDS = 20
_STOP_SECONDS = 3


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the program."""
        yield


def listen(port: int = 0) -> socket.socket:
    """Return a socket bound on loopback, port 0 to any free one; raises `OSError`."""
    return socket.create_server((HOST, port))


@asynccontextmanager
async def serving(app: ASGIApp, bound: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve an application while the context lasts; yield its URL, without a slash at the end.

    Raises `RuntimeError` where it does not start.
    """
    listening = bound or listen()
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve([listening]))
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not server.started:
                if running.done():
                    raise RuntimeError("the sandbox did not start")
                await asyncio.sleep(0.01)
        yield f"http://{HOST}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listening.close()
