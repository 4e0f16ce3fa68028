"""`kalends doctor`: what it finds on real databases and servers, and that it leaves no trace."""

import asyncio
import base64
import json
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Executable, insert, select, text, update

from kalends.cli.output import print_json
from kalends.doctor.disk import MIB
from kalends.settings import load
from kalends.store.database import Database
from kalends.store.tables import connections, metadata, readings, servers
from tests.cli.operator import Operator
from tests.cli.studio import HOSTILE, Studio, meeting, open_studio
from tests.databases import ENGINES
from tests.servers import CalDavServer, free_port

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
GIB = 1 << 30

Find = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    """How full the disk of this machine is must not decide about a test."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=50 * GIB, total=100 * GIB))


@pytest.fixture(params=ENGINES)
def either(request: pytest.FixtureRequest, operator: Operator, radicale: CalDavServer) -> Studio:
    """A studio on either engine, with a key of the settings."""
    operator.environment["KALENDS_SECRET_KEY"] = KEY
    if request.param == "postgresql":
        operator.environment["KALENDS_DATABASE_URL"] = request.getfixturevalue("empty_postgres_url")
        operator.run("db", "upgrade")
    return open_studio(operator, radicale)


def settings_of(operator: Operator) -> Any:
    return load(operator.environment)


def execute(operator: Operator, *statements: Executable) -> list[Any]:
    """Run statements on the operator's database behind everybody's back; return the rows of the last."""

    async def inside() -> list[Any]:
        database = Database(settings_of(operator).resolved_database_url)
        try:
            async with database.write() as writer:
                done = [await writer.execute(one) for one in statements][-1]
                return list(done) if done.returns_rows else []
        finally:
            await database.close()

    return asyncio.run(inside())


def everything(operator: Operator) -> Mapping[str, Any]:
    """Return what could be changed: the files, byte for byte, and on PostgreSQL the rows."""
    files = {str(one): one.read_bytes() if one.is_file() else None for one in sorted(operator.folder.rglob("*"))}
    if settings_of(operator).embedded:
        return files
    rows = {table.name: sorted(map(str, execute(operator, select(table)))) for table in metadata.sorted_tables}
    return {**files, **rows, "version": execute(operator, text("SELECT version_num FROM alembic_version"))}


def doctor(operator: Operator, *arguments: str, code: int = 0) -> Find:
    """Run the doctor, expect its exit code and that it changed nothing; return how to get a check's findings."""
    before = everything(operator) if "KALENDS_POTR" not in operator.environment else {}
    document = operator.json("doctor", *arguments, code=code)
    if before:
        assert everything(operator) == before
    assert set(document) == {"ok", "findings"}
    assert document["ok"] is (code == 0)
    for one in document["findings"]:
        assert set(one) == {"check", "level", "summary", "advice", "data"}
        assert one["level"] in {"ok", "warning", "problem"}
        assert (one["advice"] is None) == (one["level"] == "ok")
    return lambda check: [one for one in document["findings"] if one["check"] == check]


def levels(found: list[dict[str, Any]]) -> list[str]:
    return [one["level"] for one in found]


def test_a_healthy_installation_has_no_warning_and_nothing_is_changed(either: Studio) -> None:
    either.connected()
    find = doctor(either.operator)
    checks = ("settings", "data-folder", "database", "schema", "secret-keys", "clock", "providers", "connections")
    for check in (*checks, "quarantine", "syncs", "servers"):
        assert levels(find(check)) == ["ok"], find(check)
    assert find("providers")[0]["data"]["connections"] == 1
    shown = either.operator.run("doctor").stdout
    assert shown.splitlines()[-1] == "0 problems, 0 warnings"
    assert "✓" in shown


def test_a_running_server_is_seen_and_its_files_are_left_alone(studio: Studio) -> None:
    operator = studio.operator
    studio.connected()
    with operator.started("serve", "--port", "0", "--json") as server:
        server.document()
        names = sorted(one.name for one in (operator.folder / "data").iterdir())
        deadline = time.monotonic() + 30
        running = 0
        while running != 1:
            assert time.monotonic() < deadline, "no server is seen"
            document = operator.json("doctor")
            assert document["ok"]
            (running,) = [one["data"]["running"] for one in document["findings"] if one["check"] == "servers"]
        assert sorted(one.name for one in (operator.folder / "data").iterdir()) == names
        assert server.end(signal.SIGTERM) == 0


