"""Calls either client in the same way, and answers it by a script."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from kalends.client import AccessToken, AsyncKalends, Kalends
from tests.net.loopback import Answer, Asked, raw, send

Kind = Literal["blocking", "awaiting"]
TOKEN = AccessToken("a-token")
GUID = "33333333-3333-4333-8333-333333333333"


@dataclass
class Caller:
    """One of the two clients, and how long it has waited between tries."""

    client: Kalends | AsyncKalends
    waits: list[float] = field(default_factory=list)

    async def __call__(self, ask: Callable[[Any], Any]) -> Any:
        """Call, and return the result; of an iterator, its members."""
        if isinstance(self.client, Kalends):
            return await asyncio.to_thread(lambda: _settled(ask(self.client)))
        asked = ask(self.client)
        return [one async for one in asked] if isinstance(asked, AsyncIterator) else await asked


def _settled(result: Any) -> Any:
    return list(result) if isinstance(result, Iterator) else result


@asynccontextmanager
async def calling(kind: Kind, url: str, **options: Any) -> AsyncIterator[Caller]:
    """Open a client; where a test does not say otherwise it has a token, and its waits take no time."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    options = {"auth": TOKEN, "sleep": waits.append if kind == "blocking" else wait, **options}
    if kind == "blocking":
        with Kalends(url, **options) as client:
            yield Caller(client, waits)
    else:
        async with AsyncKalends(url, **options) as awaiting:
            yield Caller(awaiting, waits)


def answer(body: Any, status: int = 200, **headers: str) -> bytes:
    """Return an answer in JSON; `retry_after="1"` sends Retry-After: 1."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return raw(status, json.dumps(body).encode(), {"Content-Type": "application/json", **named})


def refused(status: int, code: str | None = None, data: Mapping[str, Any] | None = None, **headers: str) -> bytes:
    """Return an answer that refuses, in the contract's envelope."""
    details = {} if code is None else {"applicationError": {"code": code, "description": "No.", "data": data or {}}}
    return answer({"message": "It is refused.", "details": details}, status, **headers)


def script(*messages: bytes) -> Answer:
    """Answer with one message after the other, and then with the last one."""
    left = list(messages)

    async def following(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await send(left.pop(0) if len(left) > 1 else left[0])(asked, writer)

    return following


PROVIDERS = answer({"providers": []})


def providers(client: Any) -> Any:
    """The simplest of all calls."""
    return client.external_calendars.list_providers()
