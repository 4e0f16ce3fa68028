"""Application permissions: an app to which the administrator of an organisation has opened mailboxes.

Nobody consents for each of them. Source: "Get access without a user" (Microsoft Graph); RFC 6749 §4.4; "Role Based
Access Control for Applications in Exchange Online", by which administrators limit which mailboxes such an app reaches.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from oauthlib.oauth2 import BackendApplicationClient

from kalends.model.calendar import Account
from kalends.model.provider import ConnectScopes
from kalends.net.client import GuardedClient
from kalends.providers.base import Credentials, Delegation
from kalends.providers.errors import CalendarGone, CredentialsRefused, MailboxUnknown, NotSupported, Unavailable
from kalends.providers.microsoft import config as settings
from kalends.providers.microsoft.auth import TOKEN_PATH, authority
from kalends.providers.microsoft.client import GraphApi
from kalends.providers.microsoft.scopes import APPLICATION
from kalends.providers.oauth.stored_token import HeldToken
from kalends.providers.oauth.token_endpoint import granted, tokens

_LONGEST = 8_192
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_SECRET = 512
_CLOUDS = (".microsoft.com", ".microsoft.us", ".chinacloudapi.cn")
_GRAPH = "https://graph.microsoft.com"
_VOID = frozenset({"unauthorized_client", "invalid_client"})
"""What the token endpoint says where the app, or its secret, is no more."""


def installation(secret: str, domains: Sequence[str]) -> Delegation:
    """Return what is kept of an app's credentials, in JSON with `tenant`, `appId` and `password`.

    That is how the Azure command line prints them (`az ad sp create-for-rbac`); `tenant` has to be the tenant's id.
    Raises `ValueError`, which quotes nothing of it.
    """
    try:
        said = json.loads(secret) if len(secret) <= _LONGEST else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ValueError("the app's credentials are JSON with tenant, appId and password")  # noqa: TRY004 - for people
    found = {name: said.get(name) for name in ("tenant", "appId", "password")}
    for name in ("tenant", "appId"):
        if not isinstance(found[name], str) or not _GUID.fullmatch(str(found[name]).lower()):
            raise ValueError(f"{name!r} is no id, as 00000000-0000-0000-0000-000000000000 is one")
    if not isinstance(found["password"], str) or not 0 < len(str(found["password"])) <= _LONGEST_SECRET:
        raise ValueError("'password' is the client secret of the app")
    config = {
        settings.DOMAINS: " ".join(domains),
        settings.TENANT: str(found["tenant"]).lower(),
        settings.CLIENT_ID: str(found["appId"]).lower(),
    }
    return Delegation("Microsoft 365", config, {settings.CLIENT_SECRET: str(found["password"])})


def domains_of(config: Mapping[str, str]) -> Collection[str]:
    """Return the domains whose mailboxes may be opened."""
    return frozenset(config.get(settings.DOMAINS, "").split())


async def connect(
    client: GuardedClient, config: Mapping[str, str], email: str, asked: ConnectScopes, now: datetime
) -> Account:
    """Return the account that a mailbox belongs to.

    Raises `MailboxUnknown`, `NotSupported` where the administrator has granted nothing that reaches as far,
    `CredentialsRefused` where the app or its secret is no more, `Unavailable`.
    """
    credentials = await renew(client, config, {}, now)
    api = GraphApi(client, HeldToken(credentials), config[settings.GRAPH_URL], ("users", email))
    try:
        person = await api.get(api.url(**{"$select": "id,mail,userPrincipalName"}))
    except CalendarGone:
        raise MailboxUnknown(
            "Graph knows no such mailbox", public="Microsoft knows no mailbox with this address."
        ) from None
    except NotSupported:
        raise NotSupported("the app may not read who people are", public=_advice(config, asked)) from None
    found, addresses = person.get("id"), {str(person.get(name) or "") for name in ("mail", "userPrincipalName")}
    if not isinstance(found, str) or not _GUID.fullmatch(found.lower()):
        raise Unavailable("Microsoft does not tell whose mailbox it is")
    named = frozenset(one.lower() for one in (*addresses, email) if "@" in one)
    return Account(
        # the key that consenting gives the same account (auth.verified)
        key=f"{config[settings.LOGIN_URL]}/{config[settings.TENANT]}/v2.0 {found.lower()}",
        email=str(person.get("mail") or person.get("userPrincipalName") or email),
        addresses=named,
        credentials={**credentials, "mailbox": found.lower(), "addresses": sorted(named)},
        scopes=frozenset(APPLICATION[asked]),
    )


async def renew(client: GuardedClient, config: Mapping[str, str], kept: Credentials, now: datetime) -> Credentials:
    """Return credentials with a new access token, which is the app's and good for every mailbox that it may open.

    Raises `CredentialsRefused` where the app or its secret is no more, `Unavailable` for everything that may pass.
    """
    graph = config[settings.GRAPH_URL]
    resource = graph if (urlsplit(graph).hostname or "").endswith(_CLOUDS) else _GRAPH
    body = urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": config[settings.CLIENT_ID],
            "client_secret": config[settings.CLIENT_SECRET],
            "scope": f"{resource}/.default",
        }
    )
    app = BackendApplicationClient(config[settings.CLIENT_ID])
    try:
        given = await tokens(client, authority(config) + TOKEN_PATH, body, app, _VOID)
    except CredentialsRefused as error:
        gone = "Microsoft does not take the app's secret any more. Install the provider anew with another one."
        raise CredentialsRefused(str(error), public=gone) from None
    return {**kept, **granted(given, now)}


def _advice(config: Mapping[str, str], asked: ConnectScopes) -> str:
    return (
        f"Microsoft does not let the app {config[settings.CLIENT_ID]} open this mailbox. An administrator has to grant "
        f"it these application permissions of Microsoft Graph: User.Read.All, {', '.join(APPLICATION[asked])}."
    )
