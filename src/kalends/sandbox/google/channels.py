"""Push notifications: channels over which changes are told, and their delivery in the background.

Notifications go to loopback only: an https address elsewhere is accepted as at Google, and nothing is ever sent there.
Source: "Push notifications" in Google's guide to Calendar API v3.
"""

import asyncio
import re
import secrets
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from kalends.sandbox.google.errors import Refused, invalid, required
from kalends.sandbox.google.state import State
from kalends.sandbox.pushing import Messenger, PushSwitches
from kalends.sandbox.switchboard import LOOPBACK

LONGEST_LIFE = timedelta(days=7)
_ID = re.compile(r"[A-Za-z0-9_\-+/=]{1,64}", re.ASCII)
_TOKEN = re.compile(r"[\x20-\x7e]{0,256}", re.ASCII)
_TYPES = frozenset({"web_hook", "webhook"})
_AGAIN = frozenset({500, 502, 503, 504})
_MOST_DELIVERIES = 1000


@dataclass
class Channel:
    """An open channel; `number` is that of its last message, `waiting` how many changes nobody was told yet."""

    id: str
    client_id: str
    resource: str
    resource_id: str
    resource_uri: str
    address: str
    token: str | None
    expires: datetime
    number: int = 0
    waiting: int = 0
    stopped: bool = False
    task: "asyncio.Task[None] | None" = None

    @property
    def idle(self) -> bool:
        """Whether nothing is being delivered."""
        return self.task is None or self.task.done()

    def shown(self) -> dict[str, Any]:
        """Return what may be looked at: everything but the token."""
        return {"id": self.id, "resource": self.resource, "address": self.address, "expiration": _millis(self.expires)}

    def render(self) -> dict[str, Any]:
        """Return the resource that a watch is answered with."""
        return {
            "kind": "api#channel",
            "id": self.id,
            "resourceId": self.resource_id,
            "resourceUri": self.resource_uri,
            **({} if self.token is None else {"token": self.token}),
            "expiration": str(_millis(self.expires)),
        }


