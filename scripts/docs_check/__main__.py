"""Checks the documents, or the pages that are named: `python -m scripts.docs_check [PAGE …]`."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.docs_check.links import broken_links
from scripts.docs_check.pages import Page, PageRefused, read_page
from scripts.docs_check.running import Prompt, SnippetFailed
from scripts.docs_check.stage import StageFailed, clone, service
from scripts.docs_check.tree import ROOT, files

BY_THEMSELVES = ("README.md", "docs/getting-started.md")
"""Pages that begin with nothing, as their readers do."""
WITH_A_SERVICE = ("docs/python-client.md", "docs/sdk.md", "docs/schedule-events.md")
"""Guides to clients: their readers have a service already."""


async def run_page(page: Page, *, with_a_service: bool) -> int:
    """Run the snippets of a page on a stage of its own; return how many were run. Raises `SnippetFailed`."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kalends-docs-")))
        stage = await stack.enter_async_context(service(folder) if with_a_service else clone(folder))
        typed = replace(page, snippets=tuple(replace(one, text=stage.at_our_port(one.text)) for one in page.snippets))
        return await asyncio.to_thread(Prompt(stage.folder, stage.environment).run, typed)


async def check(chosen: Sequence[str]) -> int:
    """Check everything and return the exit code."""
    failures = 0
    try:
        pages = [read_page(path) for path in files("*.md")]
    except PageRefused as refused:
        print(refused)
        return 1
    for broken in broken_links(pages, ROOT):
        failures += 1
        print(broken)
    links = sum(len(page.links) for page in pages)
    print(f"{len(pages)} pages, {links} links")
    for name in chosen or (*BY_THEMSELVES, *WITH_A_SERVICE):
        page = read_page(ROOT / name)
        try:
            count = await run_page(page, with_a_service=name in WITH_A_SERVICE)
        except (SnippetFailed, StageFailed) as failed:
            failures += 1
            print(f"{name}: {failed}")
        else:
            shown = sum(one.not_run is not None for one in page.snippets)
            print(f"{name}: {count} snippets run, {shown} shown only")
    return 1 if failures else 0


if __name__ == "__main__":
    # a shell that starts this in the background has it ignore Ctrl-C, and so would what it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(asyncio.run(check(sys.argv[1:])))
