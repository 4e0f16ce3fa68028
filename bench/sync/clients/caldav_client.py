"""python caldav: the objects of a calendar by sync token, with their data."""

from typing import Any

import caldav
from serving import serve, told  # it runs apart from Kalends

ACCOUNT = told()
CALENDAR = caldav.DAVClient(url=ACCOUNT.url, username=ACCOUNT.user, password=ACCOUNT.password).calendar(url=ACCOUNT.url)
held: list[Any] = []


def first() -> int:
    """Fetch everything."""
    held[:] = [CALENDAR.objects_by_sync_token(load_objects=True)]
    return len(list(held[0]))


def again() -> int:
    """Fetch what changed."""
    updated, deleted = held[0].sync()
    return len(list(updated)) + len(list(deleted))


if __name__ == "__main__":
    serve(first, again)
