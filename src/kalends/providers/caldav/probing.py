"""Whether a CalDAV server can be reached, without an account on it."""

from kalends.net.client import GuardedClient
from kalends.net.dates import http_date
from kalends.providers.base import Probed
from kalends.providers.caldav import config, hrefs
from kalends.providers.caldav.discovery import SERVICE, WELL_KNOWN


async def probe(client: GuardedClient, place: str) -> Probed:
    """Ask a configured URL, or the first server that a domain names (RFC 6764), for its options.

    Raises `NetError`.
    """
    url = place
    if config.is_domain(place):
        targets = await client.srv(SERVICE, place)
        origin = f"https://{targets[0].host}:{targets[0].port}" if targets else f"https://{place}"
        url = origin + WELL_KNOWN
    answer = await client.request("OPTIONS", url)
    return Probed(hrefs.host_of(answer.url), answer.status, http_date(answer.headers.get("date", "")))
