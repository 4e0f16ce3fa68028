"""How methods write what they ask: paths, queries, moments."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from kalends.client._transport import Request, Transport

Values = Mapping[str, str | int | bool | Sequence[str] | None]


class Resource:
    """Methods under one path."""

    def __init__(self, transport: Transport, path: str) -> None:
        self._transport = transport
        self._path = path.rstrip("/")

    async def _get(self, path: str, query: Values | None = None) -> Mapping[str, Any]:
        asked = urlencode(_pairs(query or {}))
        return await self._transport.call(Request("GET", f"{self._path}{path}?{asked}".rstrip("?"), repeatable=True))

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any], *, repeatable: bool = False
    ) -> Mapping[str, Any]:
        return await self._transport.call(Request(method, self._path + path, repeatable=repeatable, body=body))


def segment(identifier: str) -> str:
    """Return an id as one segment of a path; raises `ValueError` for what would lead elsewhere."""
    if identifier in {"", ".", ".."}:
        raise ValueError("An id is empty, or only dots.")
    return quote(identifier, safe="")


def ids(name: str, given: Sequence[str] | None) -> Sequence[str] | None:
    """Return ids to filter by; raises `ValueError` for none of them, since an empty list would ask for everything."""
    if given is None:
        return None
    # a generator says only when it is run through that there is nothing in it
    members = () if isinstance(given, str) else tuple(given)
    if not members:
        raise ValueError(f"{name} is a list of at least one id; leave it out to ask for all.")
    return members


def date_time(name: str, moment: datetime | str | None) -> str | None:
    """Return a moment in RFC 3339, a string as it is; raises `ValueError` for a datetime without an offset."""
    if not isinstance(moment, datetime):
        return moment
    if moment.utcoffset() is None:
        raise ValueError(f"{name} has no time zone: say which, for instance by tzinfo=UTC.")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def given(**values: Any) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _pairs(query: Values) -> list[tuple[str, str]]:
    pairs = []
    for name, value in query.items():
        members = [] if value is None else [value] if isinstance(value, str | int) else list(value)
        pairs += [(name, str(one).lower() if isinstance(one, bool) else str(one)) for one in members]
    return pairs
