"""Files and folders that are there, but not for everybody."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from kalends.doctor.data_folder import look_at_folders
from kalends.doctor.database import look_at_database
from kalends.doctor.disk import look_at_disk
from kalends.settings import load
from kalends.store.readonly import ReadOnlyDatabase

NOBODY = 65_534


@contextmanager
def by_somebody_else(folder: Path) -> Iterator[None]:
    """Go on as a user to whom the folder, made by `mkdtemp`, is closed; nothing is closed to root."""
    if os.geteuid() == 0:
        os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)
    else:
        folder.chmod(0)
        yield
        folder.chmod(0o700)


async def test_a_data_folder_that_is_closed_to_this_user_is_told_by_every_check_that_needs_it() -> None:
    with TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "kalends.db").touch(0o600)
        settings = load({}, data_dir=folder)
        database = ReadOnlyDatabase(settings.resolved_database_url, timedelta(seconds=1))
        with by_somebody_else(folder):
            assert "not writable" in look_at_folders(settings, database)[0].summary
            (found,) = await look_at_database(settings, database)
            assert "Permission denied" in found.summary
            assert look_at_disk(database)[0].data["databaseBytes"] == 0


def test_a_database_file_that_this_user_cannot_write_is_a_problem() -> None:
    with TemporaryDirectory() as made:
        file = Path(made) / "kalends.db"
        file.touch(0o400)
        Path(made).chmod(0o777)
        settings = load({}, data_dir=Path(made))
        database = ReadOnlyDatabase(settings.resolved_database_url, timedelta(seconds=1))
        with by_somebody_else(Path(made)) if os.geteuid() == 0 else nullcontext():
            found = look_at_folders(settings, database)[-1]
    assert (found.level, found.data) == ("problem", {"file": str(file)})
    assert "chown" in str(found.advice)


async def test_links_that_lead_nowhere_are_told_for_what_they_are(tmp_path: Path) -> None:
    for name in ("data", "kalends.db"):
        (tmp_path / name).symlink_to("/nowhere/at/all")
    settings = load({}, data_dir=tmp_path / "data")
    database = ReadOnlyDatabase(settings.resolved_database_url, timedelta(seconds=1))
    (told,) = look_at_folders(settings, database)
    settings = load({}, data_dir=tmp_path)
    database = ReadOnlyDatabase(settings.resolved_database_url, timedelta(seconds=1))
    for one in (told, *await look_at_database(settings, database)):
        assert one.level == "problem"
        assert "a link that leads nowhere" in one.summary
