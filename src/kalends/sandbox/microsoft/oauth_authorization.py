"""What an app asks for when it sends somebody to Microsoft: the parameters of the authorization endpoint.

See https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, "Request an authorization code".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kalends.sandbox.microsoft import scopes as known
from kalends.sandbox.microsoft.bearer import PERSONAL_TENANT, User, tenant_of
from kalends.sandbox.microsoft.grants import Grants, app_unknown, tenant_unknown
from kalends.sandbox.microsoft.oauth_model import ANYONE, ORGANIZATIONS, AzureRefused, Client, Consent
from kalends.sandbox.oauth_words import Challenge, redirect

COMMON, WORK, CONSUMERS = "common", "organizations", "consumers"
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_PROMPTS = frozenset({"login", "none", "consent", "select_account"})
_NO_ACCOUNT = (
    "User account '{}' from identity provider 'live.com' does not exist in tenant '{}' and cannot access the "
    "application '{}' ({}) in that tenant. The account needs to be added as an external user in the tenant first. "
    "Sign out and sign in again with a different account."
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """An app's request, checked. `scopes` are as they were written; `tenant` is the one of the path."""

    client: Client
    tenant: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None = None
    challenge: Challenge | None = None
    prompt: str | None = None
    login_hint: str | None = None
    nonce: str | None = None

    def redirect(self, **parameters: str) -> str:
        """Return where the browser goes next, with the parameters and with `state`."""
        return redirect(self.redirect_uri, self.state, parameters)

    def refusal(self, refused: AzureRefused) -> str:
        """Return where the browser goes to tell the app of a refusal."""
        return self.redirect(error=refused.error, error_description=refused.description or "")

    def admits(self, user: User) -> bool:
        """Tell whether the tenant that the app named has such an account, and the app is for such."""
        audience = self.client.audience
        if audience != ANYONE and (user.personal if audience == ORGANIZATIONS else user.tenant_id != audience):
            return False
        if self.tenant == COMMON:
            return True
        if self.tenant == CONSUMERS:
            return user.personal
        return not user.personal if self.tenant == WORK else user.tenant_id == self.tenant

    def stranger(self, user: User) -> AzureRefused:
        """Return what is told to somebody whose account the tenant does not have."""
        text = _NO_ACCOUNT.format(user.email, self.tenant, self.client.id, self.client.name)
        return AzureRefused("invalid_request", 50020, text)

    def hinted(self, grants: Grants) -> User | None:
        """Return the account that is meant for certain: the one of `login_hint`, or the only one there is."""
        if self.login_hint is not None:
            return grants.user(self.login_hint)
        return grants.users[0] if len(grants.users) == 1 else None

    def consent(self, user: User) -> Consent:
        """Return what somebody let the app do."""
        return Consent(self.client, user, self.scopes, self.redirect_uri, self.tenant, self.challenge, self.nonce)


@dataclass(frozen=True, slots=True)
class ToTell:
    """An error that the app hears of, in the redirect `url`, since client and redirect URI are right."""

    url: str


def tenant_named(named: str, grants: Grants) -> str:
    """Return the tenant of a path: one of the three common words, or a tenant id; raises `AzureRefused`."""
    lower = named.lower()
    if lower in {COMMON, WORK, CONSUMERS}:
        return lower
    tenant = lower if lower in grants.tenants() | {PERSONAL_TENANT} else tenant_of(lower)
    if tenant == PERSONAL_TENANT:
        return CONSUMERS
    if tenant not in grants.tenants():
        raise tenant_unknown(named)
    return tenant


def read(named: str, fields: Mapping[str, str], grants: Grants) -> Authorization | ToTell:
    """Return what is asked for at a tenant, or how to tell the app what is wrong with it.

    Raises `AzureRefused` for what only the person before the browser may hear of (RFC 6749 §4.1.2.1).
    """
    tenant = tenant_named(named, grants)
    client = grants.client(fields.get("client_id", ""))
    if client is None:
        raise app_unknown(fields.get("client_id", ""), named)
    redirect_uri = fields.get("redirect_uri", "")
    if not client.allows_redirect(redirect_uri):
        wrong = f"The redirect URI specified in the request does not match those of the application '{client.id}'."
        raise AzureRefused("invalid_request", 50011, wrong)
    try:
        return _checked(fields, client, tenant, redirect_uri)
    except AzureRefused as refused:
        told = {"error": refused.error, "error_description": refused.description or ""}
        return ToTell(redirect(redirect_uri, fields.get("state"), told))


def _checked(fields: Mapping[str, str], client: Client, tenant: str, redirect_uri: str) -> Authorization:
    _check_audience(client, tenant)
    if "response_type" not in fields:
        raise missing("response_type")
    if fields["response_type"] != "code":
        wrong = f"'response_type' is '{fields['response_type'][:40]}', which is not answered here."
        raise AzureRefused("unsupported_response_type", 700051, wrong)
    if fields.get("response_mode", "query") != "query":
        raise AzureRefused("invalid_request", 90023, "The response_mode is not answered here.")
    scopes = known.asked(fields.get("scope", ""))
    if not scopes:
        raise missing("scope")
    check_scopes(scopes)
    prompt = fields.get("prompt")
    if prompt is not None and prompt not in _PROMPTS:
        raise AzureRefused("invalid_request", 90023, "Unsupported 'prompt' value.")
    return Authorization(
        client=client,
        tenant=tenant,
        redirect_uri=redirect_uri,
        scopes=scopes,
        state=fields.get("state"),
        challenge=_challenge(fields),
        prompt=prompt,
        login_hint=fields.get("login_hint"),
        nonce=fields.get("nonce"),
    )


def _check_audience(client: Client, tenant: str) -> None:
    if client.audience in {ANYONE, tenant} or (client.audience == ORGANIZATIONS and tenant == WORK):
        return
    if client.audience == ORGANIZATIONS and tenant == CONSUMERS:
        raise AzureRefused("unauthorized_client", 700016, "The client does not exist or is not enabled for consumers.")
    if client.audience == ORGANIZATIONS:
        return
    wrong = f"Application '{client.id}'({client.name}) is not configured as a multi-tenant application."
    raise AzureRefused("unauthorized_client", 50194, wrong)


def check_scopes(scopes: tuple[str, ...]) -> None:
    """See that scopes exist; raises `AzureRefused`."""
    if unknown := known.unknown(scopes):
        wrong = f"The provided value for the input parameter 'scope' is not valid: {' '.join(unknown)[:400]}"
        raise AzureRefused("invalid_scope", 70011, wrong)
    if set(scopes) <= {known.OFFLINE}:
        wrong = "The provided value for the input parameter 'scope' is not valid. It asks for nothing of anybody."
        raise AzureRefused("invalid_scope", 70011, wrong)


def missing(name: str) -> AzureRefused:
    """Return the refusal of a request that lacks a parameter."""
    return AzureRefused("invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")


def _challenge(fields: Mapping[str, str]) -> Challenge | None:
    value, method = fields.get("code_challenge"), fields.get("code_challenge_method")
    if value is None and method is None:
        return None
    if value is None or not _CHALLENGE.fullmatch(value):
        raise AzureRefused("invalid_request", 501491, "Invalid size of Code_Challenge parameter.")
    if (method or "plain") not in {"S256", "plain"}:
        raise AzureRefused("invalid_request", 9002325, "The code_challenge_method is not known.")
    return Challenge(value, method or "plain")
