"""The page on which a person chooses an account and lets an app do things, or does not: HTML without script."""

import secrets
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kalends.sandbox.google import consent_scopes
from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth_authorization import Authorization, ToTell, read
from kalends.sandbox.google.oauth_forms import Pairs, read_form, read_query, single
from kalends.sandbox.google.oauth_model import OAuthRefused

ACTION = "/signin/oauth/consent"
"""Where the form is sent."""
FORM_LIFETIME = timedelta(minutes=30)
MOST_FORMS = 1_000
"""So many forms wait for an answer at a time; the oldest is forgotten."""

_FOLDER = files("kalends.sandbox.google")
_STYLE = (_FOLDER / "consent.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_TEMPLATE = _ENVIRONMENT.from_string((_FOLDER / "consent.html").read_text(encoding="utf-8"))

# no form-action: browsers hold it against every redirect that follows the form, wherever the app goes on to
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Waiting:
    asked: Authorization
    until: datetime


@dataclass(frozen=True, slots=True)
class _Scope:
    name: str
    shown: str
    purpose: str
    may_be_unticked: bool


class ConsentPage:
    """The authorization endpoint, and the form that it shows."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()

    async def show(self, request: Request) -> Response:
        """Answer an app's request: by the page, or by a redirect where nobody has to be asked."""
        try:
            asked = read(single(read_query(request)), self._grants)
        except OAuthRefused as refused:
            return _refusal(refused)
        if isinstance(asked, ToTell):
            return RedirectResponse(asked.url, 302, _redirect_headers())
        user = asked.hinted(self._grants)
        known = user is not None and asked.scopes <= self._grants.consented(user, asked.client)
        if "none" in asked.prompts and not known:
            error = "interaction_required" if user is None else "consent_required"
            return RedirectResponse(asked.redirect(error=error), 302, _redirect_headers())
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
        asked = self._take(fields.get("form", ""))
        ticked = {value for name, value in pairs if name == "scope"}
        granted = asked.scopes - (consent_scopes.can_be_unticked(asked.scopes) - ticked)
        if fields.get("action") == "cancel" or not granted:
            return RedirectResponse(asked.redirect(error="access_denied"), 303, _redirect_headers())
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
        return RedirectResponse(url, status, _redirect_headers())

    def _page(self, asked: Authorization, hinted: User | None) -> Response:
        accounts = asked.accounts(self._grants)
        chosen = hinted or (accounts[0] if accounts else None)
        page = _TEMPLATE.render(
            title=f"{asked.client.name} wants access to a Google Account",
            style=Markup(_STYLE),  # noqa: S704 - a file of ours
            error=None,
            asked=asked,
            action=ACTION,
            form=self._wait_for(asked),
            accounts=accounts,
            chosen=chosen.id if chosen else None,
            scopes=_listed(asked.scopes),
        )
        return HTMLResponse(page, headers=HEADERS)

    def _wait_for(self, asked: Authorization) -> str:
        while len(self._waiting) >= MOST_FORMS:
            self._waiting.popitem(last=False)
        form = secrets.token_urlsafe(32)
        self._waiting[form] = _Waiting(asked, self._grants.clock.now() + FORM_LIFETIME)
        return form

    def _take(self, form: str) -> Authorization:
        waiting = self._waiting.pop(form, None)
        if waiting is None or waiting.until <= self._grants.clock.now():
            raise OAuthRefused("invalid_request", "This page was used already, or is too old. Go back to the app.")
        return waiting.asked


def _listed(scopes: Collection[str]) -> Sequence[_Scope]:
    loose = consent_scopes.can_be_unticked(scopes)
    order = [*consent_scopes.PURPOSES]
    return [
        _Scope(name, name.removeprefix(consent_scopes.AUTH), consent_scopes.PURPOSES[name], name in loose)
        for name in sorted(scopes, key=order.index)
    ]


def _refusal(refused: OAuthRefused) -> Response:
    """Tell the person, since whoever sent them here cannot be trusted with it."""
    page = _TEMPLATE.render(
        title="Access blocked",
        style=Markup(_STYLE),  # noqa: S704 - a file of ours
        error=refused,
        status=refused.status,
    )
    return HTMLResponse(page, refused.status, HEADERS)


def _redirect_headers() -> dict[str, str]:
    # the address holds a code: no page after this one is to learn it, and nothing is to keep it
    return {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
