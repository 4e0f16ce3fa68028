from collections.abc import AsyncIterator

import pytest

from tests.sandbox.microsoft.oauth_app import Asking, asking
from tests.sandbox.microsoft.stage import Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    async with stage.app.router.lifespan_context(stage.app), stage.http:
        yield stage


@pytest.fixture
async def app() -> AsyncIterator[Asking]:
    async with asking() as one:
        yield one
