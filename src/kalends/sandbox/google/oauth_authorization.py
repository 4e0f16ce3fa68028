"""What an app asks for when it sends somebody to Google: the parameters of the authorization endpoint.

See https://developers.google.com/identity/protocols/oauth2/web-server ("Step 1: Set authorization parameters") and
https://developers.google.com/identity/openid-connect/openid-connect ("Authentication URI parameters").
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kalends.sandbox.google import consent_scopes
from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth_model import Client, Consent
from kalends.sandbox.oauth_words import Challenge, OAuthRefused, redirect

_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_METHODS = ("S256", "plain")
_PROMPTS = frozenset({"none", "consent", "select_account"})
_ACCESS_TYPES = frozenset({"online", "offline"})
_ANY_DOMAIN = "*"


@dataclass(frozen=True, slots=True)
class Authorization:
    """An app's request, checked. `scopes` are full names; `prompts` are the words of `prompt`.

    `enable_granular_consent` is read past: it changes nothing for a client made since 2019, and those here are.
    """

    client: Client
    redirect_uri: str
    scopes: frozenset[str]
    state: str | None = None
    challenge: Challenge | None = None
    offline: bool = False
    prompts: frozenset[str] = frozenset()
    login_hint: str | None = None
    include_granted: bool = False
    nonce: str | None = None
    hosted_domain: str | None = None

    def redirect(self, **parameters: str) -> str:
        """Return where the browser goes next, with the parameters and with `state`."""
        return redirect(self.redirect_uri, self.state, parameters)

    def accounts(self, grants: Grants) -> Sequence[User]:
        """Return the accounts to choose from: those of the domain that the app names by `hd`, otherwise all."""
        if self.hosted_domain is None:
            return grants.users
        domains = {user.id: grants.workspace.domain_of(user) for user in grants.users}
        wanted = self.hosted_domain.lower()
        return [user for user in grants.users if domains[user.id] and wanted in {_ANY_DOMAIN, domains[user.id]}]

    def hinted(self, grants: Grants) -> User | None:
        """Return the account that is meant for certain: the one of `login_hint`, or the only one there is."""
        accounts = self.accounts(grants)
        if self.login_hint is not None:
            found = grants.user(self.login_hint)
            return found if found in accounts else None
        return accounts[0] if len(accounts) == 1 else None

    def consent(self, user: User, ticked: Collection[str]) -> Consent:
        """Return what somebody let the app do."""
        return Consent(
            client=self.client,
            user=user,
            asked=self.scopes,
            ticked=frozenset(ticked),
            redirect_uri=self.redirect_uri,
            challenge=self.challenge,
            offline=self.offline,
            ask_again="consent" in self.prompts,
            include_granted=self.include_granted,
            nonce=self.nonce,
        )


@dataclass(frozen=True, slots=True)
class ToTell:
    """An error that the app hears of, in the redirect `url`, since client and redirect URI are right."""

    url: str


def read(fields: Mapping[str, str], grants: Grants) -> Authorization | ToTell:
    """Return what is asked for, or how to tell the app what is wrong with it.

    Raises `OAuthRefused` for what only the person before the browser may hear of (RFC 6749 §4.1.2.1).
    """
    client = grants.client(fields.get("client_id", ""))
    if client is None:
        raise OAuthRefused("invalid_client", "The OAuth client was not found.")
    redirect_uri = fields.get("redirect_uri", "")
    if not client.allows_redirect(redirect_uri):
        raise OAuthRefused("redirect_uri_mismatch", "The app is not registered with this redirect_uri.")
    try:
        return _checked(fields, client, redirect_uri)
    except OAuthRefused as refused:
        told = {"error": refused.error, "error_description": refused.description or ""}
        return ToTell(redirect(redirect_uri, fields.get("state"), told))


def _checked(fields: Mapping[str, str], client: Client, redirect_uri: str) -> Authorization:
    if "response_type" not in fields:
        raise OAuthRefused("invalid_request", "Required parameter is missing: response_type")
    if fields["response_type"] != "code":
        raise OAuthRefused("unsupported_response_type", "Only response_type=code is answered here.")
    scopes = consent_scopes.parse(fields.get("scope", ""))
    if not scopes:
        raise OAuthRefused("invalid_request", "Required parameter is missing: scope")
    if unknown := consent_scopes.unknown(scopes):
        raise OAuthRefused("invalid_scope", f"Some requested scopes were invalid: {' '.join(unknown)[:400]}")
    prompts = frozenset(fields.get("prompt", "").split())
    if prompts - _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise OAuthRefused("invalid_request", "Invalid parameter value for prompt")
    access_type = fields.get("access_type", "online")
    if access_type not in _ACCESS_TYPES:
        raise OAuthRefused("invalid_request", "Invalid parameter value for access_type")
    return Authorization(
        client=client,
        redirect_uri=redirect_uri,
        scopes=scopes,
        state=fields.get("state"),
        challenge=_challenge(fields),
        offline=access_type == "offline",
        prompts=prompts,
        login_hint=fields.get("login_hint"),
        include_granted=_flag(fields, "include_granted_scopes"),
        nonce=fields.get("nonce"),
        hosted_domain=fields.get("hd"),
    )


def _challenge(fields: Mapping[str, str]) -> Challenge | None:
    value, method = fields.get("code_challenge"), fields.get("code_challenge_method")
    if value is None and method is None:
        return None
    if value is None:
        raise OAuthRefused("invalid_request", "code_challenge_method comes without a code_challenge.")
    if (method or "plain") not in _METHODS:
        raise OAuthRefused("invalid_request", "Invalid parameter value for code_challenge_method")
    if not _CHALLENGE.fullmatch(value):
        raise OAuthRefused("invalid_request", "Invalid parameter value for code_challenge")
    return Challenge(value, method or "plain")


def _flag(fields: Mapping[str, str], name: str) -> bool:
    value = fields.get(name, "false").lower()
    if value not in {"true", "false"}:
        raise OAuthRefused("invalid_request", f"Invalid parameter value for {name}")
    return value == "true"