def test_before_anything_was_made_the_doctor_makes_nothing_either(operator: Operator) -> None:
    find = doctor(operator)
    assert levels(find("data-folder") + find("database")) == ["warning", "warning"]
    assert "schema" in find("database")[0]["data"]["skipped"]
    assert not (operator.folder / "data").exists()


def test_settings_that_cannot_be_loaded_are_a_finding_and_the_rest_is_left_out(operator: Operator) -> None:
    operator.environment["KALENDS_POTR"] = "1"
    find = doctor(operator, code=1)
    (found,) = find("settings")
    assert "did you mean KALENDS_PORT?" in found["summary"]
    assert find("database") == []
    assert "Not checked because of this: data folder, database" in operator.run("doctor", code=1).stdout


def test_only_wrong_usage_is_exit_code_2(operator: Operator) -> None:
    operator.run("doctor", "--nonsense", code=2)


def test_a_wrong_key_is_told_with_its_id_and_how_many_connections_need_it(either: Studio) -> None:
    operator = either.operator
    connection = either.connected()["id"]
    operator.environment["KALENDS_SECRET_KEY"] = OTHER_KEY
    (found,) = doctor(operator, code=1)("secret-keys")
    assert found["data"]["connectionIds"] == [connection]
    operator.environment["KALENDS_SECRET_KEY"] = f"{OTHER_KEY},{KEY}"
    (rotated,) = doctor(operator)("secret-keys")
    assert (rotated["level"], rotated["data"]["sealedWithOlderKeys"]) == ("ok", 1)
    assert found["data"]["keyId"] in rotated["data"]["keyIds"]


def test_a_password_that_belongs_to_another_row_is_told(either: Studio) -> None:
    connection = either.connected()["id"]
    (sealed,) = (row[0] for row in execute(either.operator, select(connections.c.credentials)))
    execute(either.operator, update(connections).values(credentials=sealed[:-1] + bytes([sealed[-1] ^ 1])))
    (found,) = doctor(either.operator, code=1)("secret-keys")
    assert found["data"]["connectionIds"] == [connection]


def test_a_lost_key_is_told_and_never_replaced_in_silence(studio: Studio) -> None:
    operator = studio.operator
    studio.connected()
    key = operator.folder / "data" / "secret.key"
    kept = key.read_text()
    key.unlink()
    (found,) = doctor(operator, code=1)("secret-keys")
    assert found["data"] == {"connections": 1}
    for command in (("connection", "list"), ("serve", "--port", "0")):
        assert "secret.key is missing" in operator.run(*command, code=2).stderr
    assert not key.exists()
    key.write_text(kept)
    assert studio.titles() == ["First", "[Second]"]
    (found,) = doctor(operator)("secret-keys")
    assert found["level"] == "warning", "it was written open to others"
    assert "chmod 600" in found["advice"]
    key.write_text("nonsense")
    assert levels(doctor(operator, code=1)("secret-keys")) == ["problem"]
    key.unlink()
    operator.environment["KALENDS_SECRET_KEY"] = KEY
    assert operator.json("connection", "list")["connections"] != []


def test_postgresql_without_a_key_is_a_problem(operator: Operator, empty_postgres_url: str) -> None:
    operator.environment["KALENDS_DATABASE_URL"] = empty_postgres_url
    document = operator.json("doctor", code=1)
    told = {one["check"]: one for one in document["findings"]}
    assert told["schema"]["data"]["found"] is None
    assert "kalends db upgrade" in told["schema"]["advice"]
    assert "KALENDS_SECRET_KEY must be set" in told["secret-keys"]["summary"]


@pytest.mark.parametrize(("found", "advice"), [("0001", "kalends db upgrade"), ("9999", "or a newer one")])
def test_another_schema_is_told_and_left_as_it_is(either: Studio, found: str, advice: str) -> None:
    operator = either.operator
    either.connected()
    execute(operator, text("UPDATE alembic_version SET version_num = :found").bindparams(found=found))
    find = doctor(operator, code=1)
    (told,) = find("schema")
    assert told["data"]["found"] == found
    assert advice in told["advice"]
    assert "connections" in told["data"]["skipped"]
    assert levels(find("secret-keys")) == ["ok"], "this can be told of any schema"


def test_a_postgresql_server_that_is_down_is_told_without_its_password(operator: Operator) -> None:
    operator.environment["KALENDS_DATABASE_URL"] = f"postgresql://keeper:hush@127.0.0.1:{free_port()}/kalends"
    operator.environment["KALENDS_SECRET_KEY"] = KEY
    result = operator.run("doctor", code=1)
    assert "cannot be reached" in result.stdout
    assert "Traceback" not in result.output
    assert "hush" not in result.output


