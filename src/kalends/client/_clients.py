"""The two clients."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx2

from kalends.client._auth import Auth
from kalends.client._external_calendars import AsyncExternalCalendars, ExternalCalendars
from kalends.client._ports import KEPT_OPEN, AwaitingPort, BlockingPort, Way
from kalends.client._retries import Retries
from kalends.client._schedules import AsyncSchedules, Schedules
from kalends.client._transport import Transport

BASE_URL = "http://127.0.0.1:8080"
EXTERNAL_CALENDARS = "/bookings/v2/external-calendars"
SCHEDULES = "/calendar/v3/schedules"
MAX_BYTES = 32 * 1024 * 1024
DEFAULT_RETRIES = Retries()


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Kalends:
    """Calls Kalends, or another server of the same contract, from any number of threads; close it, or use it in `with`.

    `timeout` is in seconds and holds for each try. `http` takes the place of the client's own connections, for proxies
    or certificates; whoever made it closes it. `max_bytes` bounds an answer. Raises `ValueError` for a base URL that
    cannot be one.
    """

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        auth: Auth,
        timeout: float = 30.0,
        retries: Retries = DEFAULT_RETRIES,
        http: httpx2.Client | None = None,
        max_bytes: int = MAX_BYTES,
        external_calendars_path: str = EXTERNAL_CALENDARS,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        way = Way.to(base_url, timeout=timeout, max_bytes=max_bytes, clock=clock)
        self._own = http is None
        self._http = http or httpx2.Client(limits=KEPT_OPEN)
        transport = Transport(BlockingPort(way, self._http, sleep), auth, retries, clock)
        self.external_calendars = ExternalCalendars(transport, external_calendars_path)
        self.schedules = Schedules(transport, SCHEDULES)

    def close(self) -> None:
        """Close the connections, unless they are somebody else's."""
        if self._own:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncKalends:
    """The same as `Kalends`, to be awaited, in one event loop; close it, or use it in `async with`."""

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        auth: Auth,
        timeout: float = 30.0,
        retries: Retries = DEFAULT_RETRIES,
        http: httpx2.AsyncClient | None = None,
        max_bytes: int = MAX_BYTES,
        external_calendars_path: str = EXTERNAL_CALENDARS,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        way = Way.to(base_url, timeout=timeout, max_bytes=max_bytes, clock=clock)
        self._own = http is None
        self._http = http or httpx2.AsyncClient(limits=KEPT_OPEN)
        transport = Transport(AwaitingPort(way, self._http, sleep), auth, retries, clock)
        self.external_calendars = AsyncExternalCalendars(transport, external_calendars_path)
        self.schedules = AsyncSchedules(transport, SCHEDULES)

    async def aclose(self) -> None:
        """Close the connections, unless they are somebody else's."""
        if self._own:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
