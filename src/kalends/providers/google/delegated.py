"""Opening mailboxes as a service account, to which the administrator of their domain has delegated (RFC 7523).

An assertion is signed with the service account's key, and says for whom access is wanted; Google gives an access token
for it, and nothing by which that could be renewed: a new assertion is made instead.

Source: "Using OAuth 2.0 for Server to Server Applications" (Google Identity), "HTTP/REST" and "Error codes".
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from oauthlib.oauth2 import Client, OAuth2Error
from oauthlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidGrantError, UnauthorizedClientError

from kalends.model.calendar import Account
from kalends.model.provider import ConnectScopes
from kalends.net.client import GuardedClient
from kalends.providers.base import Credentials, Delegation
from kalends.providers.errors import CredentialsRefused, MailboxUnknown, NotSupported, Unavailable
from kalends.providers.google import config as settings
from kalends.providers.google.auth import TOKEN_PATH
from kalends.providers.google.client import CalendarApi
from kalends.providers.google.key_file import read_key_file
from kalends.providers.google.scopes import DELEGATED
from kalends.providers.oauth.stored_token import HeldToken
from kalends.providers.oauth.token_endpoint import ask, granted, json_object, scopes_of

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE = timedelta(hours=1)
"""How long an assertion is good: what Google's documents tell, and its libraries do. It is used at once, and once."""
USERINFO_PATH = "/oauth2/v3"

_UNKNOWN_MAILBOX = re.compile(r"\bemail\b|\buser id\b", re.IGNORECASE)
_WRONG_TIME = re.compile(r"\btimeframe\b|\biat\b", re.IGNORECASE)


class NotDelegated(CredentialsRefused):
    """The administrator has not delegated, or does not any more, what is asked for."""


def installation(secret: str, domains: Sequence[str]) -> Delegation:
    """Return what is kept of a key file and the domains that it is for; raises `ValueError`."""
    key = read_key_file(secret)
    config = {
        settings.DOMAINS: " ".join(domains),
        settings.SERVICE_ACCOUNT: key.email,
        settings.SERVICE_ACCOUNT_ID: key.client_id,
        settings.KEY_ID: key.key_id,
    }
    return Delegation("Google Workspace", config, {settings.PRIVATE_KEY: key.private_key})


def domains_of(config: Mapping[str, str]) -> Collection[str]:
    """Return the domains whose mailboxes may be opened."""
    return frozenset(config.get(settings.DOMAINS, "").split())


async def connect(
    client: GuardedClient, config: Mapping[str, str], email: str, asked: ConnectScopes, now: datetime
) -> Account:
    """Return the account that a mailbox belongs to.

    Raises `MailboxUnknown`, `NotSupported` where nothing was delegated that reaches as far, `CredentialsRefused` where
    the service account or its key is no more, `Unavailable`.
    """
    try:
        credentials = await renew(client, config, {"mailbox": email, "asked": asked.value}, now)
    except NotDelegated as error:
        raise NotSupported(str(error), public=error.public) from None
    person = await CalendarApi(client, HeldToken(credentials), config[settings.API_URL] + USERINFO_PATH).get("userinfo")
    subject, address = person.get("sub"), person.get("email")
    if not (isinstance(subject, str) and subject and isinstance(address, str) and "@" in address):
        raise Unavailable("Google does not tell whose mailbox it is")
    return Account(
        # the key that consenting gives the same account (auth.verified)
        key=f"{config[settings.ACCOUNTS_URL]} {subject}",
        email=address,
        addresses=frozenset({address.lower(), email.lower()}),
        credentials=credentials,
        scopes=frozenset(credentials["scopes"]),
    )


async def renew(client: GuardedClient, config: Mapping[str, str], kept: Credentials, now: datetime) -> Credentials:
    """Return credentials with a new access token, for the mailbox and the scopes that they are for.

    Raises `CredentialsRefused` where Google gives none and only people can help: `NotDelegated`, `MailboxUnknown`, or
    the service account's key is no more. Raises `Unavailable` for everything that may pass.
    """
    scopes = DELEGATED[ConnectScopes(kept["asked"])]
    claims = {
        "iss": config[settings.SERVICE_ACCOUNT],
        "sub": kept["mailbox"],
        "scope": " ".join(scopes),
        "aud": config[settings.OAUTH_URL] + TOKEN_PATH,
        "iat": int(now.timestamp()),
        "exp": int((now + LIFE).timestamp()),
    }
    # reading and using a private key takes long enough to hold everybody else up
    assertion = await asyncio.to_thread(_signed, claims, config[settings.PRIVATE_KEY], config[settings.KEY_ID])
    given = await _token(client, config, assertion, scopes)
    return {**kept, **granted(given, now), "scopes": sorted(scopes_of(given) or scopes)}


def _signed(claims: Mapping[str, Any], private_key: str, key_id: str) -> str:
    try:
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": key_id}, dict(claims), RSAKey.import_key(private_key))
    except (JoseError, ValueError, TypeError) as error:
        raise Unavailable(f"the service account's key cannot be used: {type(error).__name__}") from None


async def _token(
    client: GuardedClient, config: Mapping[str, str], assertion: str, scopes: Sequence[str]
) -> Mapping[str, Any]:
    body = urlencode({"grant_type": GRANT_TYPE, "assertion": assertion})
    answer = await ask(client, "POST", config[settings.OAUTH_URL] + TOKEN_PATH, body)
    json_object(answer)
    account = config[settings.SERVICE_ACCOUNT_ID]
    try:
        given: Mapping[str, Any] = Client(account).parse_request_body_response(answer.body.decode())
    except UnauthorizedClientError:
        raise NotDelegated(
            f"the scopes are not delegated to the service account {account}", public=_advice(account, scopes)
        ) from None
    except InvalidGrantError as error:
        raise _refused_grant(str(error.description or ""), account) from None
    except AccessDeniedError as error:
        raise CredentialsRefused(f"Google answered {error.error}") from None
    except OAuth2Error as error:
        raise Unavailable(f"Google's token endpoint answered {answer.status} {error.error}") from None
    return given


def _refused_grant(description: str, account: str) -> CredentialsRefused | Unavailable:
    """Return what `invalid_grant` means: Google has one word for it all, and tells the difference to people alone."""
    if _WRONG_TIME.search(description):
        return Unavailable("Google finds the assertion's times wrong: this machine's clock is off")
    if _UNKNOWN_MAILBOX.search(description):
        return MailboxUnknown("Google knows no such mailbox", public="Google knows no mailbox with this address.")
    return CredentialsRefused(
        f"Google does not take the key of the service account {account}",
        public="Google does not take the service account's key any more. Install the provider anew with another key.",
    )


def _advice(account: str, scopes: Sequence[str]) -> str:
    return (
        f"Google does not let the service account {account} open this mailbox. An administrator of the domain has to "
        "delegate to this client ID in the Admin console (Security > Access and data control > API controls > "
        f"Domain-wide delegation), with these scopes: {','.join(scopes)}. It may take a day until that works."
    )
