"""Draws the chart of `docs/benchmarks.md`: `python -m bench.sync.chart RESULTS CHART [--size 5000]`.

The results are what `python -m bench.sync --out RESULTS` wrote.
"""

import argparse
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

COLOURS = {"floor": "#8b95a5", "Kalends": "#2f6f4f", "vdirsyncer": "#b9772e", "caldav": "#a54a4a"}
STEPS = {"first": "first import", "again": "one changed event"}
WIDTH, LEFT, BAR, GAP, TITLE = 760, 120, 20, 8, 34
TEXT = 'font-family="system-ui, sans-serif" font-size="13" fill="#24292f"'


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(prog="bench.sync.chart", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("chart", type=Path)
    parser.add_argument("--size", type=int, default=5_000)
    given = parser.parse_args()
    results = [one for one in json.loads(given.results.read_text()) if one["size"] == given.size]
    given.chart.write_text(drawn(results, given.size))


def drawn(results: list[dict[str, Any]], size: int) -> str:
    """Return the chart as SVG: for each server and step a bar for each client, as long as its wall time."""
    parts: list[str] = []
    top = 12
    for server in dict.fromkeys(one["server"] for one in results):
        for step, name in STEPS.items():
            rows = [(one["client"], float(one[step])) for one in results if one["server"] == server]
            parts.append(f'<text x="16" y="{top + 18}" {TEXT} font-weight="600">{server}, {size:,}: {name}</text>')
            parts += bars(rows, top + TITLE)
            top += TITLE + len(rows) * (BAR + GAP) + 10
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}">'
    return "\n".join((head, f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>', *parts, "</svg>", ""))


def bars(rows: list[tuple[str, float]], top: int) -> Iterator[str]:
    """Yield the bars of one group."""
    longest = max(seconds for _, seconds in rows)
    for number, (client, seconds) in enumerate(rows):
        y = top + number * (BAR + GAP)
        length = max(2.0, (WIDTH - LEFT - 110) * seconds / longest)
        yield f'<text x="{LEFT - 10}" y="{y + 15}" {TEXT} text-anchor="end">{escape(client)}</text>'
        yield f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="3" fill="{COLOURS[client]}"/>'
        yield f'<text x="{LEFT + length + 8:.1f}" y="{y + 15}" {TEXT}>{seconds:.2f} s</text>'


if __name__ == "__main__":
    main()
