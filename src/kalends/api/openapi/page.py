"""The page for people: HTML without script, and nothing that is fetched from anywhere."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from kalends.api.openapi.outline import outline
from kalends.api.openapi.schemas import Schema

_FOLDER = files("kalends.api.openapi")
_STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8")
_TEMPLATE = (_FOLDER / "page.html.jinja").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Lets a browser apply this page's own style, and nothing else."""

_INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*([^*\s][^*]*)\*"), r"<em>\1</em>"),
)


def render(document: Schema) -> str:
    """Return the page for a document."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"inline": inline, "paragraphs": paragraphs, "breakable": breakable}
    return environment.from_string(_TEMPLATE).render(page=outline(document), style=Markup(_STYLE))  # noqa: S704 - a file of ours


def inline(text: str) -> Markup:
    """Return a line of the document's Markdown as HTML: code, strong and emphasis, which is all that it uses."""
    found = str(escape(text))
    for pattern, replacement in _INLINE:
        found = pattern.sub(replacement, found)
    return Markup(found)  # noqa: S704 - escaped above


def paragraphs(text: str) -> Markup:
    """Return several paragraphs as HTML."""
    return Markup("\n").join(
        Markup("<p>{}</p>").format(inline(one.strip())) for one in text.split("\n\n") if one.strip()
    )


def breakable(text: str) -> Markup:
    """Return a path or a name with places at which a narrow screen may break it."""
    return Markup(re.sub(r"([/.:_]|(?<=[a-z])(?=[A-Z]))", r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped here
