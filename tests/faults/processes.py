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

from kalends.sync.failpoints import VARIABLE, Point
from tests.faults.sides import HURRIED
from tests.world import SECRET_KEY

LIVES = (0.5, 6.0)
"""For how many seconds a process works before it is killed, at least and at most."""
MOST_WRITTEN = 40
"""By how many copies a process has ended itself at the latest, where it is to."""


@dataclass
class Workers:
    """Some `kalends worker` on one database; what they log goes into files of a folder.

    `environment` is what they are given besides. Where they are `deadly`, many of them end themselves at a fail point
    right before or after they write a copy, if they are not killed before; else the first does at `doomed`, if that is
    given. `codes` are those by which they ended in the end.
    """

    database_url: str
    folder: Path
    seed: int
    count: int = 2
    environment: Mapping[str, str] = field(default_factory=dict)
    deadly: bool = False
    doomed: str | None = None
    kills: int = 0
    deaths: int = 0
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
                await self._kill(doomed)
                await self._begin()

    async def replacing(self, ending: asyncio.Event) -> None:
        """Kill one of them now and then, once another works that was begun in its place."""
        chance = random.Random(self.seed)
        while not ending.is_set():
            await self._begin()
            await self._ready(self._processes[-1])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), chance.uniform(*LIVES))
            await self._kill(self._processes[chance.randrange(self.count)])

    async def renew(self) -> None:
        """Kill all of them, once others work that end when they are told to."""
        self.deadly, doomed = False, list(self._processes)
        for _ in range(self.count):
            await self._begin()
        for process in self._processes[-self.count :]:
            await self._ready(process)
        for process in doomed:
            await self._kill(process)

    @staticmethod
    async def _ready(process: asyncio.subprocess.Process) -> None:
        """Wait until a process works, or has ended."""
        assert process.stdout is not None
        await process.stdout.readline()

    async def bury(self) -> None:
        """Kill the first, unless it has ended itself; the others go on."""
        await self._kill(self._processes[0])

    async def _kill(self, doomed: asyncio.subprocess.Process) -> None:
        self._processes.remove(doomed)
        if doomed.returncode is None:
            doomed.kill()
            self.kills += 1
        else:
            self.deaths += 1
        await doomed.communicate()
        assert doomed.returncode == -signal.SIGKILL, "it had ended before"

    def logged(self) -> list[Mapping[str, str]]:
        """Return what all of them logged; a line that a kill cut off is left out."""
        found = []
        for path in sorted(self.folder.glob("worker-*.log")):
            for line in path.read_text().splitlines():
                with contextlib.suppress(json.JSONDecodeError):
                    found.append(json.loads(line))
        return found

    def _point(self) -> str | None:
        """Return the fail point of the process that is begun, None for none."""
        if not self.deadly:
            return self.doomed if self._begun == 1 else None
        chance = random.Random(f"{self.seed} {self._begun}")
        point = chance.choice([None, Point.BEFORE_COPY_WRITTEN, Point.AFTER_COPY_WRITTEN])
        return None if point is None else f"{point}:{chance.randint(1, MOST_WRITTEN)}"

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
            **self.environment,
        }
        if (point := self._point()) is not None:
            environment[VARIABLE] = point
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
