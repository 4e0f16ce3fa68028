"""ID tokens: whose an account is, as its provider has signed it (OpenID Connect Core 1.0 §3.1.3.7)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import ClaimsOption

from kalends.providers.errors import CredentialsRefused, Unavailable

CLOCKS_APART = timedelta(minutes=2)
"""By which a provider's clock and ours may differ."""


def signed_claims(id_token: object, keys: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an ID token says, once its signature was checked with the provider's public keys (RFC 7517).

    Raises `CredentialsRefused` where it is not good, `Unavailable` where the keys cannot be read.
    """
    try:
        known = KeySet.import_key_set({"keys": keys["keys"]})
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"the provider's public keys cannot be read: {type(error).__name__}") from None
    try:
        claims: Mapping[str, Any] = jwt.decode(str(id_token), known, algorithms=["RS256"]).claims
    except (JoseError, ValueError) as error:
        raise _not_good(error) from None
    return claims


def check_claims(
    claims: Mapping[str, Any],
    *,
    issuers: tuple[str, ...],
    audience: str,
    nonce: str,
    now: datetime,
    essential: tuple[str, ...] = (),
) -> None:
    """See that a token is of one of the issuers, for us, for this way, and of now; and that it says what is essential.

    Raises `CredentialsRefused`.
    """
    wanted: dict[str, ClaimsOption] = {name: {"essential": True} for name in (*essential, "exp", "iat")}
    expected = jwt.JWTClaimsRegistry(
        lambda: int(now.timestamp()),
        int(CLOCKS_APART.total_seconds()),
        iss={"essential": True, "values": list(issuers)},
        aud={"essential": True, "value": audience},
        nonce={"essential": True, "value": nonce},
        **wanted,
    )
    try:
        expected.validate(dict(claims))
    except (JoseError, ValueError) as error:
        raise _not_good(error) from None


def _not_good(error: Exception) -> CredentialsRefused:
    return CredentialsRefused(f"the ID token is not good: {type(error).__name__}")
