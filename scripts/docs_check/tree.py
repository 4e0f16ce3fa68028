"""The files of the repository as a clone of the present state would hold them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files(*patterns: str) -> Iterator[Path]:
    """Yield the files that match git's patterns, or all of them; what git ignores is not among them."""
    listed = subprocess.run(  # noqa: S603 - our own patterns
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns],  # noqa: S607 - git is needed anyway
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    # a file that was deleted is still listed until that is committed
    yield from (ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())
