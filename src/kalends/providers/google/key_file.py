"""The key file of a service account, as the Google Cloud console hands it out.

Source: "Create and delete service account keys" (Google Cloud, IAM), the JSON form. Where the endpoints are is not
taken from the file: that is for the operator's settings to say.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

LONGEST = 16_384
"""Characters of a key file; Google's have about 2,400."""
LONGEST_KEY = 8_192
FEWEST_BITS, MOST_BITS = 2_048, 8_192

_TYPE = "service_account"
_UNIVERSE = "googleapis.com"
_EMAIL = re.compile(r"[A-Za-z0-9._-]{1,100}@[a-z0-9.-]{1,150}\.gserviceaccount\.com")
_CLIENT_ID = re.compile(r"[0-9]{1,40}")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class ServiceAccountKey:
    """A service account and one of its keys: `private_key` is PKCS #8 in PEM."""

    email: str
    client_id: str
    key_id: str
    private_key: str = field(repr=False)


def read_key_file(text: str) -> ServiceAccountKey:
    """Return what a key file holds; raises `ValueError` with a message that quotes nothing of it."""
    said = _object(text)
    return ServiceAccountKey(
        _field(said, "client_email", _EMAIL),
        _field(said, "client_id", _CLIENT_ID),
        _field(said, "private_key_id", _KEY_ID),
        _private_key(said.get("private_key")),
    )


def _object(text: str) -> Mapping[str, Any]:
    if len(text) > LONGEST:
        raise ValueError(f"the key file is longer than {LONGEST} characters")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("the key file is not JSON: take the one that the Cloud console hands out for a key") from None
    if not isinstance(said, dict):
        raise ValueError("the key file is no JSON object")  # noqa: TRY004 - the operator's mistake, not the program's
    if "web" in said or "installed" in said:
        raise ValueError("that is the file of an OAuth client, not the key file of a service account")
    if said.get("type") != _TYPE:
        raise ValueError(f"that is not the key file of a service account: its 'type' is not {_TYPE!r}")
    if said.get("universe_domain", _UNIVERSE) != _UNIVERSE:
        raise ValueError(f"the service account is not one of {_UNIVERSE}, where Google Calendar is")
    return said


def _field(said: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError(f"the key file has no usable {name!r}")
    return value


def _private_key(pem: object) -> str:
    if not isinstance(pem, str) or len(pem) > LONGEST_KEY:
        raise ValueError("the key file has no usable 'private_key'")
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the 'private_key' of the key file cannot be read: it is no PEM, or it is damaged") from None
    if not isinstance(key, RSAPrivateKey) or not FEWEST_BITS <= key.key_size <= MOST_BITS:
        raise ValueError(f"the 'private_key' of the key file is no RSA key of {FEWEST_BITS} to {MOST_BITS} bits")
    return pem
