"""What goes wrong before a sandbox: work that is done and never heard of, work that is refused, and slow answers."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOO_LATE = 4.5
"""Seconds: more than `HURRIED` waits for an answer."""


class Loss(StrEnum):
    REFUSED = "503 before the work"
    BUSY = "429 before the work"
    CUT = "cut after the work"
    FAILED = "503 after the work"
    SLOW = "slow"
    TOO_LATE = "too late"


_OFTEN = (*(Loss.CUT, Loss.FAILED) * 4, *(Loss.REFUSED, Loss.BUSY, Loss.SLOW) * 2, Loss.TOO_LATE)


@dataclass
class Lossy:
    """Stands in front of an application, and loses a share of its answers to requests below the paths of its API.

    What happens to the n-th request for a target depends on the seed, the target and n alone.
    """

    app: ASGIApp
    seed: int
    api: str
    share: float = 0.0
    requests: int = 0
    losses: Counter[Loss] = field(default_factory=Counter)
    _asked: Counter[str] = field(default_factory=Counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered, or not."""
        loss = self._loss(scope) if scope["type"] == "http" and scope["path"].startswith(self.api) else None
        if loss is None:
            await self.app(scope, receive, send)
            return
        self.losses[loss] += 1
        if loss in {Loss.REFUSED, Loss.BUSY}:
            status = 503 if loss is Loss.REFUSED else 429
            await PlainTextResponse("later", status, {"Retry-After": "1"})(scope, receive, send)
            return
        said: list[Message] = []
        await self.app(scope, receive, _keeping(said))
        await _deliver(loss, said, scope, receive, send)

    def _loss(self, scope: Scope) -> Loss | None:
        target = f"{scope['method']} {scope['path']}"
        self.requests += 1
        self._asked[target] += 1
        chance = random.Random(f"{self.seed} {target} {self._asked[target]}")
        return chance.choice(_OFTEN) if chance.random() < self.share else None


def _keeping(said: list[Message]) -> Send:
    async def keep(message: Any) -> None:
        said.append(message)

    return keep


async def _deliver(loss: Loss, said: Sequence[Message], scope: Scope, receive: Receive, send: Send) -> None:
    """Send what is left of an answer."""
    if loss is Loss.FAILED:
        await PlainTextResponse("it broke", 503)(scope, receive, send)
        return
    if loss is Loss.CUT:
        # an answer that ends before its length is the way in which an application can close a connection
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    await asyncio.sleep(0.5 if loss is Loss.SLOW else TOO_LATE)
    for message in said:
        await send(message)
