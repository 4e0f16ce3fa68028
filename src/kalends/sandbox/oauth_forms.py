"""Reading what is sent to the OAuth endpoints: parameters in the query, and forms; within limits."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request

from kalends.sandbox.oauth_words import OAuthRefused

FORM = "application/x-www-form-urlencoded"
MOST_BYTES = 65_536
MOST_FIELDS = 100
LONGEST_VALUE = 8_192

Pairs = Sequence[tuple[str, str]]


async def read_body(request: Request) -> bytes:
    """Return a request's body; raises `OAuthRefused` (413) for one that is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise OAuthRefused("invalid_request", "The body is too long.", status=413)
    return bytes(body)


async def read_form(request: Request) -> Pairs:
    """Return the fields of a form in their order; raises `OAuthRefused`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise OAuthRefused("invalid_request", f"The body must be {FORM}.")
    return _pairs(await read_body(request))


def read_query(request: Request) -> Pairs:
    """Return the parameters of a request's query in their order; raises `OAuthRefused`."""
    return _pairs(request.scope["query_string"])


def single(pairs: Pairs) -> dict[str, str]:
    """Return name → value; raises `OAuthRefused` where a name comes twice (RFC 6749 §3.1). What is empty is absent."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = next(name for name, _ in pairs if [one for one, _ in pairs].count(name) > 1)
        raise OAuthRefused("invalid_request", f"OAuth 2 parameters can only have a single value: {twice[:40]}")
    return {name: value for name, value in fields.items() if value}


def _pairs(encoded: bytes) -> Pairs:
    try:
        pairs = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise OAuthRefused("invalid_request", "The parameters cannot be read.") from None
    if any(len(value) > LONGEST_VALUE for _, value in pairs):
        raise OAuthRefused("invalid_request", f"No parameter may be longer than {LONGEST_VALUE} characters.")
    return pairs
