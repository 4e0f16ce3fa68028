"""What processes cost, as the system counts it: with all that they have started."""

import os
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def family(process: int, *, without: int | None = None) -> list[int]:
    """Return a process and all that descend from it, but for one that it started and what descends from that."""
    found = [process]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += (child for child in map(int, task.read_text().split()) if child != without)
    return found


def cpu_seconds(process: int, *, without: int | None = None) -> float:
    """Return the CPU time of a process and its descendants, those that have ended included."""
    used = 0
    for one in family(process, without=without):
        with suppress(FileNotFoundError):  # it has ended by now
            used += sum(map(int, _stat(one)[11:15]))
    return used / _TICKS


def peak_mebibytes(process: int, *, without: int | None = None) -> float:
    """Return the most memory that a process and its living descendants have held, each at its own time."""
    members = family(process, without=without)
    found = (line for one in members for line in Path(f"/proc/{one}/status").read_text().splitlines())
    return sum(int(line.split()[1]) for line in found if line.startswith("VmHWM:")) / 1024


def _stat(process: int) -> list[str]:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
