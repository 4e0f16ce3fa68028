"""vdirsyncer, its command in this process: from a server into a folder of files."""

import shutil

from serving import serve, told  # it runs apart from Kalends
from vdirsyncer.cli import app

ACCOUNT = told()
CONFIG = f"""
[general]
status_path = "{ACCOUNT.folder}/status/"
[pair bench]
a = "server"
b = "files"
collections = null
conflict_resolution = "a wins"
[storage server]
type = "caldav"
url = "{ACCOUNT.url}"
username = "{ACCOUNT.user}"
password = "{ACCOUNT.password}"
[storage files]
type = "filesystem"
path = "{ACCOUNT.folder}/files/"
fileext = ".ics"
"""


def run(*arguments: str) -> None:
    """Run the command."""
    app(["--config", str(ACCOUNT.folder / "config"), "--verbosity", "ERROR", *arguments], standalone_mode=False)


def begin() -> None:
    """Make the folders, and have the pair known."""
    for name in ("status", "files"):
        shutil.rmtree(ACCOUNT.folder / name, ignore_errors=True)
    (ACCOUNT.folder / "files").mkdir(parents=True)
    run("discover", "--no-list", "bench")


def sync() -> int:
    """Bring the folder up to date."""
    run("sync", "bench")
    return len(list((ACCOUNT.folder / "files").iterdir()))


if __name__ == "__main__":
    (ACCOUNT.folder / "config").write_text(CONFIG)
    begin()
    serve(sync, sync)
