"""Pages: a listing is made whole with its first page, and later pages are taken from it, until others push it out.

So nothing is missed or told twice between pages, whatever changes meanwhile; it comes with the next sync token.
"""

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kalends.sandbox.google.errors import invalid

_MOST_LISTINGS = 200
_TOKEN = re.compile(r"([0-9a-f]{24})([0-9]{1,9})z([0-9]{1,6})", re.ASCII)

Row = Callable[[], dict[str, Any]]
"""Renders one entry of a listing."""


@dataclass(frozen=True)
class Listing:
    """All that a listing holds. `shape` is the request without its page; `token` the sync token of the last page.

    `empty_pages` come first. `incremental` says that it answers a sync token.
    """

    rows: Sequence[Row]
    shape: Mapping[str, Any]
    token: str | None = None
    empty_pages: int = 0
    incremental: bool = False


@dataclass(frozen=True)
class Page:
    """One page of a listing, numbered from 1; `following` is the token of the next, None on the last."""

    listing: Listing
    number: int
    items: list[dict[str, Any]]
    following: str | None


class Pages:
    """The listings whose later pages may still be asked for."""

    def __init__(self) -> None:
        self._listings: OrderedDict[str, Listing] = OrderedDict()

    def first(self, listing: Listing, size: int) -> Page:
        """Return the first page of a new listing."""
        key = secrets.token_hex(12)
        page = _page(key, listing, 0, 1, size)
        if page.following is not None:
            self._listings[key] = listing
            if len(self._listings) > _MOST_LISTINGS:
                self._listings.popitem(last=False)
        return page

    def following(self, token: str, shape: Mapping[str, Any], size: int) -> Page:
        """Return the page of a token. The same token may be used again.

        Raises `Refused` for a token that is unknown, or was given to a request of another shape.
        """
        found = _TOKEN.fullmatch(token)
        listing = self._listings.get(found[1]) if found else None
        if found is None or listing is None or listing.shape != shape:
            raise invalid("Invalid page token value.", "pageToken")
        return _page(found[1], listing, int(found[2]), int(found[3]), size)


def _page(key: str, listing: Listing, offset: int, number: int, size: int) -> Page:
    taken = 0 if number <= listing.empty_pages else size
    rows = listing.rows[offset : offset + taken]
    more = offset + taken < len(listing.rows) or number <= listing.empty_pages
    following = f"{key}{offset + len(rows)}z{number + 1}" if more else None
    return Page(listing, number, [row() for row in rows], following)
