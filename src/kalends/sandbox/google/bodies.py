"""Bodies of requests to Google: a JSON object."""

from typing import Any

from starlette.requests import Request

from kalends.sandbox.bodies import read_object
from kalends.sandbox.google.errors import Refused


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request brings, an empty one for no body; raises `Refused` for anything else."""
    return await read_object(
        request,
        too_large=Refused(413, "uploadTooLarge", "Request Too Large"),
        unreadable=Refused(400, "parseError", "Parse Error"),
    )
