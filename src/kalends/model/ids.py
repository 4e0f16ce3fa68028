"""Identifiers: GUIDs for most things, letters and digits for connections."""

import re
import secrets
import string
from uuid import uuid4

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_LETTERS = string.ascii_letters + string.digits


def new_id() -> str:
    """Return a fresh random GUID in lower case."""
    return str(uuid4())


def is_guid(text: str) -> bool:
    """Tell whether the text is a GUID: 36 characters, hexadecimal digits and hyphens, in either case."""
    return _GUID.fullmatch(text) is not None


def new_connection_id() -> str:
    """Return a fresh connection id of 32 letters and digits.

    The official SDK puts it into the path unescaped, so it must hold nothing that a URL gives a meaning to.
    """
    return "".join(secrets.choice(_LETTERS) for _ in range(32))
