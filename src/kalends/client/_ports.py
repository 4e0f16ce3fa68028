"""Sends bytes and waits, on httpx2: once blocking, once not.

Redirects are not followed: they would carry credentials elsewhere. An answer is read up to a limit, and only so long.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

import httpx2

from kalends.client._errors import ConnectionFailed, ProtocolError, TimedOut
from kalends.client._transport import Answer

KEPT_OPEN = httpx2.Limits(keepalive_expiry=3.0)
"""Shorter than servers keep an idle connection, so that a POST does not go out on one that is just being closed."""


@dataclass(frozen=True, slots=True)
class Way:
    """Whereto, and how long and how much at most.

    `timeout` (seconds) bounds connecting, each wait for the server, and the reading of an answer as a whole;
    `max_bytes` counts a body as decompressed.
    """

    base_url: str
    timeout: float
    max_bytes: int
    clock: Callable[[], datetime] = field(repr=False)

    @classmethod
    def to(cls, base_url: str, *, timeout: float, max_bytes: int, clock: Callable[[], datetime]) -> "Way":
        """Check a base URL, with or without a slash at its end; raises `ValueError`."""
        try:
            url = httpx2.URL(base_url)
            fits = url.scheme in {"http", "https"} and url.host and not (url.userinfo or url.query or url.fragment)
        except httpx2.InvalidURL:
            fits = False
        if not fits:
            raise ValueError("The base URL must be http(s)://host[:port][/path], without user, query and fragment.")
        return cls(base_url.rstrip("/"), timeout, max_bytes, clock)

    def options(self, headers: Mapping[str, str], content: bytes | None) -> dict[str, Any]:
        """Return how httpx2 is to send a request, whatever its client was set up for."""
        sent = {"headers": dict(headers), "content": content, "timeout": self.timeout}
        return {**sent, "follow_redirects": False, "auth": None}

    def reading(self) -> "Reading":
        """Return an empty body."""
        return Reading(self)


class Reading:
    """A body that is being read."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._until = way.clock() + timedelta(seconds=way.timeout)
        self._body = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take what came; raises `ProtocolError` when it is too much, `TimedOut` when it takes too long."""
        self._body += chunk
        if len(self._body) > self._way.max_bytes:
            raise ProtocolError(f"The answer is larger than {self._way.max_bytes} bytes.")
        if self._way.clock() > self._until:
            raise TimedOut(f"The answer is not complete after {self._way.timeout:g} s.", outcome_unknown=True)

    def answer(self, response: httpx2.Response) -> Answer:
        """Return the answer whose body was read."""
        return Answer(response.status_code, response.headers, bytes(self._body))


class BlockingPort:
    """Holds up the calling thread until it is done; every thread may call."""

    def __init__(self, way: Way, http: httpx2.Client, sleep: Callable[[float], object]) -> None:
        self._way = way
        self._http = http
        self._sleep = sleep

    async def send(self, method: str, path: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        """Send a request and return the whole answer; raises `TransportError`, `ProtocolError`."""
        with _told(self._way):
            options = self._way.options(headers, content)
            with self._http.stream(method, self._way.base_url + path, **options) as response:
                reading = self._way.reading()
                for chunk in response.iter_bytes():
                    reading.add(chunk)
                return reading.answer(response)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._sleep(seconds)

    def lock(self) -> AbstractAsyncContextManager[object]:
        """Return a new lock among threads."""
        return _ThreadLock()


class AwaitingPort:
    """Awaits everything; one event loop may call."""

    def __init__(self, way: Way, http: httpx2.AsyncClient, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._way = way
        self._http = http
        self._sleep = sleep

    async def send(self, method: str, path: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        """Send a request and return the whole answer; raises `TransportError`, `ProtocolError`."""
        with _told(self._way):
            options = self._way.options(headers, content)
            async with self._http.stream(method, self._way.base_url + path, **options) as response:
                reading = self._way.reading()
                async for chunk in response.aiter_bytes():
                    reading.add(chunk)
                return reading.answer(response)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._sleep(seconds)

    def lock(self) -> AbstractAsyncContextManager[object]:
        """Return a new lock among tasks."""
        return asyncio.Lock()


class _ThreadLock:
    """A lock among threads in the form of one among tasks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    async def __aenter__(self) -> None:
        self._lock.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


@contextmanager
def _told(way: Way) -> Iterator[None]:
    """Raise what goes wrong on the way as an error of ours; httpx2's own carry the request along."""
    host = httpx2.URL(way.base_url).netloc.decode()
    try:
        yield
    except (httpx2.ConnectTimeout, httpx2.PoolTimeout):
        raise TimedOut(f"There is no connection to {host} within {way.timeout:g} s.", outcome_unknown=False) from None
    except httpx2.TimeoutException:
        raise TimedOut(f"{host} did not answer within {way.timeout:g} s.", outcome_unknown=True) from None
    except (httpx2.ConnectError, httpx2.ProxyError) as error:
        raise ConnectionFailed(f"There is no connection to {host}: {error}", outcome_unknown=False) from None
    except httpx2.DecodingError:
        raise ProtocolError(f"{host} sends a body that cannot be decompressed.") from None
    except httpx2.HTTPError:
        raise ConnectionFailed(
            f"{host} closed the connection before the end of its answer.", outcome_unknown=True
        ) from None
