"""Draws the picture of the README from what the demo really prints: `python -m scripts.picture`.

The demo runs as in `kalends demo --once`, in a folder of its own. Only the token is left out of the picture.
"""

import asyncio
import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from kalends.cli.demo import Shown, prepare, serving_hints
from kalends.cli.session import opened, write_log
from kalends.demo.calendars import demo_accounts
from kalends.demo.server import calendar_server
from kalends.demo.settings import demo_settings, reaching

PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"
URL = "http://127.0.0.1:8080"
WITHOUT_FONTS = re.sub(r"@font-face \{\{.*?\n    \}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""The frame of the picture, but for the fonts that it would fetch from elsewhere."""


async def shown_by_the_demo(folder: Path) -> Shown:
    """Return what the demo shows."""
    async with (
        calendar_server(folder / "caldav", demo_accounts(datetime.now(UTC))) as server,
        opened(reaching(demo_settings(folder), server.address, None)) as kalends,
    ):
        return await prepare(kalends, server, None)


def main() -> None:
    """Write the picture."""
    with TemporaryDirectory() as folder:
        write_log(demo_settings(Path(folder)), quiet=True)
        shown = asyncio.run(shown_by_the_demo(Path(folder)))
    console = Console(record=True, width=124, file=StringIO(), highlight=False, force_terminal=True)
    console.print(Text("$ make run", style="bold green"))
    for part in [*shown.tables(), *serving_hints(shown, URL, ())[:3]]:
        hidden = Text(part.plain.replace(shown.seeded.token, "eyJ0eXAi…")) if isinstance(part, Text) else part
        console.print(hidden)
    PICTURE.write_text(console.export_svg(title="Kalends", code_format=WITHOUT_FONTS), encoding="utf-8")


if __name__ == "__main__":
    main()
