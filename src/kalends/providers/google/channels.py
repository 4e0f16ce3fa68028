"""Push notifications: `events.watch` and `channels.stop`.

Source: "Push notifications" of the Google Calendar API guide. A channel lives seven days at most; it is not renewed but
replaced, and it says only that something changed. Notifications are not fully reliable, as the guide itself says.
"""

from datetime import UTC, datetime

from kalends.providers.base import ChannelAsked, ChannelOpened
from kalends.providers.errors import CalendarGone, CursorRefused, NotSupported, Unavailable
from kalends.providers.google.client import CalendarApi

_LIFE_SECONDS = 7 * 24 * 3600
_LONGEST_NAME = 1_000


async def watch(api: CalendarApi, calendar_id: str, asked: ChannelAsked) -> ChannelOpened:
    """Open a channel for the events of a calendar.

    Raises `NotSupported` for one that cannot be watched, as holidays cannot, whatever way Google says so.
    """
    body = {
        "id": asked.id,
        "type": "web_hook",
        "address": asked.address,
        "token": asked.token,
        "params": {"ttl": str(_LIFE_SECONDS)},
    }
    try:
        said = await api.call("POST", ("calendars", calendar_id, "events", "watch"), body=body)
    except (CalendarGone, CursorRefused) as error:
        raise NotSupported(f"a calendar cannot be watched: {error}") from None
    resource_id, expiration = said.get("resourceId"), str(said.get("expiration", ""))
    if not isinstance(resource_id, str) or len(resource_id) > _LONGEST_NAME or not expiration.isdecimal():
        raise Unavailable(f"{api.host} opened a channel that makes no sense")
    try:
        return ChannelOpened(resource_id, datetime.fromtimestamp(int(expiration) / 1000, UTC))
    except (OverflowError, ValueError, OSError):
        raise Unavailable(f"{api.host} opened a channel that never ends") from None


async def stop(api: CalendarApi, channel_id: str, resource_id: str) -> None:
    """End a channel; one that is no more is fine."""
    try:
        await api.call("POST", ("channels", "stop"), body={"id": channel_id, "resourceId": resource_id})
    except (CalendarGone, CursorRefused):
        return
