"""The page for people: complete, without script, and with nothing that a browser would fetch."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser

import httpx2
import pytest

from kalends.api.application import OPERATIONS
from kalends.api.openapi.page import inline, render
from tests.api.conformance import DOCUMENT

VOID = {"meta", "wbr", "br", "link", "img", "input"}


class Page(HTMLParser):
    """What is on the page: its elements, their attributes, and whether they are nested as they should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def values(self, name: str) -> Iterator[str]:
        return (attributes[name] or "" for _, attributes in self.elements if name in attributes)


@pytest.fixture(scope="module")
def text() -> str:
    return render(DOCUMENT)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_every_operation_and_every_error_is_on_the_page(text: str, page: Page) -> None:
    ids = list(page.values("id"))
    assert len(ids) == len(set(ids))
    assert {one.name for one in OPERATIONS} <= set(ids)
    for operation in OPERATIONS:
        article = text.partition(f'<article id="{operation.name}">')[2].partition("</article>")[0]
        assert "curl" in article
        for declared in operation.errors:
            assert f"<code>{declared.code}</code>" in article or f"violation <code>{declared.code}</code>" in article


def test_every_link_leads_somewhere(page: Page) -> None:
    ids = set(page.values("id"))
    links = set(page.values("href"))
    assert links - {f"#{one}" for one in ids} == {"/openapi.json"}


def test_there_is_no_script_and_nothing_to_fetch(page: Page) -> None:
    assert not {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "embed", "form"}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "srcset", "style"}]


async def test_a_browser_may_apply_its_style_and_nothing_else(client: httpx2.AsyncClient) -> None:
    answer = await client.get("http://kalends.test/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, flags=re.DOTALL)
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{allowed}'" in policy
    assert not re.search(r"url\(|@import", style)


def test_what_the_document_says_is_escaped() -> None:
    assert inline("<b> & `a<b` *c*") == "&lt;b&gt; &amp; <code>a&lt;b</code> <em>c</em>"
    hostile = DOCUMENT | {"info": DOCUMENT["info"] | {"summary": "<script>alert(1)</script>"}}
    assert "<script>" not in render(hostile)
