"""Key files of service accounts: what is one, and that nothing of one that is none is quoted."""

import json
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from kalends.providers.google.key_file import LONGEST, LONGEST_KEY, read_key_file

SECRET = "c2VjcmV0"


@cache
def rsa(bits: int) -> RSAPrivateKey:
    return generate_private_key(65_537, bits)


def pem(key: Any, encryption: KeySerializationEncryption | None = None) -> str:
    encoded: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return encoded.decode()


def file(**changes: Any) -> str:
    """Return a key file; a change to None leaves a field out."""
    fields = {
        "type": "service_account",
        "project_id": "studio",
        "private_key_id": "0123456789abcdef",
        "private_key": pem(rsa(2048)),
        "client_email": "calendars@studio.iam.gserviceaccount.com",
        "client_id": "123456789012345678901",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://evil.example/token",
        "universe_domain": "googleapis.com",
    }
    return json.dumps({name: value for name, value in (fields | changes).items() if value is not None})


def test_a_key_file_is_read() -> None:
    key = read_key_file(file())
    assert key.email == "calendars@studio.iam.gserviceaccount.com"
    assert (key.client_id, key.key_id) == ("123456789012345678901", "0123456789abcdef")
    assert key.private_key == pem(rsa(2048))
    assert "PRIVATE" not in repr(key)
    assert read_key_file(file(universe_domain=None, token_uri=None, project_id=None)) == key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        (SECRET, "not JSON"),
        ("[" * 10_000, "not JSON"),
        ("[]", "no JSON object"),
        ('"' + SECRET + '"', "no JSON object"),
        (" " * (LONGEST + 1), f"longer than {LONGEST}"),
        (json.dumps({"web": {"client_secret": SECRET}}), "OAuth client"),
        (json.dumps({"installed": {"client_secret": SECRET}}), "OAuth client"),
        (json.dumps({"type": "authorized_user", "refresh_token": SECRET}), "'type'"),
        (json.dumps({"type": ["service_account"]}), "'type'"),
        (json.dumps({}), "'type'"),
    ],
)
def test_what_is_none_is_told_apart(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        read_key_file(text)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"universe_domain": "other.example"}, "googleapis.com"),
        ({"client_email": None}, "'client_email'"),
        ({"client_email": f"{SECRET}@gmail.com"}, "'client_email'"),
        ({"client_email": "a\n@studio.iam.gserviceaccount.com"}, "'client_email'"),
        ({"client_email": "a@studio.iam.gserviceaccount.com\n"}, "'client_email'"),
        ({"client_email": 5}, "'client_email'"),
        ({"client_id": None}, "'client_id'"),
        ({"client_id": 123}, "'client_id'"),
        ({"client_id": "1" * 41}, "'client_id'"),
        ({"private_key_id": ""}, "'private_key_id'"),
        ({"private_key_id": "a b"}, "'private_key_id'"),
        ({"private_key": None}, "'private_key'"),
        ({"private_key": {}}, "'private_key'"),
        ({"private_key": "x" * (LONGEST_KEY + 1)}, "'private_key'"),
        ({"private_key": SECRET}, "cannot be read"),
        ({"private_key": f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"}, "cannot be read"),
        ({"private_key": pem(rsa(2048), BestAvailableEncryption(b"password"))}, "cannot be read"),
        ({"private_key": pem(rsa(1024))}, "RSA key of 2048"),
        ({"private_key": pem(generate_curve_key(SECP256R1()))}, "RSA key"),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value),
)
def test_what_is_missing_or_damaged_is_named_and_not_quoted(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        read_key_file(file(**changes))
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("text", ['{"type": "service_account", "private_key": "\\ud800"}', '"\\ud800"'])
def test_lone_surrogates_are_refused_like_anything_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"no usable|no JSON object"):
        read_key_file(text)
    with pytest.raises(ValueError, match="cannot be read"):
        read_key_file(file(private_key="\ud800"))
