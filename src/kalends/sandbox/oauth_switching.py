"""What switches of OAuth are pressed with: a JSON object, of texts and lists of texts.

A browser's page of another origin cannot press them: `application/json` is asked for.
"""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from kalends.sandbox.oauth_forms import read_body


async def json_object(request: Request) -> dict[str, Any]:
    """Return what a switch is pressed with; raises `ValueError`, and `OAuthRefused` for a body that is too long."""
    body = await read_body(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ValueError("the body must be application/json")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the body must be a JSON object") from None
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - one error for whatever is wrong with a body
    return value


def text(fields: Mapping[str, Any], name: str) -> str:
    """Return a field that is a text; raises `ValueError`."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text")
    return value


def texts(fields: Mapping[str, Any], name: str) -> list[str]:
    """Return a field that is a list of texts; raises `ValueError`."""
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name} must be a list of texts")
    return value
