"""How a copy is recognised at Graph: by its key where one looks for it, by its tag where it comes back unasked.

Key and tag stand in extended properties, by which Graph filters ("Get singleValueLegacyExtendedProperty"). The delta of
a calendar view gives no extended properties, however. What it gives of each event, nobody sees in Outlook, and nobody
can change afterwards, is the `transactionId` that it was made with ("event resource type"): so the tag is part of it.
"""

import re

from kalends.model.copy import WantedCopy

_SET = "{c9c4c5d1-3c0f-4a53-8a0e-6c3f2a7d51b8}"
"""The property set that is Kalends' own."""
KEY_PROPERTY = f"String {_SET} Name kalendsKey"
TAG_PROPERTY = f"String {_SET} Name kalendsTag"
MARKER_PROPERTY = f"String {_SET} Name kalendsMarker"

_OURS = "kalends"
_PART_OF_KEY = 26
"""Characters of a key that tell two copies of one tag apart: 130 bits."""
_TRANSACTION = re.compile(rf"{_OURS}:(?P<tag>[0-9a-v.]{{1,100}}):[0-9a-v]{{{_PART_OF_KEY}}}:[0-9]")


def transaction_id(wanted: WantedCopy, attempt: int) -> str:
    """Return what a copy is made with; another `attempt` where an earlier one is remembered, though its copy is gone.

    It is the same each time that the same is attempted, so that Graph sees a repeated request for what it is.
    """
    return f"{_OURS}:{wanted.tag}:{wanted.key[:_PART_OF_KEY]}:{attempt}"


def tag_in(transaction: object) -> str | None:
    """Return the tag of the copy that was made with this `transactionId`, None where it was no copy of ours."""
    found = _TRANSACTION.fullmatch(transaction) if isinstance(transaction, str) else None
    return found["tag"] if found else None


def holds(name: str, value: str) -> str:
    """Return the `$filter` for what has an extended property of a value; both are ours, and have no quotes in them."""
    return f"singleValueExtendedProperties/any(p:p/id eq '{name}' and p/value eq '{value}')"
