"""Serving the API, or only what monitors ask, with the worker beside it in one event loop, until a signal ends both."""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from kalends.api.application import create_api, create_monitoring
from kalends.cli.output import CommandFailed
from kalends.cli.process import bridge_logs, on_signals, tune_the_interpreter

if TYPE_CHECKING:
    from kalends.app import Kalends

FINISH_REQUESTS_SECONDS = 10
"""How long requests under way may take to end once the server is told to stop."""
MOST_CONNECTIONS = 1000
"""Open connections and requests beyond which callers get 503: a flood must not take every file handle."""


def listen(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """Return a socket that is bound, port 0 to any free one; raises `CommandFailed` where that cannot be.

    `option` is the command's, by which another port can be chosen.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except socket.gaierror:
        raise CommandFailed("CANNOT_LISTEN", f"{host!r} is no address of this machine.") from None
    except OSError as error:
        taken = f"Port {port} of {host} is taken by another program; choose another with {option}."
        why = f"Cannot listen on port {port} of {host}: {error.strerror}."
        raise CommandFailed("CANNOT_LISTEN", taken if error.errno == errno.EADDRINUSE else why) from None


def url_of(bound: socket.socket) -> str:
    """Return the URL by which a socket's server is reached from this machine."""
    host, port = bound.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if bound.family is socket.AF_INET else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    kalends: "Kalends",
    bound: socket.socket,
    *,
    ready: Callable[[], None],
    work: bool = True,
    beside: Sequence[Route] = (),
) -> None:
    """Serve until SIGINT or SIGTERM; requests and syncs under way then end, or hand their leases back.

    `ready` is called once requests are answered. Without `work`, syncs are left to other processes. `beside` are
    routes besides those of the API. A second signal ends requests and syncs at once.
    """
    await _until_told(kalends, _Server(create_api(kalends.services, beside=beside), bound, ready), work=work)


async def work(kalends: "Kalends", bound: socket.socket | None, *, ready: Callable[[], None]) -> None:
    """Do syncs until SIGINT or SIGTERM, and answer monitors where there is a socket for that; it ends as `serve` does.

    `ready` is called once monitors are answered, at once where there are none.
    """
    if bound is None:
        await _until_told(kalends, None, work=True, ready=ready)
    else:
        await _until_told(kalends, _Server(create_monitoring(kalends.services), bound, ready), work=True)


async def _until_told(
    kalends: "Kalends", server: "_Server | None", *, work: bool, ready: Callable[[], None] | None = None
) -> None:
    bridge_logs()
    tune_the_interpreter()
    stopping = asyncio.Event()
    answering = [] if server is None else [asyncio.create_task(server.answer())]
    working = [asyncio.create_task(kalends.worker.run(stopping))] if work else []

    def stop() -> None:
        if server is not None:
            server.stop()
        if stopping.is_set():
            for task in working:
                task.cancel()
        stopping.set()

    with on_signals(stop):
        if ready is not None:
            ready()
        try:
            await asyncio.wait({*answering, *working}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if server is not None:
                server.should_exit = True
            stopping.set()
            ended = await asyncio.gather(*answering, *working, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error


class _Server(uvicorn.Server):
    """uvicorn, told when to stop from here rather than by handlers of its own."""

    def __init__(self, app: Starlette, bound: socket.socket, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=FINISH_REQUESTS_SECONDS,
            )
        )
        self._bound = bound
        self._ready = ready

    async def answer(self) -> None:
        """Answer until told to stop."""
        await self.serve(sockets=[self._bound])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    def stop(self) -> None:
        """Stop; asked a second time, without waiting for requests."""
        self.force_exit = self.should_exit
        self.should_exit = True
