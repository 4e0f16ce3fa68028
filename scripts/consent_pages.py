"""Takes the pictures of the pages between a booking site and its calendar: `python -m scripts.consent_pages`.

They are what a browser shows of `kalends demo`, which is run in a folder of its own.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Error, Page

from kalends.demo.pages import CONNECT_PATH
from scripts.chromium import chromium

PICTURES = Path(__file__).parents[1] / "docs"
PORT = 8080
"""It is to be read on the page."""
URL = f"http://127.0.0.1:{PORT}"
WIDTH = 720
PATIENCE_SECONDS = 60


@contextmanager
def demo() -> Iterator[None]:
    """Run the demo while the context lasts."""
    with TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("kalends")), "demo", "--port", str(PORT), "--data-dir", folder]
        served = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command line
        try:
            yield
        finally:
            served.terminate()
            served.wait(PATIENCE_SECONDS)


def begin(page: Page, kind: str) -> None:
    """Open the first page for a kind of account, once the demo answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            page.goto(f"{URL}{CONNECT_PATH}/{kind}")
        except Error:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def go_on(page: Page) -> None:
    """Press our own page's button, and wait for the provider's."""
    page.get_by_role("button").click()
    page.get_by_role("button", name="Continue").wait_for()


def take(page: Page, name: str) -> None:
    """Write a picture of the whole page."""
    page.screenshot(path=PICTURES / name, full_page=True)


def main() -> None:
    """Write the pictures."""
    with demo(), chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": 480}, color_scheme="light", locale="en-GB")
        begin(page, "google")
        take(page, "connecting-google-confirm.png")
        go_on(page)
        take(page, "connecting-google-consent.png")
        begin(page, "microsoft")
        go_on(page)
        take(page, "connecting-microsoft-consent.png")


if __name__ == "__main__":
    main()
