"""One demo at a time in a data folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kalends.demo.server import DemoFailed


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other demos out of the folder, which is made where it is missing; raises `DemoFailed`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailed(f"A demo is running in {folder} already; end it, or give another --data-dir.") from None
        yield
