"""Kalends beside vdirsyncer, python caldav and a floor: a first import, and one changed event, from warm servers.

All clients are programs of their own and take turns on the same server in the same run; what is shown are medians, and
the lowest and highest value beside them. The floor does nothing but download the same bytes.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import mixed
from bench.processes import cpu_seconds, peak_mebibytes
from tests.servers import CalDavServer, running_radicale, running_xandikos

HERE = Path(__file__).parent
PEERS = HERE.parents[1] / ".bench" / "bin" / "python"
SERVERS: dict[str, Callable[[], AbstractContextManager[CalDavServer]]] = {
    "Radicale": running_radicale,
    "Xandikos": running_xandikos,
}
CLIENTS = {
    "floor": [sys.executable, "-m", "bench.sync.clients.floor"],
    "Kalends": [sys.executable, "-m", "bench.sync.clients.kalends"],
    "vdirsyncer": [str(PEERS), str(HERE / "clients" / "vdirsyncer_client.py")],
    "caldav": [str(PEERS), str(HERE / "clients" / "caldav_client.py")],
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one step cost: seconds of wall time and of the client's CPU, and requests where they were counted."""

    wall: float
    cpu: float
    requests: int | None


@dataclass(slots=True)
class Measured:
    """All that was measured of one client at one server and size."""

    first: list[Cost] = field(default_factory=list)
    again: list[Cost] = field(default_factory=list)
    peak: float = 0.0


class Client:
    """A client that runs."""

    def __init__(self, process: subprocess.Popen[str], server: CalDavServer) -> None:
        self._process = process
        self._server = server
        self._answer()

    def do(self, what: str, *, count: bool) -> Cost:
        """Have it do something, and return what that cost."""
        before = len(self._server.requests()) if count else 0
        cpu = cpu_seconds(self._process.pid)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        wall = float(self._answer()["wall"])
        used = cpu_seconds(self._process.pid) - cpu
        return Cost(wall, used, len(self._server.requests()) - before if count else None)

    def peak(self) -> float:
        """Return the most memory that it has held, in MiB."""
        return peak_mebibytes(self._process.pid)

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                answer: dict[str, float] = json.loads(line)
                return answer
        raise SystemExit("a client ended before it answered")


@contextmanager
def running(name: str, server: CalDavServer, url: str, user: str, password: str) -> Iterator[Client]:
    """Run a client in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*CLIENTS[name], url, user, password, folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command line
            try:
                yield Client(process, server)
            finally:
                process.terminate()


def measure(server: CalDavServer, size: int, clients: list[str], rounds: int, changes: int) -> dict[str, Measured]:
    """Let the clients take turns at a calendar of a size."""
    login = server.login()
    path = f"{login.home}bench-{size}/"
    server.make_calendar(path)
    server.request("DELETE", f"{login.home}calendar/", expect=(200, 204, 404))  # the only one that is there beside it
    texts = dict(mixed.resources(size))
    server.put_many(path, {name: text.replace("\r\n", "\n") for name, text in texts.items()})
    url = server.url + path
    measured: dict[str, Measured] = defaultdict(Measured)
    with running("floor", server, url, login.email, login.password) as client:
        client.do("first", count=False)  # a cold server reads and indexes all files for its first listing
    names = list(texts)
    for turn in range(rounds):
        order = clients[turn % len(clients) :] + clients[: turn % len(clients)]
        with ExitStack() as stack:
            alive: dict[str, Client] = {}
            for name in order:
                alive[name] = stack.enter_context(running(name, server, url, login.email, login.password))
                measured[name].first.append(alive[name].do("first", count=turn == 0))
                measured[name].peak = max(measured[name].peak, alive[name].peak())
            for number in range(changes):
                changed = names[(turn * changes + number * 37) % size]
                text = texts[changed].replace("SUMMARY:", f"SUMMARY:{turn}-{number} ")
                server.put(path + changed, text)
                for name in order[number % len(order) :] + order[: number % len(order)]:
                    measured[name].again.append(alive[name].do("again", count=turn == 0 and number == 0))
    server.delete(path)
    return dict(measured)


def table_of(title: str, found: dict[str, Measured], step: Callable[[Measured], list[Cost]]) -> Table:
    """Return what was measured of one step, each client beside the floor."""
    table = Table("client", "wall s", "spread", "of the floor", "client CPU s", "requests", "peak MiB", title=title)
    floor = statistics.median(one.wall for one in step(found["floor"]))
    for name, one in found.items():
        walls = [cost.wall for cost in step(one)]
        wall, cpu = statistics.median(walls), statistics.median(cost.cpu for cost in step(one))
        requests = next((str(cost.requests) for cost in step(one) if cost.requests is not None), "")
        table.add_row(
            name,
            f"{wall:.3f}",
            f"{min(walls):.3f}–{max(walls):.3f}",
            f"{wall / floor:.2f}",
            f"{cpu:.3f}",
            requests,
            f"{one.peak:.0f}",
        )
    return table


def medians(name: str, size: int, found: dict[str, Measured]) -> list[dict[str, object]]:
    """Return what the chart shows: a first import of each client, and one changed event."""
    return [
        {
            "server": name,
            "size": size,
            "client": client,
            "first": statistics.median(cost.wall for cost in one.first),
            "again": statistics.median(cost.wall for cost in one.again),
        }
        for client, one in found.items()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.sync", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 5_000, 20_000], help="resources of a calendar")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS))
    parser.add_argument("--rounds", type=int, default=3, help="first imports of each client")
    parser.add_argument("--changes", type=int, default=5, help="changes after each first import")
    parser.add_argument("--out", type=Path, help="a file for the medians, from which bench.sync.chart draws")
    given = parser.parse_args()
    console = Console(width=120)
    shown: list[dict[str, object]] = []
    for name in given.servers:
        for size in given.sizes:
            with SERVERS[name]() as server:
                found = measure(server, size, given.clients, given.rounds, given.changes)
            console.print(table_of(f"{name}, {size:,} resources: first import", found, lambda one: one.first))
            console.print(table_of(f"{name}, {size:,} resources: one changed event", found, lambda one: one.again))
            shown += medians(name, size, found)
            if given.out:
                given.out.write_text(json.dumps(shown, indent=1))


if __name__ == "__main__":
    main()
