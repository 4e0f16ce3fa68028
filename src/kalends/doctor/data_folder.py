"""The data folder: there, a folder, writable, and closed to others on the machine."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from kalends.doctor.finding import Check, Finding, Level, problem, warning, well
from kalends.settings import Settings
from kalends.store.readonly import ReadOnlyDatabase

TOO_OPEN = stat.S_IWGRP | stat.S_IRWXO
"""What a folder with event titles in it should grant nobody; a group may read, for backups."""


def look_at_folders(settings: Settings, database: ReadOnlyDatabase) -> list[Finding]:
    """Look at the folders that the settings need: that of the key, and that of the embedded database."""
    if not database.embedded:
        return [well(Check.DATA_FOLDER, "No data folder is needed: the database is PostgreSQL.")]
    folders = {database.path.parent: "KALENDS_DATABASE_URL" if settings.database_url else "KALENDS_DATA_DIR"}
    if settings.secret_key is None:
        folders.setdefault(settings.data_dir, "KALENDS_DATA_DIR")
    found = [one for folder, setting in folders.items() for one in _folder(folder, setting)]
    return found + list(_files(database)) if all(one.level is not Level.PROBLEM for one in found) else found


def _folder(folder: Path, setting: str) -> Iterator[Finding]:
    about = {"folder": str(folder)}
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        yield _missing(folder, setting)
        return
    except OSError as error:
        advice = f"Set {setting} to a folder that the user of Kalends reaches."
        yield problem(Check.DATA_FOLDER, f"{folder} cannot be looked at: {error.strerror}.", advice, about, blocks=True)
        return
    if not stat.S_ISDIR(mode):
        advice = f"Set {setting} to a folder, or move the file out of the way."
        yield problem(Check.DATA_FOLDER, f"{folder} is not a folder.", advice, about, blocks=True)
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        advice = "Give it to the user that Kalends runs as (chown), and see that it is not mounted read-only."
        yield problem(Check.DATA_FOLDER, f"{folder} is not writable for this user.", advice, about)
    elif mode & TOO_OPEN:
        advice = f"Close it to others: chmod 700 {folder}"
        yield warning(
            Check.DATA_FOLDER,
            f"{folder} is open to other users of this machine (mode {stat.S_IMODE(mode):o}).",
            advice,
            about,
        )
    else:
        yield well(Check.DATA_FOLDER, f"{folder} is there, writable and closed to others.", **about)


def _missing(folder: Path, setting: str) -> Finding:
    if folder.is_symlink():
        summary = f"{folder} is a link that leads nowhere."
        advice = f"Make or mount what it leads to, or set {setting} to another folder."
        return problem(Check.DATA_FOLDER, summary, advice, {"folder": str(folder)}, blocks=True)
    above = next((one for one in folder.absolute().parents if one.exists()), Path("/"))
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        advice = (
            f"The first command that needs it makes it. If your data should be there, {setting} names another place: "
            "a relative one is seen from the working directory."
        )
        return warning(
            Check.DATA_FOLDER, f"There is no folder {folder} yet.", advice, {"folder": str(folder)}, blocks=True
        )
    advice = f"Make it, owned by the user that Kalends runs as, or set {setting} to another."
    return problem(
        Check.DATA_FOLDER,
        f"There is no folder {folder}, and this user cannot make it.",
        advice,
        {"folder": str(folder)},
        blocks=True,
    )


def _files(database: ReadOnlyDatabase) -> Iterator[Finding]:
    for path, status in database.files.items():
        mode = status.st_mode
        if not os.access(path, os.R_OK | os.W_OK):
            advice = f"Give it to the user that Kalends runs as (chown), and let that user write it: chmod 600 {path}"
            yield problem(Check.DATA_FOLDER, f"{path} is not writable for this user.", advice, {"file": str(path)})
        elif mode & TOO_OPEN:
            summary = f"{path} is open to other users of this machine (mode {stat.S_IMODE(mode):o})."
            yield warning(Check.DATA_FOLDER, summary, f"Close it to others: chmod 600 {path}", {"file": str(path)})
