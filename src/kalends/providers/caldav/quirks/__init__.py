"""What CalDAV servers do differently: one module for each deviation, with its `Quirk` and how it is recognised.

What is done about a deviation stands where it is done, in `listing`, `members`, `planning` and `client`, unless it fits
in a line or two; there the module of the deviation is named. A deviation is listed here only when it was seen in a
server or reported for one, and `known_from` says where.
"""

from collections.abc import Mapping
from types import MappingProxyType

from kalends.providers.caldav.quirks import (
    empty_first_listings,
    lying_sync_tokens,
    missing_etags_after_put,
    missing_listed_etags,
    odd_percent_encoding,
    omitted_multiget_members,
    refused_gets,
    refused_sync_tokens,
    slow_first_listing,
    wrong_content_types,
)
from kalends.providers.quirks import Quirk

_MODULES = (
    refused_sync_tokens,
    lying_sync_tokens,
    empty_first_listings,
    slow_first_listing,
    missing_listed_etags,
    omitted_multiget_members,
    refused_gets,
    odd_percent_encoding,
    wrong_content_types,
    missing_etags_after_put,
)

QUIRKS: Mapping[str, Quirk] = MappingProxyType({module.QUIRK.name: module.QUIRK for module in _MODULES})
"""Name → deviation, in the order in which they are shown."""

__all__ = ["QUIRKS"]
