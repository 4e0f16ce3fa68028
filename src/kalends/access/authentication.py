"""Who a request comes from: an access token (raw or after `Bearer`), or an API key with its site (contract §7)."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalends.access.secrets import API_KEY_PREFIX, digest
from kalends.model.clock import Clock
from kalends.model.errors import PermissionDenied, Unauthenticated
from kalends.model.identity import Identity, IdentityKind, granted
from kalends.store.api_keys import RevokedTokens, find_api_key
from kalends.store.apps import Apps, Installations
from kalends.store.database import Database
from kalends.store.users import Users
from kalends.vault.signing import SignatureRefused, Signer

BELIEVED_FOR = timedelta(seconds=3)
"""How long an identity is taken without looking again: a revocation is seen within this time."""
REMEMBERED = 10_000
LONGEST = 4_096


@dataclass(frozen=True, slots=True)
class Headers:
    """The request headers that say who calls; empty where absent."""

    authorization: str = ""
    site_id: str = ""
    account_id: str = ""


class Authenticator:
    """Turns request headers into identities, remembering them for a few seconds."""

    def __init__(self, database: Database, signer: Signer, clock: Clock) -> None:
        self._database = database
        self._signer = signer
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[datetime, Identity]] = OrderedDict()

    async def identify(self, headers: Headers) -> Identity:
        """Return who calls; raises `Unauthenticated` or `PermissionDenied`."""
        credential = headers.authorization.strip()
        scheme, _, rest = credential.partition(" ")
        if scheme.lower() == "bearer":
            credential = rest.strip()
        if not credential or len(credential) > LONGEST:
            raise Unauthenticated("The Authorization header holds no access token or API key.")
        fingerprint = digest(f"{credential}\n{headers.site_id}\n{headers.account_id}")
        known = self._known.get(fingerprint)
        now = self._clock.now()
        if known is not None and now - known[0] < BELIEVED_FOR:
            return known[1]
        self._known.pop(fingerprint, None)
        if credential.startswith(API_KEY_PREFIX):
            identity = await self._by_api_key(credential, headers)
        else:
            identity = await self._by_token(credential)
        self._known[fingerprint] = (now, identity)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return identity

    async def _by_api_key(self, key: str, headers: Headers) -> Identity:
        async with self._database.read() as connection:
            found = await find_api_key(connection, digest(key))
        if found is None or found.key.revoked_at is not None:
            raise Unauthenticated("The API key is unknown or was revoked.")
        if headers.account_id or not headers.site_id:
            raise PermissionDenied("An API key needs the header wix-site-id, and not wix-account-id.")
        if headers.site_id.lower() != found.site_id:
            raise PermissionDenied("The API key does not belong to the site of the header wix-site-id.")
        return Identity(IdentityKind.API_KEY, found.site_id, found.key.id, granted(found.key.scopes))

    async def _by_token(self, token: str) -> Identity:
        try:
            claims = self._signer.verify(token)
            kind, site_id, subject, token_id = (claims[name] for name in ("kind", "site", "sub", "jti"))
        except SignatureRefused as refused:
            said = "has expired" if refused.expired else "is not valid"
            raise Unauthenticated(f"The access token {said}.") from None
        except KeyError:
            raise Unauthenticated("The access token is not valid.") from None
        async with self._database.read() as connection:
            if await RevokedTokens(connection, site_id).holds(token_id):
                raise Unauthenticated("The access token was revoked.")
            if kind == IdentityKind.USER:
                user = await Users(connection, site_id).get(subject)
                if user is None or user.disabled_at is not None:
                    raise Unauthenticated("The user of the access token is not active.")
                return Identity(IdentityKind.USER, site_id, subject, user.role.permissions)
            app = await Apps(connection).get(subject)
            installation = await Installations(connection, site_id).get(subject)
        if app is None or app.revoked_at or installation is None or installation.revoked_at:
            raise Unauthenticated("The app of the access token is not installed any more.")
        return Identity(IdentityKind.APP, site_id, subject, granted(installation.scopes), premium=installation.premium)
