"""What is made of an API's refusal, once its provider's tables have said what it means."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar

from kalends.providers.errors import ProviderError, Unavailable

MeaningT = TypeVar("MeaningT")
Lasting = tuple[type[ProviderError], str | None]
"""The error that a meaning is, where asking again changes nothing, and what the public is told if not the usual."""


def word(given: object, form: re.Pattern[str]) -> str:
    """Return a word of an answer, empty where it is none of that form: it may be anything, and quote the request."""
    return given if isinstance(given, str) and form.fullmatch(given) else ""


def words(host: str, status: int, said: str) -> str:
    """Return what is said of a refusal to the operator: who refused, the HTTP status, and the provider's own word."""
    return f"{host} answered {status} {said}".rstrip()


def error_of(
    meaning: MeaningT,
    message: str,
    *,
    lasting: Mapping[MeaningT, Lasting],
    rests: Mapping[MeaningT, timedelta],
    retry_after: timedelta | None,
) -> ProviderError:
    """Return the port's error for a meaning: the one that is `lasting`, else `Unavailable`.

    `retry_after` is what the server said about when to come again; where it said nothing, it is left alone for as long
    as `rests` say.
    """
    if meaning in lasting:
        kind, public = lasting[meaning]
        return kind(message, public=public)
    return Unavailable(message, retry_after=retry_after or rests.get(meaning))
