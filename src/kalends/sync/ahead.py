"""Reading ahead: the next page is downloaded while the one before it is expanded and written."""

import asyncio
from collections.abc import AsyncGenerator

from kalends.model.calendar import Page


async def read_ahead(pages: AsyncGenerator[Page]) -> AsyncGenerator[Page]:
    """Yield pages in their order, and fetch the next one meanwhile, no more than one.

    What goes wrong with a page is raised in its turn, after the pages before it. To be closed (`contextlib.aclosing`):
    then nothing is fetched any more.
    """
    page = await anext(pages, None)
    while page is not None and page.cursor is None:
        coming = asyncio.create_task(_next(pages))
        try:
            yield page
            page = await coming
        finally:
            if not coming.done():
                coming.cancel()
                await asyncio.wait((coming,))
            if not coming.cancelled():
                coming.exception()  # nobody asks any more where something else went wrong
    if page is not None:
        yield page
        # that nothing comes after the last page is seen where pages are looked at
        async for late in pages:
            yield late


async def _next(pages: AsyncGenerator[Page]) -> Page | None:
    return await anext(pages, None)
