"""Bodies of requests: a JSON object of bounded size that can be written back."""

import json
from typing import Any

from starlette.requests import Request

from kalends.sandbox.refusals import Refusal

_MOST_BYTES = 1_048_576


async def read_object(request: Request, *, too_large: Refusal, unreadable: Refusal) -> dict[str, Any]:
    """Return the JSON object that a request brings, an empty one for no body; raises one of the refusals given."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _MOST_BYTES:
            raise too_large
    return _object(bytes(raw), unreadable) if raw else {}


def _object(raw: bytes, unreadable: Refusal) -> dict[str, Any]:
    try:
        body = json.loads(raw, parse_constant=_no_number)
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise unreadable from None
    if not isinstance(body, dict):
        raise unreadable
    return body


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")
