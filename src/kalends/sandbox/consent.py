"""The page on which a person chooses an account and lets an app do things, or does not: HTML without script."""

import secrets
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from typing import Generic, Protocol, TypeVar

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.oauth_words import OAuthRefused

FORM_LIFETIME = timedelta(minutes=30)
MOST_FORMS = 1_000
"""So many forms wait for an answer at a time; the oldest is forgotten."""

_FOLDER = files("kalends.sandbox")
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

_Asked = TypeVar("_Asked")


@dataclass(frozen=True, slots=True)
class ListedScope:
    """A scope as the page lists it: its name, how that is shown, and what it lets an app do."""

    name: str
    shown: str
    purpose: str
    may_be_unticked: bool = False


class ListedAccount(Protocol):
    """An account to choose from; `id` is what the form sends."""

    @property
    def id(self) -> str:
        """What the form sends."""
        ...

    @property
    def name(self) -> str:
        """What is shown in large."""
        ...

    @property
    def email(self) -> str:
        """What is shown below."""
        ...


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What the page shows. `service` is whose page it stands in for; `form` the number of the form that waits."""

    service: str
    title: str
    client: str
    redirect_uri: str
    action: str
    form: str
    accounts: Sequence[ListedAccount]
    chosen: str | None
    scopes: Sequence[ListedScope]

    def response(self) -> Response:
        """Return the page."""
        page = _TEMPLATE.render(style=Markup(_STYLE), error=None, view=self, service=self.service, title=self.title)  # noqa: S704 - a file of ours
        return HTMLResponse(page, headers=HEADERS)


def refusal_page(service: str, title: str, refused: OAuthRefused) -> Response:
    """Tell the person before the browser, since whoever sent them here cannot be trusted with it."""
    page = _TEMPLATE.render(
        style=Markup(_STYLE),  # noqa: S704 - a file of ours
        error=refused,
        service=service,
        title=title,
        status=refused.status,
    )
    return HTMLResponse(page, refused.status, HEADERS)


def sent_on(url: str, status: int) -> Response:
    """Return a redirect to an app; no page after this one learns the address, for it may hold a code."""
    return RedirectResponse(url, status, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


class WaitingForms(Generic[_Asked]):
    """Forms that were shown and wait for an answer: each is taken once, and not after half an hour."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._waiting: OrderedDict[str, tuple[_Asked, datetime]] = OrderedDict()

    def add(self, asked: _Asked) -> str:
        """Return the number of a new form."""
        while len(self._waiting) >= MOST_FORMS:
            self._waiting.popitem(last=False)
        form = secrets.token_urlsafe(32)
        self._waiting[form] = (asked, self._clock.now() + FORM_LIFETIME)
        return form

    def take(self, form: str) -> _Asked:
        """Return what a form was shown for; raises `OAuthRefused` where it was answered already, or is too old."""
        asked, until = self._waiting.pop(form, (None, self._clock.now()))
        if asked is None or until <= self._clock.now():
            raise OAuthRefused("invalid_request", "This page was used already, or is too old. Go back to the app.")
        return asked
