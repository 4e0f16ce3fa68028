"""Whether other processes work on an embedded database, known from a lock that ends with whoever holds it.

The lock is on a file of its own beside the database: one on the database itself would get in the way of SQLite's.
"""

import fcntl
import os
from pathlib import Path

SUFFIX = ".occupied"


class Occupancy:
    """One process's stay on an embedded database; every process that takes leases there enters before.

    The operating system ends the stay of a process that is killed. Where the file system knows no locks, nobody is
    ever alone, and who died is found out by their silence.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + SUFFIX)
        self._file: int | None = None

    def enter(self) -> bool:
        """Enter, and tell whether nobody else is there; then nobody can enter before `settle`. False the second time.

        Blocks for as long as another one is between its `enter` and its `settle`.
        """
        if self._file is not None:
            return False
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.settle()
            return False
        except OSError:
            return False
        return True

    def settle(self) -> None:
        """Let others in."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Leave."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
