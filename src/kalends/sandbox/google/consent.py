"""The authorization endpoint, and the page on which a person chooses what an app may do."""

from collections.abc import Collection, Sequence

from starlette.requests import Request
from starlette.responses import Response

from kalends.sandbox.consent import ConsentView, ListedScope, WaitingForms, refusal_page, sent_on
from kalends.sandbox.google import consent_scopes
from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth_authorization import Authorization, ToTell, read
from kalends.sandbox.oauth_forms import Pairs, read_form, read_query, single
from kalends.sandbox.oauth_words import OAuthRefused

ACTION = "/signin/oauth/consent"
"""Where the form is sent."""


class ConsentPage:
    """The authorization endpoint, and the form that it shows."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._forms: WaitingForms[Authorization] = WaitingForms(grants.clock)

    async def show(self, request: Request) -> Response:
        """Answer an app's request: by the page, or by a redirect where nobody has to be asked."""
        try:
            asked = read(single(read_query(request)), self._grants)
        except OAuthRefused as refused:
            return _refusal(refused)
        if isinstance(asked, ToTell):
            return sent_on(asked.url, 302)
        user = asked.hinted(self._grants)
        known = user is not None and asked.scopes <= self._grants.consented(user, asked.client)
        if "none" in asked.prompts and not known:
            error = "interaction_required" if user is None else "consent_required"
            return sent_on(asked.redirect(error=error), 302)
        if user is not None and known and not asked.prompts - {"none"}:
            return self._go_on(asked, user, asked.scopes, 302)
        return self._page(asked, user)

    async def submit(self, request: Request) -> Response:
        """Answer the form, which is taken once."""
        try:
            return self._answered(await read_form(request))
        except OAuthRefused as refused:
            return _refusal(refused)

    def _answered(self, pairs: Pairs) -> Response:
        fields = single([(name, value) for name, value in pairs if name != "scope"])
        asked = self._forms.take(fields.get("form", ""))
        ticked = {value for name, value in pairs if name == "scope"}
        granted = asked.scopes - (consent_scopes.can_be_unticked(asked.scopes) - ticked)
        if fields.get("action") == "cancel" or not granted:
            return sent_on(asked.redirect(error="access_denied"), 303)
        user = next((one for one in asked.accounts(self._grants) if one.id == fields.get("account")), None)
        if user is None or fields.get("action") != "continue":
            raise OAuthRefused("invalid_request", "Choose an account, and continue or cancel.")
        return self._go_on(asked, user, granted, 303)

    def _go_on(self, asked: Authorization, user: User, granted: Collection[str], status: int) -> Response:
        earlier = self._grants.consented(user, asked.client)
        consent = asked.consent(user, granted)
        code = self._grants.consent(consent)
        url = asked.redirect(
            code=code.value,
            scope=consent_scopes.written_for_redirect(code.scopes),
            authuser=str(self._grants.users.index(user)),
            hd=self._grants.workspace.domain_of(user) or "",
            prompt="consent" if consent.ask_again or not asked.scopes <= earlier else "none",
        )
        return sent_on(url, status)

    def _page(self, asked: Authorization, hinted: User | None) -> Response:
        accounts = asked.accounts(self._grants)
        chosen = hinted or (accounts[0] if accounts else None)
        return ConsentView(
            service="Google",
            title=f"{asked.client.name} wants access to a Google Account",
            client=asked.client.name,
            redirect_uri=asked.redirect_uri,
            action=ACTION,
            form=self._forms.add(asked),
            accounts=accounts,
            chosen=chosen.id if chosen else None,
            scopes=_listed(asked.scopes),
        ).response()


def _listed(scopes: Collection[str]) -> Sequence[ListedScope]:
    loose = consent_scopes.can_be_unticked(scopes)
    order = [*consent_scopes.PURPOSES]
    return [
        ListedScope(name, name.removeprefix(consent_scopes.AUTH), consent_scopes.PURPOSES[name], name in loose)
        for name in sorted(scopes, key=order.index)
    ]


def _refusal(refused: OAuthRefused) -> Response:
    return refusal_page("Google", "Access blocked", refused)
