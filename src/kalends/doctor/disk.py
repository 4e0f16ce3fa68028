"""Room for the data."""

import os
import shutil
from pathlib import Path

from kalends.doctor.finding import Check, Finding, problem, warning, well
from kalends.store.readonly import ReadOnlyDatabase

MIB = 1 << 20
FULL = 200 * MIB
SCARCE = 1 << 30
SCARCE_SHARE = 0.1


def look_at_disk(database: ReadOnlyDatabase) -> list[Finding]:
    """Tell how much room is left where the embedded database is."""
    folder = next(one for one in database.path.absolute().parents if os.access(one, os.F_OK) and one.is_dir())
    usage = shutil.disk_usage(folder)
    taken = sum(one.st_size for one in database.files.values())
    return room(folder, free=usage.free, total=usage.total, taken=taken)


def room(folder: Path, *, free: int, total: int, taken: int) -> list[Finding]:
    """Return what it means that a file system has so many bytes free of a total, with a database of `taken` bytes."""
    summary = f"{_size(free)} of {_size(total)} are free at {folder}; the database takes {_size(taken)}."
    advice = "Make room, or move the data folder to a larger disk (KALENDS_DATA_DIR) while no `kalends serve` runs."
    about = {"freeBytes": free, "totalBytes": total, "databaseBytes": taken}
    if free < FULL:
        return [problem(Check.DISK, summary, advice, about)]
    if free < SCARCE or free < total * SCARCE_SHARE:
        return [warning(Check.DISK, summary, advice, about)]
    return [well(Check.DISK, summary, **about)]


def _size(count: int) -> str:
    return f"{count / SCARCE:.1f} GiB" if count >= SCARCE else f"{count / MIB:.1f} MiB"
