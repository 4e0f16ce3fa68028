"""Templates → pages, with the headers that keep them to themselves."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

_STYLE = (files("kalends.api.pages") / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_TEMPLATES = Environment(
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    loader=PackageLoader("kalends.api", "pages"),
)

HEADERS = {
    # no `form-action`: Chromium holds it against the redirect to the provider that answers the form
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # not `no-referrer`, with which a form says that it comes from nowhere
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer here: the paths hold one-time tokens, and no other page may frame these."""


def page(template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """Return a page."""
    text = _TEMPLATES.get_template(template).render(style=Markup(_STYLE), **shown)  # noqa: S704 - a file of ours
    return HTMLResponse(text, status, headers=HEADERS)
