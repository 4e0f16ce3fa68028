"""Bodies of requests: a JSON object of bounded size that can be written back."""

import json
from typing import Any

from starlette.requests import Request

from kalends.sandbox.google.errors import Refused

_MOST_BYTES = 1_048_576


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request brings, an empty one for no body; raises `Refused` for anything else."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _MOST_BYTES:
            raise Refused(413, "uploadTooLarge", "Request Too Large")
    if not raw:
        return {}
    return _object(bytes(raw))


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw, parse_constant=_no_number)
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refused(400, "parseError", "Parse Error") from None
    if not isinstance(body, dict):
        raise Refused(400, "parseError", "Parse Error")
    return body


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")
