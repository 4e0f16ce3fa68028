from collections.abc import AsyncIterator

import pytest

from tests.sandbox.google.stage import Stage


@pytest.fixture
async def loose() -> AsyncIterator[Stage]:
    """A sandbox whose answers are held to Google's document; what it is asked may be wrong."""
    stage = Stage()
    async with stage.app.router.lifespan_context(stage.app), stage.http:
        yield stage
    assert stage.validated.of("answer") == []


@pytest.fixture
async def stage(loose: Stage) -> AsyncIterator[Stage]:
    """A sandbox that is asked only what Google's document knows."""
    yield loose
    assert loose.validated.of("request") == []
