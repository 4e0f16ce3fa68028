"""The keys that ID tokens are signed with (RS256), as they are published: as JWKs and as certificates."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from kalends.sandbox.clock import SandboxClock

ALGORITHM = "RS256"
KEPT = 2
"""So many keys are published at a time: what the one before signed still verifies."""

_BITS = 2048
_EXPONENT = 65_537
_CERTIFIED = timedelta(days=16)


class SignatureRefused(Exception):
    """What came is no token, or none of the keys signed it."""


@dataclass(frozen=True, slots=True)
class _Key:
    pair: RSAKey
    certificate: str


class SigningKeys:
    """Signs ID tokens with the newest key."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._keys = [self._new()]

    def rotate(self) -> None:
        """Sign with a new key from now on; the one before stays published, the one before that does not."""
        self._keys = [self._new(), *self._keys][:KEPT]

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the claims as a signed JWT."""
        pair = self._keys[0].pair
        return jwt.encode({"alg": ALGORITHM, "kid": pair.kid, "typ": "JWT"}, dict(claims), pair)

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that a published key signed, expired or not; raises `SignatureRefused`."""
        return verified(token, KeySet([key.pair for key in self._keys]))

    def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JWK set (RFC 7517), the newest first."""
        extra = {"use": "sig", "alg": ALGORITHM}
        return {"keys": [{**key.pair.as_dict(private=False), **extra} for key in self._keys]}

    def certificates(self) -> dict[str, str]:
        """Return key id → certificate (X.509, PEM), the newest first."""
        return {str(key.pair.kid): key.certificate for key in self._keys}

    def _new(self) -> _Key:
        private = new_private_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kalends sandbox")])
        now = self._clock.now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + _CERTIFIED)
            .sign(private, SHA256())
        )
        pair = RSAKey.import_key(pem(private), {"kid": new_key_id()})
        return _Key(pair, certificate.public_bytes(Encoding.PEM).decode())


def verified(token: str, keys: RSAKey | KeySet) -> dict[str, Any]:
    """Return the claims, unchecked, of a JWT that a key signed with RS256; raises `SignatureRefused`."""
    try:
        return dict(jwt.decode(token, keys, algorithms=[ALGORITHM]).claims)
    except (JoseError, ValueError, TypeError):
        # whatever came: it is somebody else's text, and the library has many names for what may be wrong with it
        raise SignatureRefused from None


def new_private_key() -> RSAPrivateKey:
    """Return a new RSA key; this takes a noticeable part of a second."""
    return generate_private_key(_EXPONENT, _BITS)


def new_key_id() -> str:
    """Return a key id: 40 hexadecimal digits."""
    return secrets.token_hex(20)


def pem(private: RSAPrivateKey) -> str:
    """Return a private key as key files hold it: PKCS #8, PEM."""
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
