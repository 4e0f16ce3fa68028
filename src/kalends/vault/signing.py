"""What is handed out and must come back unchanged: tokens and cursors, as signed JWTs (RFC 7519, HS256)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from joserfc.jws import JWSRegistry

from kalends.model.clock import Clock
from kalends.vault.keys import Keyring

ALGORITHM = "HS256"


class _Registry(JWSRegistry):
    """The library's own limits, but for longer claims: a cursor carries a whole query. Who verifies bounds the text."""

    max_payload_length = 196_608


class SignatureRefused(Exception):
    """What came back was not made here, was changed, or has expired (then `expired`)."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


class Signer:
    """Signs claims for one purpose; what was signed for another does not verify."""

    def __init__(self, keyring: Keyring, purpose: str, clock: Clock) -> None:
        keys = [OctKey.import_key(key.material, {"kid": key.id}) for key in keyring.keys(purpose)]
        self._newest = keys[0]
        self._keys = KeySet([*keys])
        self._clock = clock

    def sign(self, claims: Mapping[str, Any], lifetime: timedelta) -> str:
        """Return the claims as a signed text that is valid for the lifetime."""
        now = self._clock.now()
        header = {"alg": ALGORITHM, "kid": self._newest.kid}
        stamped = {**claims, "iat": int(now.timestamp()), "exp": int((now + lifetime).timestamp())}
        return jwt.encode(header, stamped, self._newest, algorithms=[ALGORITHM])

    def verify(self, text: str) -> dict[str, Any]:
        """Return the claims of a signed text; raises `SignatureRefused`."""
        try:
            claims = jwt.decode(text, self._keys, registry=_Registry(algorithms=[ALGORITHM])).claims
            expires = datetime.fromtimestamp(claims["exp"], tz=self._clock.now().tzinfo)
        except (JoseError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise SignatureRefused(f"not signed here: {type(error).__name__}") from None
        if expires <= self._clock.now():
            raise SignatureRefused("expired", expired=True)
        return dict(claims)
