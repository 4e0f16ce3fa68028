"""Links: inside the repository they have to lead somewhere; those that lead out are checked for their form alone."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from scripts.docs_check.pages import Link, Page, read_page


def broken_links(pages: Iterable[Page], root: Path) -> Iterator[str]:
    """Yield a sentence for each link that leads nowhere; `root` is the folder that all of them stay in."""
    known = {page.path.resolve(): page for page in pages}
    for page in list(known.values()):
        for link in page.links:
            wrong = _wrong(page, link, root.resolve(), known)
            if wrong:
                yield f"{page.path}:{link.line}: {link.target} {wrong}"


def _wrong(page: Page, link: Link, root: Path, known: Mapping[Path, Page]) -> str | None:
    parts = urlsplit(link.target)
    if parts.scheme or parts.netloc:
        fits = parts.scheme == "https" and "." in (parts.hostname or "") and " " not in link.target
        return None if fits else "is no https address of a site"
    target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path.resolve()
    if not target.is_relative_to(root):
        return "leaves the repository"
    if not target.exists():
        return "does not exist"
    if parts.fragment and target.suffix == ".md":
        there = known.get(target) or read_page(target)
        if parts.fragment not in there.anchors:
            return "has no such heading"
    return None
