"""Schemathesis, which nobody here wrote, compares a real Kalends over HTTP with its OpenAPI document.

It runs as a program of its own, so that its dependencies and their warnings stay out of this process.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.api.conformance import DOCUMENT
from tests.api.serving import serving
from tests.api.staged import Stage, stage_on

PROGRAM = Path(sys.executable).with_name("schemathesis")
CONFIG = Path(__file__).with_name("schemathesis.toml")

# about half a minute where nothing else runs
pytestmark = pytest.mark.timeout(600)


@dataclass
class Served:
    """A stage behind a real server."""

    stage: Stage
    url: str
    folder: Path

    async def run(self, *options: str, location: str | None = None) -> tuple[int, str]:
        """Run schemathesis; return its exit code and what it said."""
        arguments = ["--config-file", str(CONFIG), "run", location or f"{self.url}/openapi.json", *options]
        running = await asyncio.create_subprocess_exec(
            PROGRAM,
            *arguments,
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await running.communicate()
        finally:
            if running.returncode is None:
                running.kill()
        assert running.returncode is not None
        # what it sent can be a megabyte
        return running.returncode, "\n".join(line[:400] for line in said.decode().splitlines())

    def as_admin(self) -> tuple[str, str]:
        """The option that makes the caller one who may do everything."""
        return "-H", f"Authorization: {self.stage.tokens['admin']}"


@pytest.fixture
async def served(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    async with (
        stage_on(sqlite_url, tmp_path, limit=1 << 20) as stage,
        serving(stage.apps["whole"]) as url,
    ):
        yield Served(stage, url, tmp_path)


async def test_whatever_is_asked_the_answer_is_as_documented(served: Served) -> None:
    code, said = await served.run(*served.as_admin())
    assert code == 0, said
    operations = sum(len(item) for item in DOCUMENT["paths"].values())
    # it does not ask anew for the document that it comes from
    assert f"Tested: {operations - 1}" in said


async def test_whatever_a_stranger_asks_the_answer_is_as_documented(served: Served) -> None:
    code, said = await served.run("--phases", "fuzzing")
    assert code == 0, said


async def test_answers_that_are_not_as_documented_are_found(served: Served) -> None:
    wrong = deepcopy(DOCUMENT)
    wrong["components"]["schemas"]["ProviderMessage"]["properties"]["name"] = {"type": "integer"}
    health: dict[str, Any] = wrong["paths"]["/healthz"]["get"]["responses"]
    del health["200"]
    path = served.folder / "wrong.json"
    path.write_text(json.dumps(wrong), encoding="utf-8")
    code, said = await served.run(
        *("--url", served.url, "--phases", "fuzzing", "--max-examples", "1"),
        *("--include-operation-id", "listProviders", "--include-operation-id", "getHealth"),
        *served.as_admin(),
        location=str(path),
    )
    assert code == 1, said
    assert "Response violates schema" in said
    assert "Undocumented status code" in said
    assert "2 unique failures" in said
