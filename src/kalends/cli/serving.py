"""Serving the API, with the syncs and the clean-up beside it in one event loop, until a signal ends all three."""

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import structlog
import uvicorn
import uvloop

from kalends.api.application import create_api
from kalends.cli.output import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from kalends.app import Kalends

FINISH_REQUESTS_SECONDS = 10
"""How long requests under way may take to end once the server is told to stop."""
MOST_CONNECTIONS = 1000
"""Open connections and requests beyond which callers get 503: a flood must not take every file handle."""
BRIDGED = ("uvicorn.error", "asyncio")

T = TypeVar("T")
log = structlog.get_logger(__name__)


def run_in_loop(main: "Coroutine[Any, Any, T]") -> T:
    """Run a coroutine in an event loop of the kind that the server wants."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound, port 0 to any free one; raises `CommandFailed` where that cannot be."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except socket.gaierror:
        raise CommandFailed("CANNOT_LISTEN", f"{host!r} is no address of this machine.") from None
    except OSError as error:
        taken = f"Port {port} of {host} is taken by another program; choose another with --port."
        why = f"Cannot listen on port {port} of {host}: {error.strerror}."
        raise CommandFailed("CANNOT_LISTEN", taken if error.errno == errno.EADDRINUSE else why) from None


def url_of(bound: socket.socket) -> str:
    """Return the URL by which a socket's server is reached from this machine."""
    host, port = bound.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if bound.family is socket.AF_INET else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(kalends: "Kalends", bound: socket.socket, *, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; requests and syncs under way then end, or hand their leases back.

    `ready` is called once requests are answered. A second signal ends requests at once.
    """
    _bridge_logs()
    server = _Server(kalends, ready)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    answering = asyncio.create_task(server.serve(sockets=[bound]))
    beside = [asyncio.create_task(kalends.loop.run()), asyncio.create_task(kalends.retention.run())]
    try:
        await asyncio.wait({answering, *beside}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        for task in beside:
            task.cancel()
        ended = await asyncio.gather(answering, *beside, return_exceptions=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    for error in ended:
        if isinstance(error, Exception):
            raise error


class _Server(uvicorn.Server):
    """uvicorn, told when to stop by `serve` rather than by handlers of its own."""

    def __init__(self, kalends: "Kalends", ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                create_api(kalends.services),
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
        self._ready = ready

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


class _Bridge(logging.Handler):
    """Carries warnings of the server and the event loop into our log, each as its first line.

    What follows may be the text of an error, and that may quote anything.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        message = str(record.msg).partition("\n")[0]
        log.log(record.levelno, message, logger=record.name)


def _bridge_logs() -> None:
    # without a handler of its own, logging would print what libraries log as it is, titles and all
    logging.getLogger().addHandler(logging.NullHandler())
    for name in BRIDGED:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.handlers = [_Bridge()]
        logger.propagate = False
