"""What a Markdown page holds that can be checked: snippets with their marks, links, and headings to link to.

A comment on the line before a snippet marks it:

    <!-- not run: WHY -->            it is shown only
    <!-- keeps running: TEXT -->     it goes on in the background, once it has said TEXT
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

RUN = frozenset({"sh", "python", "javascript"})
SHOWN = frozenset({"text", "json", "toml", "mermaid", "nginx", "ics", "xml"})
_MARK = re.compile(r"<!--\s*(not run|keeps running):\s*(.+?)\s*-->", re.DOTALL)


class PageRefused(Exception):
    """A page cannot be checked as it is written; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A fenced block that can be run. `line` is where it begins, counted from 1."""

    line: int
    language: str
    text: str
    not_run: str | None = None
    """Why it is only shown."""
    keeps_running: str | None = None
    """What it says when it is ready, where it does not end by itself."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link or picture, and the line of the paragraph that holds it."""

    line: int
    target: str


@dataclass(frozen=True, slots=True)
class Page:
    """One document."""

    path: Path
    snippets: tuple[Snippet, ...]
    links: tuple[Link, ...]
    anchors: frozenset[str]


def read_page(path: Path) -> Page:
    """Read a page; raises `PageRefused` for a block whose language says neither that it is run nor that it is not."""
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))
    return Page(path, tuple(_snippets(path, tokens)), tuple(_links(tokens)), _anchors(tokens))


def _snippets(path: Path, tokens: list[Token]) -> Iterator[Snippet]:
    marked: re.Match[str] | None = None
    for token in tokens:
        if token.type == "html_block":
            marked = _MARK.fullmatch(token.content.strip())
            if marked is None and "run" in token.content and token.content.startswith("<!--"):
                raise PageRefused(f"{path}:{_line(token)}: a comment that is no mark: {token.content.strip()}")
            continue
        if token.type == "fence":
            language = token.info.strip()
            if language in RUN:
                kind, said = marked.groups() if marked else ("", None)
                yield Snippet(
                    _line(token),
                    language,
                    token.content,
                    not_run=said if kind == "not run" else None,
                    keeps_running=said if kind == "keeps running" else None,
                )
            elif language not in SHOWN:
                raise PageRefused(f"{path}:{_line(token)}: a block in {language or 'no language'!r}")
        marked = None


def _links(tokens: list[Token]) -> Iterator[Link]:
    line = 1
    for token in tokens:
        line = _line(token) if token.map else line
        for child in token.children or ():
            target = child.attrGet("href") if child.type == "link_open" else child.attrGet("src")
            if isinstance(target, str):
                yield Link(line, target)


def _anchors(tokens: list[Token]) -> frozenset[str]:
    """Return the anchors that a repository browser gives the headings, a number behind those that come again."""
    found: dict[str, None] = {}
    for before, token in pairwise(tokens):
        if before.type != "heading_open":
            continue
        text = "".join(child.content for child in token.children or () if child.type in {"text", "code_inline"})
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        name, number = slug, 0
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found[name] = None
    return frozenset(found)


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1
