"""Being told of changes: Graph's subscriptions, one per calendar.

Sources: "Set up notifications for changes in resource data", "subscription resource type". One lives 10,080 minutes at
most and is renewed; opening it, Graph asks the address for an echo, so that it is proven to reach us. Notifications
name the subscription and bring the `clientState` along, in which the channel's id and token are.
"""

from datetime import UTC, datetime, timedelta

from kalends.providers.base import ChannelAsked, ChannelOpened
from kalends.providers.errors import CalendarGone, CursorRefused, NotSupported, Unavailable
from kalends.providers.microsoft.client import GraphApi

LIFE = timedelta(minutes=10_070)
"""How long one is asked for: a little less than the most, by which clocks may differ."""
_LONGEST_NAME = 1_000


def client_state(channel_id: str, token: str) -> str:
    """Return what comes along with each notification; Graph takes 128 characters."""
    return f"{channel_id}.{token}"


def of_client_state(state: str) -> tuple[str, str]:
    """Return the channel's id and token of what came along with a notification, empty where it is none of ours."""
    channel_id, _, token = state.partition(".")
    return channel_id, token


async def watch(api: GraphApi, calendar_id: str, asked: ChannelAsked, now: datetime) -> ChannelOpened:
    """Open a subscription for the events of a calendar.

    Raises `NotSupported` for one that cannot be watched, whatever way Graph says so.
    """
    body = {
        "changeType": "created,updated,deleted",
        "notificationUrl": asked.address,
        "lifecycleNotificationUrl": asked.address,
        "resource": api.resource("calendars", calendar_id, "events"),
        "expirationDateTime": _written(now + LIFE),
        "clientState": client_state(asked.id, asked.token),
    }
    try:
        said = await api.call("POST", api.root("subscriptions"), body)
    except (CalendarGone, CursorRefused) as error:
        raise NotSupported(f"a calendar cannot be watched: {error}") from None
    subscription_id, expires_at = said.get("id"), said.get("expirationDateTime")
    if not isinstance(subscription_id, str) or not 0 < len(subscription_id) <= _LONGEST_NAME:
        raise Unavailable(f"{api.host} opened a subscription that makes no sense")
    return ChannelOpened(subscription_id, _read(api, expires_at), proven=True)


async def renew(api: GraphApi, subscription_id: str, now: datetime) -> datetime:
    """Have a subscription go on, and return until when; raises `CalendarGone` where it is no more."""
    try:
        said = await api.call(
            "PATCH", api.root("subscriptions", subscription_id), {"expirationDateTime": _written(now + LIFE)}
        )
    except CursorRefused as error:
        raise CalendarGone(str(error)) from None
    return _read(api, said.get("expirationDateTime"))


async def stop(api: GraphApi, subscription_id: str) -> None:
    """End a subscription; one that is no more is fine."""
    try:
        await api.call("DELETE", api.root("subscriptions", subscription_id))
    except (CalendarGone, CursorRefused):
        return


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(api: GraphApi, text: object) -> datetime:
    try:
        instant = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Unavailable(f"{api.host} opened a subscription that makes no sense")
    return instant.astimezone(UTC)
