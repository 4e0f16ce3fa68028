"""Subscriptions to changes of events: their methods.

Source: "Receive change notifications through webhooks" and "Reduce missing subscriptions and change notifications" in
Microsoft's documents.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from kalends.sandbox.microsoft.call import Answered, Call
from kalends.sandbox.microsoft.errors import GraphRefused, access_denied, bad_request, unknown_property
from kalends.sandbox.microsoft.notifications import Notifier, Subscription
from kalends.sandbox.microsoft.state import Mailbox, State, Told
from kalends.sandbox.microsoft.times import read_instant
from kalends.sandbox.switchboard import LOOPBACK

LONGEST_LIFE = timedelta(minutes=10_080)
LIFECYCLE_EVENTS = ("reauthorizationRequired", "subscriptionRemoved", "missed")
_SLACK = timedelta(minutes=1)
_KINDS = frozenset({"created", "updated", "deleted"})
_LONGEST_STATE, _LONGEST_URL = 128, 2048
_RESOURCE = re.compile(r"/?(me|users/[^/]+)/(?:calendars/([^/]+)/|(?:calendar/)?)events", re.IGNORECASE)
_WRITABLE = ("changeType", "notificationUrl", "resource", "expirationDateTime", "clientState")
_OPTIONAL = ("lifecycleNotificationUrl", "latestSupportedTlsVersion", "includeResourceData", "notificationQueryOptions")


@dataclass
class Subscriptions:
    """All subscriptions. Changes within `gather` seconds are one message, sent again after `pauses` where it fails."""

    state: State
    gather: float = 0.1
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)

    def __post_init__(self) -> None:
        self._all: dict[str, Subscription] = {}
        self.notifier = Notifier(self.gather, self.pauses)
        self.state.listeners.append(self._hear)

    # -- methods --

    async def create(self, call: Call) -> Answered:
        """Answer POST /subscriptions, once the endpoints have proved themselves."""
        subscription = self._read(call)
        for url in {subscription.url, subscription.lifecycle_url or subscription.url}:
            await self.notifier.validate(url)
        self._all[subscription.id] = subscription
        return Answered(201, {**_context(call, "/$entity"), **subscription.render()})

    def list_(self, call: Call) -> Answered:
        """Answer GET /subscriptions: those of the app and of whoever asks."""
        own = [one.render() for one in self.open() if self._is_of(one, call)]
        return Answered(200, {**_context(call), "value": own})

    def get(self, call: Call) -> Answered:
        """Answer GET of a subscription."""
        return Answered(200, {**_context(call, "/$entity"), **self._found(call).render()})

    async def patch(self, call: Call) -> Answered:
        """Answer PATCH of a subscription: it lives on, and is authorized again."""
        subscription = self._found(call)
        if unknown := sorted(set(call.body) - {"expirationDateTime", "notificationUrl", "@odata.type"}):
            raise unknown_property(unknown[0], "subscription")
        expires = self._expires(call.body.get("expirationDateTime"))
        if "notificationUrl" in call.body:
            url = _url(call.body, "notificationUrl")
            await self.notifier.validate(url)
            subscription.url = url
        subscription.expires, subscription.paused = expires, False
        return Answered(200, {**_context(call, "/$entity"), **subscription.render()})

    def reauthorize(self, call: Call) -> Answered:
        """Answer POST of a subscription's reauthorize: it goes on as before."""
        self._found(call).paused = False
        return Answered(204)

    def delete(self, call: Call) -> Answered:
        """Answer DELETE of a subscription."""
        self._remove(self._found(call))
        return Answered(204)

    # -- for switches --

    def open(self) -> list[Subscription]:
        """Return the subscriptions that have not run out."""
        now = self.state.now()
        for one in [*self._all.values()]:
            if one.expires <= now:
                self._remove(one)
        return [*self._all.values()]

    def lifecycle(self, subscription_id: str, event: str) -> None:
        """Tell the subscriber of an event in the life of a subscription; raises `GraphRefused`.

        One that is removed is gone; one that has to be authorized again says nothing until it is.
        """
        subscription = next((one for one in self.open() if one.id == subscription_id), None)
        if subscription is None:
            raise _unknown(subscription_id)
        if event not in LIFECYCLE_EVENTS:
            raise bad_request(f"event is one of {', '.join(LIFECYCLE_EVENTS)}.")
        if event == "subscriptionRemoved":
            self._remove(subscription)
        elif event == "reauthorizationRequired":
            subscription.paused = True
        self.notifier.tell_of_life(subscription, event)

    async def aclose(self) -> None:
        """Stop delivering."""
        await self.notifier.aclose()

    # -- inside --

    def _read(self, call: Call) -> Subscription:
        body = call.body
        if unknown := sorted(set(body) - {*_WRITABLE, *_OPTIONAL, "@odata.type"}):
            raise unknown_property(unknown[0], "subscription")
        kinds = frozenset(part.strip() for part in str(body.get("changeType", "")).split(","))
        if not kinds <= _KINDS:
            raise bad_request("changeType must name created, updated or deleted.", "InvalidRequest")
        state = body.get("clientState")
        if state is not None and (not isinstance(state, str) or len(state) > _LONGEST_STATE):
            raise bad_request("clientState must be a text of at most 128 characters.", "InvalidRequest")
        if body.get("includeResourceData"):
            raise bad_request("includeResourceData is not supported here.", "InvalidRequest")
        mailbox, calendar = self._resource(call)
        creator = call.bearer.user.id if call.bearer.user else call.bearer.client_id
        return Subscription(
            id=str(uuid4()),
            client_id=call.bearer.client_id,
            creator=creator,
            mailbox=mailbox,
            calendar=calendar,
            resource=str(body["resource"]),
            kinds=kinds,
            url=_url(body, "notificationUrl"),
            lifecycle_url=_url(body, "lifecycleNotificationUrl") if body.get("lifecycleNotificationUrl") else None,
            client_state=state,
            expires=self._expires(body.get("expirationDateTime")),
        )

    def _resource(self, call: Call) -> tuple[Mailbox, bytes | None]:
        found = _RESOURCE.fullmatch(str(call.body.get("resource", "")))
        if found is None:
            raise bad_request("The resource cannot be subscribed to here.", "InvalidRequest")
        named = found[1].partition("/")[2]
        mailbox = self.state.mailbox(named) if named else call.own_mailbox
        if mailbox is None or mailbox.user.tenant_id != call.bearer.tenant_id:
            raise GraphRefused(404, "ErrorInvalidUser", "The requested user is invalid.")
        if call.own_mailbox is not None and mailbox is not call.own_mailbox:
            raise access_denied()
        return mailbox, mailbox.calendar(found[2]).key if found[2] else None

    def _expires(self, value: object) -> datetime:
        if not isinstance(value, str):
            raise bad_request("expirationDateTime is missing.", "InvalidRequest")
        expires, now = read_instant(value, "expirationDateTime"), self.state.now()
        if expires <= now:
            raise bad_request("expirationDateTime lies in the past.", "InvalidRequest")
        if expires - now > LONGEST_LIFE + _SLACK:
            minutes = int(LONGEST_LIFE.total_seconds() // 60)
            raise bad_request(f"Subscription expiration can only be {minutes} minutes in the future.", "InvalidRequest")
        return expires

    def _found(self, call: Call) -> Subscription:
        named = call.params["subscription"]
        found = next((one for one in self.open() if one.id == named), None)
        if found is None or not self._is_of(found, call):
            raise _unknown(named)
        return found

    def _is_of(self, one: Subscription, call: Call) -> bool:
        creator = call.bearer.user.id if call.bearer.user else call.bearer.client_id
        return (one.client_id, one.creator) == (call.bearer.client_id, creator)

    def _remove(self, subscription: Subscription) -> None:
        subscription.removed = True
        self._all.pop(subscription.id, None)

    def _hear(self, told: Told) -> None:
        for one in self.open():
            if one.concerns(told) and not one.paused:
                self.notifier.tell(one, told)


def _context(call: Call, what: str = "") -> Mapping[str, str]:
    return {"@odata.context": f"{call.asked.here}/v1.0/$metadata#subscriptions{what}"}


def _url(body: Mapping[str, Any], name: str) -> str:
    url = body.get(name)
    wrong = bad_request(f"{name} must be an https address.", "InvalidRequest")
    if not isinstance(url, str) or len(url) > _LONGEST_URL:
        raise wrong
    try:
        parts = urlsplit(url)
        loopback = parts.hostname in LOOPBACK
    except ValueError:
        raise wrong from None
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise wrong
    return url


def _unknown(subscription_id: str) -> GraphRefused:
    return GraphRefused(404, "ResourceNotFound", f"The object '{subscription_id[:80]}' was not found.")
