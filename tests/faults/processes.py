"""Worker processes of the installed program, which are killed again and again."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.sides import HURRIED
from tests.world import SECRET_KEY

LIVES = (0.5, 6.0)
"""For how many seconds a process works before it is killed, at least and at most."""


@dataclass
class Workers:
    """Some `kalends worker` on one database; what they log goes into files of a folder.

    `codes` are those by which they ended in the end.
    """

    database_url: str
    folder: Path
    seed: int
    count: int = 2
    kills: int = 0
    codes: list[int] = field(default_factory=list)
    _processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    _begun: int = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run them, and at the end ask them to stop."""
        for _ in range(self.count):
            await self._begin()
        try:
            yield
        finally:
            for process in self._processes:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
            for process in self._processes:
                await process.communicate()
                self.codes.append(process.returncode or 0)

    async def killing(self, ending: asyncio.Event) -> None:
        """Kill one of them now and then, and begin another in its place."""
        chance = random.Random(self.seed)
        while not ending.is_set():
            doomed = self._processes[chance.randrange(self.count)]
            assert doomed.stdout is not None
            await doomed.stdout.readline()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), chance.uniform(*LIVES))
            if not ending.is_set():
                self._processes.remove(doomed)
                doomed.kill()
                await doomed.communicate()
                assert doomed.returncode == -signal.SIGKILL, "it had ended before"
                self.kills += 1
                await self._begin()

    def logged(self) -> list[Mapping[str, str]]:
        """Return what all of them logged; a line that a kill cut off is left out."""
        found = []
        for path in sorted(self.folder.glob("worker-*.log")):
            for line in path.read_text().splitlines():
                with contextlib.suppress(json.JSONDecodeError):
                    found.append(json.loads(line))
        return found

    async def _begin(self) -> None:
        self._begun += 1
        given = {f"KALENDS_{name.upper()}": str(value) for name, value in HURRIED.items()}
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KALENDS_")},
            **given,
            "KALENDS_DATABASE_URL": self.database_url,
            "KALENDS_SECRET_KEY": SECRET_KEY,
            "KALENDS_NET_ALLOW": "127.0.0.0/8",
            "KALENDS_LOG_FORMAT": "json",
        }
        with (self.folder / f"worker-{self._begun}.log").open("w") as log:
            self._processes.append(
                await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "kalends", "worker", "--json"),
                    env=environment,
                    cwd=self.folder,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                )
            )
