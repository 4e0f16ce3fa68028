"""Reading and expanding iCalendar: what Kalends takes for it beside what the `icalendar` package takes to read alone.

Both read the same made-up resources in the same process, by turns; what is shown are medians.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import icalendar
from rich.console import Console
from rich.table import Table

from bench import mixed
from kalends.ical import expand_resource, is_tame
from kalends.ical.read import read_events
from kalends.ical.steps import Steps
from kalends.model.occurrence import ExpansionContext
from kalends.model.time import Window

ROUNDS = 5


def seconds(do: Callable[[], object]) -> float:
    """Return the CPU seconds that something takes."""
    before = time.process_time()
    do()
    return time.process_time() - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.reader", description=__doc__)
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    texts = [text.encode() for _, text in mixed.resources(given.events)]
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    context = ExpansionContext(Window(today - timedelta(days=90), today + timedelta(days=400)), "Europe/Berlin")
    ways: dict[str, Callable[[], object]] = {
        "icalendar reads": lambda: [icalendar.Calendar.from_ical(text) for text in texts],
        "Kalends reads": lambda: [read_events(text, max_events=100, steps=Steps(10_000)) for text in texts],
        "Kalends tells what is tame": lambda: [is_tame([text]) for text in texts],
        "Kalends reads and expands": lambda: [expand_resource([text], context) for text in texts],
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(given.rounds):
        for name, do in ways.items():
            taken[name].append(seconds(do))
    table = Table("", "ms", "events a second", "times icalendar's rate", title=f"{given.events:,} events")
    reference = statistics.median(taken["icalendar reads"])
    for name, times in taken.items():
        middle = statistics.median(times)
        table.add_row(name, f"{middle * 1000:.0f}", f"{given.events / middle:,.0f}", f"{reference / middle:.1f}")
    Console().print(f"{sum(map(len, texts)) / 1e6:.1f} MB")
    Console().print(table)


if __name__ == "__main__":
    main()
