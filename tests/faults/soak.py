"""Long storms with fresh seeds, and their figures: `make soak` and `make chaos`. `make test` does not collect them.

`KALENDS_TEST_FAULT_SECONDS` tells how long, `--seed` or `KALENDS_TEST_FAULT_SEED` plays an earlier one again.
"""

import os
from dataclasses import fields
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.faults.fire import FireFigures, under_fire
from tests.faults.stage import everywhere, people_on, under_kills
from tests.faults.storm import Figures
from tests.servers import CalDavServer

SECONDS = os.environ.get("KALENDS_TEST_FAULT_SECONDS")
CHANGES = int(os.environ.get("KALENDS_TEST_FAULT_CHANGES") or 500)

pytestmark = [
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
    pytest.mark.timeout(float(SECONDS or 180) + 600),
]


async def test_soak(
    seed: int, sqlite_url: str, database_url: str, tmp_path: Path, radicale: CalDavServer, xandikos: CalDavServer
) -> None:
    people = people_on(radicale, xandikos, seed)
    seconds = float(SECONDS or 180)
    show("soak", await everywhere(people, sqlite_url, database_url, tmp_path, seed=seed, seconds=seconds))


async def test_chaos(
    seed: int, database_url: str, tmp_path: Path, radicale: CalDavServer, xandikos: CalDavServer
) -> None:
    people = people_on(radicale, xandikos, seed)
    figures = await under_kills(people, database_url, tmp_path, seed=seed, seconds=float(SECONDS or 60))
    show("chaos", figures)
    assert figures.kills > 0


@pytest.mark.timeout(float(SECONDS or 60) + 1_200)
async def test_chaos_of_exports(
    seed: int, database_url: str, tmp_path: Path, radicale: CalDavServer, xandikos: CalDavServer
) -> None:
    seconds = float(SECONDS or 60)
    figures = await under_fire(
        database_url, tmp_path, radicale, xandikos, seed=seed, each=5, changes=CHANGES, seconds=seconds, wild=True
    )
    show("chaos of exports", figures)
    assert figures.kills > 0


def show(name: str, figures: Figures | FireFigures) -> None:
    """Print what there was to be seen."""
    table = Table("figure", "value", title=name)
    for one in fields(figures):
        value = getattr(figures, one.name)
        if isinstance(value, dict):
            value = "\n".join(f"{count} {what}" for what, count in sorted(value.items(), key=lambda pair: -pair[1]))
        table.add_row(one.name.replace("_", " "), f"{value:.1f}" if isinstance(value, float) else str(value))
    Console().print(table)
