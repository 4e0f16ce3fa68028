"""Notifications: how their delivery behaves, and who carries them, to loopback only.

An https address elsewhere is accepted as at the real service, and nothing is ever sent there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kalends.net import GuardedClient, Limits, NetError, NetPolicy, Response
from kalends.sandbox.switchboard import LOOPBACK, Pressed

_LIMITS = Limits(connect=3, read=10, total=10, max_bytes=65_536, max_redirects=0)


@dataclass
class PushSwitches:
    """How deliveries behave: switched off, lost one by one (`drop`), sent twice, or late (seconds)."""

    on: bool = True
    drop: bool = False
    double: bool = False
    delay: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return how they are set, as JSON."""
        return {"on": self.on, "drop": self.drop, "double": self.double, "delaySeconds": self.delay}

    def set(self, pressed: Pressed) -> None:
        """Set what a switch names; raises a refusal."""
        on, drop, double = (
            pressed.given(name, bool, usual)
            for name, usual in (("on", self.on), ("drop", self.drop), ("double", self.double))
        )
        delay = pressed.given("delaySeconds", float, self.delay)
        self.on, self.drop, self.double, self.delay = on, drop, double, max(0.0, delay)


class Messenger:
    """Sends notifications to programs on this machine."""

    def __init__(self) -> None:
        self._client: GuardedClient | None = None

    async def send(self, address: str, *, headers: Mapping[str, str], content: bytes) -> Response | str:
        """Post once; return the answer, or what went wrong."""
        if urlsplit(address).hostname not in LOOPBACK:
            return "not on loopback"
        if self._client is None:
            self._client = GuardedClient(NetPolicy.parse("127.0.0.0/8 ::1/128"), limits=_LIMITS)
        try:
            return await self._client.request("POST", address, headers=headers, content=content)
        except NetError as error:
            return type(error).__name__

    async def post(self, address: str, *, headers: Mapping[str, str], content: bytes) -> int | str:
        """Post once; return the status of the answer, or what went wrong."""
        answer = await self.send(address, headers=headers, content=content)
        return answer if isinstance(answer, str) else answer.status

    async def aclose(self) -> None:
        """Close what is open."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
