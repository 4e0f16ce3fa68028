"""Change notifications about events, and those about the life of subscriptions: what they say, and their delivery.

An endpoint proves itself first: it has to answer with the validation token that it is sent. Notifications go to
loopback only.
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from kalends.sandbox.microsoft.errors import GraphRefused
from kalends.sandbox.microsoft.ids import EventId
from kalends.sandbox.microsoft.rendering import etag_of
from kalends.sandbox.microsoft.state import Mailbox, Told
from kalends.sandbox.microsoft.times import write_instant
from kalends.sandbox.pushing import Messenger, PushSwitches

VALIDATION_SECONDS = 10.0
_AGAIN = frozenset({500, 502, 503, 504, "TimedOut", "Unreachable"})
_MOST_DELIVERIES = 1000


@dataclass
class Subscription:
    """An open subscription; `calendar` is the key of the one that it is about, None for all of the mailbox.

    It is `paused` between a demand to authorize it again and the answer to that. `waiting` are changes nobody was told.
    """

    id: str
    client_id: str
    creator: str
    mailbox: Mailbox
    calendar: bytes | None
    resource: str
    kinds: frozenset[str]
    url: str
    lifecycle_url: str | None
    client_state: str | None
    expires: datetime
    paused: bool = False
    removed: bool = False
    waiting: list[Told] = field(default_factory=list)

    def concerns(self, told: Told) -> bool:
        """Tell whether a change is one that the subscriber wants to hear of."""
        if told.kind not in self.kinds:
            return False
        calendars = self.mailbox.calendars
        watched = calendars.values() if self.calendar is None else [calendars.get(self.calendar)]
        return any(one is not None and one.events is told.events for one in watched)

    def render(self) -> dict[str, Any]:
        """Return the resource."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.client_id,
            "changeType": ",".join(sorted(self.kinds)),
            "clientState": self.client_state,
            "notificationUrl": self.url,
            "notificationQueryOptions": None,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": write_instant(self.expires),
            "creatorId": self.creator,
            "includeResourceData": None,
            "latestSupportedTlsVersion": "v1_2",
            "encryptionCertificate": None,
            "encryptionCertificateId": None,
            "notificationUrlAppId": None,
        }


@dataclass
class Notifier:
    """Delivers. Changes within `gather` seconds are one message, sent again after `pauses` where it fails for now."""

    gather: float
    pauses: tuple[float, ...]
    switches: PushSwitches = field(default_factory=PushSwitches)
    deliveries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_MOST_DELIVERIES))

    def __post_init__(self) -> None:
        self._messenger = Messenger()
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, subscription: Subscription, told: Told) -> None:
        """Have a subscriber told of a change."""
        subscription.waiting.append(told)
        if len(subscription.waiting) == 1:
            self._start(self._deliver(subscription))

    def tell_of_life(self, subscription: Subscription, event: str) -> None:
        """Have a subscriber told of an event in the life of the subscription."""
        if subscription.lifecycle_url is not None:
            value = {**_about(subscription), "lifecycleEvent": event}
            self._start(self._message(subscription.lifecycle_url, subscription, [value], event))

    async def validate(self, url: str) -> None:
        """See that an endpoint answers with the token that it is sent; raises `GraphRefused`."""
        token = f"Validation: Testing client application reachability. {secrets.token_urlsafe(24)}"
        address = f"{url}{'&' if urlsplit(url).query else '?'}validationToken={quote(token, safe='')}"
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        try:
            async with asyncio.timeout(VALIDATION_SECONDS):
                answer = await self._messenger.send(address, headers=headers, content=b"")
        except TimeoutError:
            answer = "TimedOut"
        if isinstance(answer, str):
            why = "timed out" if answer == "TimedOut" else f"failed: {answer}"
            raise _invalid_endpoint(f"Subscription validation request {why}.")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if answer.status != 200:  # noqa: PLR2004 - OK
            text = "Notification endpoint must respond with 200 OK to validation request."
            raise _invalid_endpoint(f"Subscription validation request failed. {text}")
        if kind != "text/plain" or answer.body != token.encode():
            text = "Notification endpoint must respond with the validation token as text/plain."
            raise _invalid_endpoint(f"Subscription validation request failed. {text}")

    async def aclose(self) -> None:
        """Stop delivering."""
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._messenger.aclose()

    def _start(self, delivery: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(delivery)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, subscription: Subscription) -> None:
        await asyncio.sleep(self.gather + self.switches.delay)
        told, subscription.waiting = subscription.waiting, []
        if subscription.removed or subscription.paused:
            return
        values = [_change(subscription, one) for one in told]
        await self._message(subscription.url, subscription, values, "change")

    async def _message(self, url: str, subscription: Subscription, values: list[dict[str, Any]], what: str) -> None:
        noted = {"subscriptionId": subscription.id, "what": what, "count": len(values)}
        if not self.switches.on or self.switches.drop:
            self.deliveries.append({**noted, "outcome": "dropped"})
            return
        content = json.dumps({"value": values}).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        for _ in range(2 if self.switches.double else 1):
            outcome: int | str = 0
            for pause in (0.0, *self.pauses):
                await asyncio.sleep(pause)
                outcome = await self._messenger.post(url, headers=headers, content=content)
                if outcome not in _AGAIN:
                    break
            self.deliveries.append({**noted, "outcome": outcome})


def _about(subscription: Subscription) -> dict[str, Any]:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": write_instant(subscription.expires).replace("Z", "+00:00"),
        "clientState": subscription.client_state,
        "tenantId": subscription.mailbox.user.tenant_id,
    }


def _change(subscription: Subscription, told: Told) -> dict[str, Any]:
    mailbox = subscription.mailbox
    calendar = next((one for one in mailbox.calendars.values() if one.events is told.events), mailbox.default)
    event_id = EventId(mailbox.key, told.item, day=told.day).written(calendar.key, immutable=False)
    resource = f"Users/{mailbox.user.id}/Events/{event_id}"
    data = {
        "@odata.type": "#Microsoft.Graph.Event",
        "@odata.id": resource,
        "@odata.etag": etag_of(told.change),
        "id": event_id,
    }
    return {**_about(subscription), "changeType": told.kind, "resource": resource, "resourceData": data}


def _invalid_endpoint(message: str) -> GraphRefused:
    return GraphRefused(400, "ValidationError", message)
