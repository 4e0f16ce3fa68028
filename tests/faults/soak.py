"""Long storms with fresh seeds, and their figures: `make soak` and `make chaos`. `make test` does not collect them.

`KALENDS_TEST_FAULT_SECONDS` tells how long, `KALENDS_TEST_FAULT_SEED` plays an earlier one again.
"""

import os
import secrets
from dataclasses import fields
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.faults.stage import everywhere, people_on, under_kills
from tests.faults.storm import Figures
from tests.servers import CalDavServer

SECONDS = os.environ.get("KALENDS_TEST_FAULT_SECONDS")
SEED = int(os.environ.get("KALENDS_TEST_FAULT_SEED") or secrets.randbelow(1 << 32))

pytestmark = [
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
    pytest.mark.timeout(float(SECONDS or 180) + 600),
]


async def test_soak(
    sqlite_url: str, database_url: str, tmp_path: Path, radicale: CalDavServer, xandikos: CalDavServer
) -> None:
    people = people_on(radicale, xandikos, SEED)
    seconds = float(SECONDS or 180)
    show("soak", await everywhere(people, sqlite_url, database_url, tmp_path, seed=SEED, seconds=seconds))


async def test_chaos(database_url: str, tmp_path: Path, radicale: CalDavServer, xandikos: CalDavServer) -> None:
    people = people_on(radicale, xandikos, SEED)
    figures = await under_kills(people, database_url, tmp_path, seed=SEED, seconds=float(SECONDS or 60))
    show("chaos", figures)
    assert figures.kills > 0


def show(name: str, figures: Figures) -> None:
    """Print what there was to be seen."""
    table = Table("figure", "value", title=name)
    for one in fields(figures):
        value = getattr(figures, one.name)
        if isinstance(value, dict):
            value = "\n".join(f"{count} {what}" for what, count in sorted(value.items(), key=lambda pair: -pair[1]))
        table.add_row(one.name.replace("_", " "), f"{value:.1f}" if isinstance(value, float) else str(value))
    Console().print(table)
