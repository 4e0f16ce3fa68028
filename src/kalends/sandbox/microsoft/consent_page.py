"""The authorization endpoint, and the page on which a person accepts what an app asks for."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from kalends.sandbox.consent import ConsentView, ListedScope, WaitingForms, refusal_page, sent_on
from kalends.sandbox.microsoft import scopes as known
from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.grants import Grants
from kalends.sandbox.microsoft.oauth_authorization import Authorization, ToTell, missing, read, tenant_named
from kalends.sandbox.microsoft.oauth_model import AzureRefused, Client
from kalends.sandbox.oauth_forms import read_form, read_query, single
from kalends.sandbox.oauth_words import OAuthRefused, redirect

ACTION = "/kmsi"
"""Where the form is sent."""
ADMIN_ACTION = "/adminconsent/accept"
"""Where an administrator's form is sent."""

_DECLINED = AzureRefused("access_denied", 65004, "User declined to consent to access the app.")
_NEEDS_ADMIN = AzureRefused("access_denied", 90094, "The grant requires administrator permission.")
_NOBODY_CHOSE = AzureRefused(
    "interaction_required", 50058, "A silent sign-in request was sent, but nobody is signed in."
)
_NOT_CONSENTED = AzureRefused("consent_required", 65001, "The user or administrator has not consented to use the app.")


class ConsentPage:
    """The authorization endpoint, and the form that it shows."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._forms: WaitingForms[Authorization] = WaitingForms(grants.clock)

    async def show(self, request: Request) -> Response:
        """Answer an app's request: by the page, or by a redirect where nobody has to be asked."""
        try:
            return self._shown(request.path_params["tenant"], single(read_query(request)))
        except OAuthRefused as refused:
            return _refusal(refused)

    async def submit(self, request: Request) -> Response:
        """Answer the form, which is taken once."""
        try:
            return self._answered(single(await read_form(request)))
        except OAuthRefused as refused:
            return _refusal(refused)

    def _shown(self, tenant: str, fields: Mapping[str, str]) -> Response:
        asked = read(tenant, fields, self._grants)
        if isinstance(asked, ToTell):
            return sent_on(asked.url, 302)
        user = asked.hinted(self._grants)
        if user is not None and not asked.admits(user):
            user = None
        wanted = known.shortened(asked.scopes)
        consented = user is not None and wanted <= self._grants.consented(user, asked.client)
        if asked.prompt == "none" and not consented:
            return sent_on(asked.refusal(_NOBODY_CHOSE if user is None else _NOT_CONSENTED), 302)
        if user is not None and consented and asked.prompt in {None, "none"}:
            return self._go_on(asked, user, 302)
        return self._page(asked, user)

    def _answered(self, fields: Mapping[str, str]) -> Response:
        asked = self._forms.take(fields.get("form", ""))
        if fields.get("action") == "cancel":
            return sent_on(asked.refusal(_DECLINED), 303)
        user = self._grants.user(fields.get("account", ""))
        if user is None or fields.get("action") != "continue":
            raise OAuthRefused("invalid_request", "Choose an account, and continue or cancel.")
        if not asked.admits(user):
            raise asked.stranger(user)
        return self._go_on(asked, user, 303)

    def _go_on(self, asked: Authorization, user: User, status: int) -> Response:
        policies = self._grants.policies
        if user.tenant_id in policies.admin_consent and not known.shortened(asked.scopes) <= known.SIGN_IN:
            return sent_on(asked.refusal(_NEEDS_ADMIN), status)
        try:
            policies.check_conditions(user.id)
        except AzureRefused as refused:
            if asked.prompt == "none":
                return sent_on(asked.refusal(refused), status)
            policies.conditional_access.discard(user.id)  # here they can do what is demanded of them
        code = self._grants.consent(asked.consent(user))
        return sent_on(asked.redirect(code=code.value, session_state=asked.client.id), status)

    def _page(self, asked: Authorization, hinted: User | None) -> Response:
        accounts = self._grants.users
        chosen = hinted or next((one for one in accounts if asked.admits(one)), None)
        return ConsentView(
            service="Microsoft",
            title=f"{asked.client.name} asks for permissions",
            client=asked.client.name,
            redirect_uri=asked.redirect_uri,
            action=ACTION,
            form=self._forms.add(asked),
            accounts=accounts,
            chosen=chosen.id if chosen else None,
            scopes=[_listed(one) for one in asked.scopes],
        ).response()


class AdminConsentPage:
    """The endpoint at which an administrator lets an app act by itself in their tenant, and its form.

    See https://learn.microsoft.com/entra/identity-platform/v2-admin-consent.
    """

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._forms: WaitingForms[tuple[Client, str, str | None]] = WaitingForms(grants.clock)

    async def show(self, request: Request) -> Response:
        """Show what the app would be let to do."""
        try:
            return self._shown(request.path_params["tenant"], single(read_query(request)))
        except OAuthRefused as refused:
            return _refusal(refused)

    async def submit(self, request: Request) -> Response:
        """Answer the form: all application permissions for the chosen administrator's tenant."""
        try:
            fields = single(await read_form(request))
            client, redirect_uri, state = self._forms.take(fields.get("form", ""))
            user = self._grants.user(fields.get("account", ""))
            if fields.get("action") == "cancel" or user is None or user.personal:
                error = {"error": "access_denied", "error_description": _DECLINED.description or ""}
                return sent_on(redirect(redirect_uri, state, {**error, "admin_consent": "True"}), 303)
            self._grants.grant_roles(user.tenant_id, client, known.ROLES)
            self._grants.policies.admin_consent.discard(user.tenant_id)
            return sent_on(redirect(redirect_uri, state, {"admin_consent": "True", "tenant": user.tenant_id}), 303)
        except OAuthRefused as refused:
            return _refusal(refused)

    def _shown(self, tenant: str, fields: Mapping[str, str]) -> Response:
        named, client = tenant_named(tenant, self._grants), self._grants.client(fields.get("client_id", ""))
        if client is None or not client.allows_redirect(fields.get("redirect_uri", "")):
            raise missing("redirect_uri" if client else "client_id")
        accounts = [one for one in self._grants.users if not one.personal and named in {one.tenant_id, *_ANY}]
        return ConsentView(
            service="Microsoft",
            title=f"{client.name} asks for permissions for your organization",
            client=client.name,
            redirect_uri=fields["redirect_uri"],
            action=ADMIN_ACTION,
            form=self._forms.add((client, fields["redirect_uri"], fields.get("state"))),
            accounts=accounts,
            chosen=accounts[0].id if accounts else None,
            scopes=[ListedScope(one, one, "In all mailboxes of the organization") for one in sorted(known.ROLES)],
        ).response()


_ANY = ("common", "organizations")


def _listed(scope: str) -> ListedScope:
    return ListedScope(scope, known.short(scope), known.PURPOSES[known.short(scope)])


def _refusal(refused: OAuthRefused) -> Response:
    return refusal_page("Microsoft", "Sorry, but we're having trouble signing you in.", refused)
