"""Circuit breakers: a host that failed several times in a row is left alone for a while by the whole process.

One at a time then asks whether it is back; the first answer, whatever it says, ends the rest. So a server that is down
costs neither it nor us hundreds of connections, and comes back into use by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalends.model.clock import Clock
from kalends.net.errors import LeftAlone, TimedOut, Unreachable

FAILURES = 8
"""Failures in a row, of whatever account, from which on a host is left alone."""
FIRST_REST = timedelta(seconds=30)
LONGER = 10
"""How many times as long as the first a rest becomes at most."""
LONGEST_REST = LONGER * FIRST_REST
_DOWN = frozenset({502, 504})
"""Statuses by which a gateway says that nobody is behind it. A 503 is an answer: it may be about one account."""
_MOST_HOSTS = 10_000


@dataclass(slots=True)
class _Circuit:
    rest: timedelta
    failures: int = 0
    closed_until: datetime | None = None
    probing: bool = False


class Exchange:
    """One exchange with a host, as far as the breaker cares: which status it came to, if any."""

    def __init__(self) -> None:
        self.status: int | None = None


class Breakers:
    """The breakers of one process, by host and port. `first_rest` is how long a host is left alone at first."""

    def __init__(self, clock: Clock, first_rest: timedelta = FIRST_REST) -> None:
        self._clock = clock
        self._first_rest = first_rest
        self._longest_rest = LONGER * first_rest
        self._circuits: dict[tuple[str, int], _Circuit] = {}

    @contextmanager
    def exchange(self, host: str, port: int) -> Iterator[Exchange]:
        """Watch over an exchange; raises `LeftAlone` where the host is not to be asked now."""
        circuit = self._circuits.get((host, port))
        probing = circuit is not None and self._may_probe(host, circuit)
        seen = Exchange()
        try:
            yield seen
        except (Unreachable, TimedOut):
            self._failed(host, port)
            raise
        else:
            if seen.status in _DOWN:
                self._failed(host, port)
            else:
                self._circuits.pop((host, port), None)
        finally:
            if probing and circuit is not None:
                circuit.probing = False

    def _may_probe(self, host: str, circuit: _Circuit) -> bool:
        """Tell whether this exchange is the one that finds out whether a host is back."""
        if circuit.closed_until is None:
            return False
        left = circuit.closed_until - self._clock.now()
        if left > self._longest_rest:
            left = timedelta()  # it never is that long: our clock was set back
        if circuit.probing or left > timedelta():
            raise LeftAlone(
                f"{host} failed {circuit.failures} times in a row and is left alone for a while.",
                host=host,
                wait=max(left, timedelta(seconds=1)).total_seconds(),
            )
        circuit.probing = True
        return True

    def _failed(self, host: str, port: int) -> None:
        if len(self._circuits) >= _MOST_HOSTS:
            self._circuits.clear()
        circuit = self._circuits.setdefault((host, port), _Circuit(self._first_rest))
        circuit.failures += 1
        if circuit.failures >= FAILURES:
            circuit.closed_until = self._clock.now() + circuit.rest
            circuit.rest = min(circuit.rest * 2, self._longest_rest)
