"""The little protocol between a client that is measured and who measures it."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Account(NamedTuple):
    """What a client is told: the calendar's URL, the account, and a folder of its own."""

    url: str
    user: str
    password: str
    folder: Path


def told() -> Account:
    """Return what the command line says."""
    url, user, password, folder = sys.argv[1:]
    return Account(url, user, password, Path(folder))


def serve(first: Callable[[], int], again: Callable[[], int]) -> None:
    """Do what is asked for, line by line, and say what it cost; both functions return how many events they took."""
    asked = {"first": first, "again": again}
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        do = asked[line.strip()]
        begun = time.perf_counter()
        events = do()
        print(json.dumps({"wall": time.perf_counter() - begun, "events": events}), flush=True)