def test_a_postgresql_database_that_does_not_exist_is_told(operator: Operator, postgres_url: str) -> None:
    operator.environment["KALENDS_DATABASE_URL"] = f"{postgres_url.rpartition('/')[0]}/nowhere"
    if "?" in postgres_url:
        operator.environment["KALENDS_DATABASE_URL"] += "?" + postgres_url.partition("?")[2]
    operator.environment["KALENDS_SECRET_KEY"] = KEY
    assert "createdb nowhere" in operator.run("doctor", code=1).stdout


@pytest.mark.parametrize("content", [b"this is no database at all, whatever its name says" * 100, None])
def test_a_file_that_is_no_whole_database_is_told(operator: Operator, content: bytes | None) -> None:
    operator.run("site", "create", "--name", "Studio")
    path = operator.folder / "data" / "kalends.db"
    whole = path.read_bytes()
    if content is None:
        # the pages in the middle hold tables; the head, by which it is known for a database, stays
        content = whole[:8192] + b"\x55" * 16384 + whole[8192 + 16384 :]
    path.write_bytes(content)
    (found,) = doctor(operator, code=1)("database")
    assert "backup" in found["advice"]


def test_a_data_folder_that_is_a_file_is_told(operator: Operator) -> None:
    (operator.folder / "data").write_text("no folder")
    find = doctor(operator, code=1)
    (found,) = find("data-folder")
    assert "is not a folder" in found["summary"]
    assert "KALENDS_DATA_DIR" in found["advice"]


def test_a_log_without_its_index_is_left_for_others_to_finish(operator: Operator) -> None:
    operator.run("site", "create", "--name", "Studio")
    (operator.folder / "data" / "kalends.db-wal").write_bytes(b"unfinished")
    (found,) = doctor(operator)("database")
    assert found["level"] == "warning"
    assert "in the middle of its work" in found["summary"]


def test_a_calendar_server_that_cannot_be_reached_is_told(operator: Operator) -> None:
    operator.run("site", "create", "--name", "Studio")
    down = ("provider", "install", "caldav", "--name", "Down", "--url", f"http://127.0.0.1:{free_port()}")
    operator.run(*down)
    (found,) = doctor(operator, code=1)("providers")
    assert (found["data"]["host"], found["data"]["failure"]) == ("127.0.0.1", "Unreachable")
    operator.environment["KALENDS_NET_ALLOW"] = ""
    (found,) = doctor(operator, code=1)("providers")
    assert "KALENDS_NET_ALLOW=127.0.0.1" in found["advice"]


def test_a_stale_connection_is_told(either: Studio) -> None:
    connection = either.connected()["id"]
    execute(either.operator, update(connections).values(last_good_read_at=LONG_AGO))
    (found,) = doctor(either.operator, code=1)("connections")
    assert (found["data"]["state"], found["data"]["connectionIds"]) == ("stale", [connection])


@pytest.mark.parametrize(
    ("values", "level", "state", "advice"),
    [
        ({"status": "ERROR", "error_reason": "TOKEN_REVOKED"}, "problem", "error", "connect them again"),
        ({"status": "ERROR", "error_reason": "EXTERNAL_CALENDAR_DELETED"}, "problem", "error", "choose others"),
        # one that is in error is told once, however long ago it was read, and however often it failed since
        (
            {"status": "ERROR", "error_reason": "UNDEFINED", "last_good_read_at": LONG_AGO, "failures": 9},
            "problem",
            "error",
            "connection show",
        ),
        ({"last_good_read_at": None, "created_at": LONG_AGO}, "warning", "never-read", "kalends serve"),
        ({"failures": 3, "last_error": "Unavailable: it is tired"}, "warning", "failing", "connection show"),
        ({"last_error": "one calendar is gone"}, "warning", "amiss", "connection show"),
    ],
)
def test_a_connection_that_is_not_in_order_is_told(
    either: Studio, values: dict[str, Any], level: str, state: str, advice: str
) -> None:
    connection = either.connected()["id"]
    execute(either.operator, update(connections).values(**values))
    (found,) = doctor(either.operator, code=level == "problem")("connections")
    assert (found["level"], found["data"]["state"]) == (level, state)
    assert found["data"]["connectionIds"] == [connection]
    assert advice in found["advice"]
    execute(either.operator, update(connections).values(status="DISCONNECTED"))
    assert levels(doctor(either.operator)("connections")) == ["ok"]