@dataclass
class Channels:
    """All channels. `gone` tells whether a watched resource does not exist any more.

    Changes within `gather` seconds are one notification; one that fails for now is sent again after `pauses` seconds.
    """

    state: State
    gone: Callable[[str], bool]
    gather: float = 0.1
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    switches: PushSwitches = field(default_factory=PushSwitches)
    deliveries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_MOST_DELIVERIES))

    def __post_init__(self) -> None:
        self._channels: dict[tuple[str, str], Channel] = {}
        self._key = secrets.token_bytes(16)
        self._messenger = Messenger()
        self.state.listeners.append(self.tell)

    def open(self, body: Mapping[str, Any], *, client_id: str, resource: str, uri: str) -> Channel:
        """Open a channel as a watch asks for it, and send its first message; raises `Refused`."""
        channel_id, address = body.get("id"), body.get("address")
        if not isinstance(channel_id, str) or not channel_id:
            raise required("Channel id not specified.", "id")
        if _ID.fullmatch(channel_id) is None:
            raise Refused(400, "invalid", "Invalid channel id.")
        if body.get("type") not in _TYPES:
            raise Refused(400, "unknownChannelType", "Unknown channel type.", domain="push")
        _check_address(address)
        token = body.get("token")
        if token is not None and (not isinstance(token, str) or _TOKEN.fullmatch(token) is None):
            raise invalid("Invalid channel token.", "token")
        self._channels = {key: one for key, one in self._channels.items() if self._is_open(one) or not one.idle}
        known = self._channels.get((client_id, channel_id))
        if known is not None and self._is_open(known):
            raise Refused(400, "channelIdNotUnique", f"Channel id {channel_id} not unique.", domain="push")
        named = urlsafe_b64encode(sha256(self._key + resource.encode()).digest()[:20]).decode().rstrip("=")
        expires = self._expires(body)
        channel = Channel(channel_id, client_id, resource, named, uri, str(address), token, expires)
        self._channels[client_id, channel_id] = channel
        self._wake(channel)
        return channel

    def stop(self, body: Mapping[str, Any], client_id: str) -> None:
        """Stop a channel of a client; raises `Refused` where there is none of that id and resource."""
        channel = self._channels.get((client_id, str(body.get("id"))))
        if channel is None or channel.resource_id != body.get("resourceId") or not self._is_open(channel):
            raise Refused(404, "notFound", "Channel not found.")
        channel.stopped = True

    def tell(self, resource: str) -> None:
        """Have the channels of a resource tell that it was changed."""
        for channel in self._channels.values():
            if channel.resource == resource and self._is_open(channel):
                channel.waiting += 1
                self._wake(channel)

    def open_channels(self) -> list[Channel]:
        """Return the channels that are neither stopped nor expired."""
        return [channel for channel in self._channels.values() if self._is_open(channel)]

    async def aclose(self) -> None:
        """Stop delivering."""
        tasks = [channel.task for channel in self._channels.values() if channel.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._messenger.aclose()

    def _is_open(self, channel: Channel) -> bool:
        return not channel.stopped and self.state.now() < channel.expires

    def _expires(self, body: Mapping[str, Any]) -> datetime:
        now = self.state.now()
        life = LONGEST_LIFE
        parameters = body.get("params")
        try:
            if body.get("expiration") is not None:
                life = datetime.fromtimestamp(int(body["expiration"]) / 1000, UTC) - now
            elif isinstance(parameters, dict) and parameters.get("ttl") is not None:
                life = timedelta(seconds=int(parameters["ttl"]))
        except (ValueError, TypeError, OverflowError, OSError):
            raise invalid("Invalid expiration.", "expiration") from None
        if life <= timedelta():
            raise invalid("The expiration lies in the past.", "expiration")
        return now + min(life, LONGEST_LIFE)

    def _wake(self, channel: Channel) -> None:
        if channel.idle:
            channel.task = asyncio.get_running_loop().create_task(self._deliver(channel))

    async def _deliver(self, channel: Channel) -> None:
        if channel.number == 0:
            channel.number = 1
            await self._message(channel, "sync")
        while channel.waiting:
            await asyncio.sleep(self.gather + self.switches.delay)
            if not self._is_open(channel):
                return
            channel.number += channel.waiting
            channel.waiting = 0
            await self._message(channel, "not_exists" if self.gone(channel.resource) else "exists")

    async def _message(self, channel: Channel, said: str) -> None:
        number = channel.number
        told = {"channelId": channel.id, "messageNumber": number, "resourceState": said}
        if not self.switches.on or self.switches.drop:
            self.deliveries.append({**told, "outcome": "dropped"})
            return
        for _ in range(2 if self.switches.double else 1):
            outcome: int | str = 0
            for pause in (0.0, *self.pauses):
                await asyncio.sleep(pause)
                if channel.stopped:
                    return
                outcome = await self._post(channel, said, number)
                if outcome not in _AGAIN:
                    break
            self.deliveries.append({**told, "outcome": outcome})

    async def _post(self, channel: Channel, said: str, number: int) -> int | str:
        """Send a message once, and return the status of the answer, or what went wrong."""
        headers = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Expiration": format_datetime(channel.expires, usegmt=True),
            "X-Goog-Resource-State": said,
            "X-Goog-Message-Number": str(number),
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-URI": channel.resource_uri,
            "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google)",
        }
        if channel.token is not None:
            headers["X-Goog-Channel-Token"] = channel.token
        return await self._messenger.post(channel.address, headers=headers, content=b"")


def _check_address(address: object) -> None:
    if not isinstance(address, str) or not address:
        raise required("WebHook callback address not specified.", "address")
    try:
        parts = urlsplit(address)
        loopback = parts.hostname in LOOPBACK
    except ValueError:
        raise invalid("Invalid WebHook callback address.", "address") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise Refused(400, "webhookUrlNotHttps", "WebHook callback must be HTTPS.", domain="push")


def _millis(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
