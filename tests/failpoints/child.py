"""Workers that are about to be killed: each syncs one connection, once, in a process of its own.

`python -m tests.failpoints.child` loads all modules once and forks for each worker, so that a kill costs little more
than the sync that it cuts off.
"""

import asyncio
import base64
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kalends.app import assemble
from kalends.model.connection import Connection
from kalends.providers.caldav import members
from kalends.settings import Settings
from kalends.sync import applying
from kalends.sync.failpoints import VARIABLE

ROOT = Path(__file__).parents[2]
PAGE = 3
"""Members of a page, so that small calendars have several."""
ROWS = 300
"""Rows of a transaction, of which a daily event has more."""
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class StoppedClock:
    """A clock that shows the same time for ever: a process that is killed needs no other."""

    time: datetime

    def now(self) -> datetime:
        """Return that time."""
        return self.time


@dataclass(frozen=True)
class Task:
    """What a worker is to do, and where it is to die; nowhere, where that is empty."""

    settings: Settings
    connection: Connection
    now: datetime
    failpoint: str


@dataclass(frozen=True)
class Mortals:
    """The process that forks."""

    process: "subprocess.Popen[bytes]"

    def warm_up(self, settings: Settings, connection: Connection, now: datetime) -> None:
        """Sync in the process that forks: what is loaded and computed at first use, forks then find done."""
        assert self._told(Task(settings, connection, now, "")) == 0

    def run_until_it_dies(self, settings: Settings, connection: Connection, now: datetime, failpoint: str) -> int:
        """Sync in a process of its own that ends at the fail point; return how it ended: a negative signal, or 0."""
        return self._told(Task(settings, connection, now, failpoint))

    def _told(self, task: Task) -> int:
        asked, told = self.process.stdin, self.process.stdout
        assert asked is not None
        assert told is not None
        asked.write(base64.b64encode(pickle.dumps(task)) + b"\n")
        asked.flush()
        return int(told.readline())


@contextmanager
def mortals() -> Iterator[Mortals]:
    """Start the process that forks; it ends when nothing more can be asked of it."""
    command = [sys.executable, "-m", "tests.failpoints.child"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        yield Mortals(process)


def serve() -> None:
    """Do what each line says in a fork, and print how that ended."""
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is logged is no answer
    for line in sys.stdin.buffer:
        task, ended = pickle.loads(base64.b64decode(line)), 0
        if not task.failpoint:
            work(task)
        elif (worker := os.fork()) == 0:
            signal.alarm(PATIENCE_SECONDS)
            work(task)
            os._exit(0)
        else:
            ended = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        print(ended, file=told, flush=True)


def work(task: Task) -> None:
    """Do a task, and die at it."""
    os.environ[VARIABLE] = task.failpoint
    members._FIRST_BATCH = members._LARGEST_BATCH = PAGE
    applying.ROWS_PER_TRANSACTION = ROWS
    asyncio.run(_sync(task))


async def _sync(task: Task) -> None:
    async with assemble(task.settings, clock=StoppedClock(task.now)) as kalends:
        lease = await kalends.leased.claim(task.connection.site_id, task.connection.id)
        assert lease is not None
        await kalends.leased.run(lease)


if __name__ == "__main__":
    from tests.failpoints.child import serve as serve_by_its_name

    # what is unpickled belongs to this module's own name, and not to __main__
    serve_by_its_name()