def test_a_quarantined_event_is_counted_and_not_named(either: Studio) -> None:
    either.server.put(f"{either.calendar}bad.ics", meeting("bad", 8, "Hostile", HOSTILE))
    connection = either.connected()["id"]
    (found,) = doctor(either.operator)("quarantine")
    assert (found["level"], found["data"]["events"]) == ("warning", 1)
    assert [(one["connectionId"], one["events"]) for one in found["data"]["calendars"]] == [(connection, 1)]
    assert "Hostile" not in json.dumps(found)


def test_a_wanted_sync_that_nobody_takes_up_is_told(either: Studio) -> None:
    connection = either.connected()["id"]
    execute(either.operator, update(connections).values(wanted_rev=99))
    (found,) = doctor(either.operator)("syncs")
    assert (found["level"], found["data"]["connectionIds"]) == ("warning", [connection])
    now = datetime.now(UTC)
    execute(either.operator, insert(servers).values(id="one", beat_at=now))
    assert levels(doctor(either.operator)("syncs")) == ["ok"], "a server will do it"
    execute(either.operator, update(connections).values(next_sync_at=now - timedelta(hours=1)))
    assert "KALENDS_SYNC_CONCURRENCY" in doctor(either.operator)("syncs")[0]["advice"]


def test_two_servers_are_too_many_for_an_embedded_database(either: Studio) -> None:
    now = datetime.now(UTC) + timedelta(seconds=10)
    execute(either.operator, *(insert(servers).values(id=one, beat_at=now) for one in ("one", "two")))
    (found,) = doctor(either.operator)("servers")
    assert found["data"]["running"] == 2
    assert found["level"] == ("warning" if settings_of(either.operator).embedded else "ok")


def test_rows_from_the_future_are_told(either: Studio) -> None:
    either.connected()
    execute(either.operator, update(readings).values(last_good_at=datetime.now(UTC) + timedelta(hours=1)))
    (found,) = doctor(either.operator, code=1)("clock")
    assert "set back" in found["summary"]


def test_a_full_disk_is_told(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    operator.run("site", "create", "--name", "Studio")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100 * MIB, total=100 * GIB))
    assert levels(doctor(operator, code=1)("disk")) == ["problem"]


def test_one_site_alone_can_be_looked_at(either: Studio) -> None:
    operator = either.operator
    (ours,) = (one["siteId"] for one in operator.json("site", "list")["sites"])
    either.connected()
    execute(operator, update(connections).values(last_good_read_at=LONG_AGO))
    theirs = operator.json("site", "create", "--name", "Other")["siteId"]
    assert levels(doctor(operator, "--site", ours.upper(), code=1)("connections")) == ["problem"]
    find = doctor(operator, "--site", theirs)
    assert levels(find("connections") + find("providers")) == ["ok", "ok"]
    assert find("providers")[0]["summary"] == "No calendar server is in use yet."
    unknown = "100ef23e-9e92-4293-8e08-d3747537138f"
    (found,) = doctor(operator, "--site", unknown, code=1)("site")
    assert unknown in found["summary"]


def test_nothing_secret_or_personal_is_shown(either: Studio) -> None:
    operator = either.operator
    either.server.put(f"{either.calendar}bad.ics", meeting("bad", 8, "Hostile", HOSTILE))
    either.connected()
    execute(operator, update(connections).values(status="ERROR", error_reason="TOKEN_REVOKED"))
    operator.environment["KALENDS_SECRET_KEY"] = OTHER_KEY
    shown = operator.run("doctor", code=1).output + operator.run("doctor", "--json", code=1).output
    assert "TOKEN_REVOKED" in shown
    local = either.login.email.partition("@")[0]
    for secret in (either.login.password, either.login.email, local, KEY, OTHER_KEY, "Hostile", "First", "Work"):
        assert secret not in shown


def test_a_terminal_without_the_signs_gets_others(operator: Operator) -> None:
    operator.run("site", "create", "--name", "Studio")
    operator.environment["PYTHONIOENCODING"] = "ascii"
    done = operator.execute("doctor")
    assert "  + " in done.stdout
    assert "?" not in done.stdout
    assert done.stderr == ""


def test_the_document_is_all_that_is_printed(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    result = operator.run("doctor", "--json")
    assert result.stderr == ""
    print_json(json.loads(result.stdout))
    assert capsys.readouterr().out == result.stdout
