"""Rule 9: credentials are encrypted at rest with their row's identity bound in; no secret or title in any log."""

import base64
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from kalends.accounts.keeping import credentials_row
from kalends.logs import set_up
from kalends.net.credentials import BasicCredentials, CredentialScope
from kalends.settings import load
from kalends.store.connections import Connections
from kalends.vault.keys import Keyring
from kalends.vault.sealing import SealBroken, Vault
from tests.scripted_provider import GUID, ScriptedKind
from tests.servers import LOOPBACK, CalDavServer
from tests.world import World, ics, settings_for, world_on

PASSWORD_CANARY = "correct-horse-battery-staple"
TITLE_CANARY = "Meeting-with-the-notary"


def vault(*secrets: bytes) -> Vault:
    return Vault(Keyring(list(secrets)))


OLD, NEW = bytes(range(32)), bytes(range(1, 33))


def test_rule_9_a_sealed_secret_opens_for_its_own_row_only() -> None:
    sealed = vault(NEW).seal({"password": PASSWORD_CANARY}, row=credentials_row("site", "one"))
    assert vault(NEW).open(sealed, row=credentials_row("site", "one")) == {"password": PASSWORD_CANARY}
    for other in (credentials_row("site", "two"), credentials_row("other", "one"), "passwords/site/one"):
        with pytest.raises(SealBroken):
            vault(NEW).open(sealed, row=other)


def test_rule_9_a_changed_secret_does_not_open() -> None:
    sealed = vault(NEW).seal({"password": "x"}, row="r")
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(SealBroken):
            vault(NEW).open(changed, row="r")


def test_rule_9_sealing_the_same_twice_gives_two_texts() -> None:
    assert vault(NEW).seal({"a": 1}, row="r") != vault(NEW).seal({"a": 1}, row="r")


def test_rule_9_keys_rotate() -> None:
    sealed = vault(OLD).seal({"a": 1}, row="r")
    assert vault(NEW, OLD).open(sealed, row="r") == {"a": 1}
    with pytest.raises(SealBroken):
        vault(NEW).open(sealed, row="r")
    with pytest.raises(SealBroken):
        vault(OLD).open(vault(NEW, OLD).seal({"a": 1}, row="r"), row="r")


def test_rule_9_text_forms_show_no_secret() -> None:
    credentials = BasicCredentials("ada", PASSWORD_CANARY, CredentialScope("https://example.org", LOOPBACK))
    key = base64.b64encode(NEW).decode()
    settings = load({"KALENDS_SECRET_KEY": key})
    shown = f"{credentials!r}{credentials}{settings!r}{settings}{Keyring([NEW]).keys('x')}"
    assert PASSWORD_CANARY not in shown
    assert key not in shown


async def test_rule_9_neither_password_nor_title_reaches_a_log_or_an_error(
    sqlite_url: str, tmp_path: Path, radicale: CalDavServer, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(sqlite_url, tmp_path, log_format="json", log_level="debug")
    set_up(settings)
    login = radicale.login()
    radicale.set_password(login, PASSWORD_CANARY)
    login = type(login)(login.email, PASSWORD_CANARY, login.home)
    calendar = f"{login.home}work/"
    radicale.make_calendar(calendar)
    radicale.put(calendar + "good.ics", ics("good", TITLE_CANARY, "20261201T090000Z", end="20261201T100000Z"))
    radicale.put(
        calendar + "bad.ics", ics("bad", TITLE_CANARY, "20261201T090000Z", lines="RRULE:FREQ=DAILY;COUNT=-1\n")
    )
    async with world_on(settings) as world:
        connection = await world.connect(radicale, login)
        assert TITLE_CANARY in await world.titles()
        radicale.set_password(login, "changed-meanwhile")
        failed = await world.sync(connection)
        assert failed.error
        noted = await world.connection(connection.id)
        await assert_sealed(world, connection.id)
        shown = f"{failed}{noted.last_error}"
    logged = capfd.readouterr()
    assert '"event": "sync_failed"' in logged.err, "the logs are looked at"
    for secret in (PASSWORD_CANARY, TITLE_CANARY):
        assert secret not in logged.err + logged.out + shown


@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_rule_9_what_an_unexpected_error_says_is_not_logged(
    sqlite_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], log_format: str
) -> None:
    kind = ScriptedKind()

    def fail(_page: int) -> None:
        try:
            raise KeyError(PASSWORD_CANARY)
        except KeyError as cause:
            raise ValueError(f"cannot read SUMMARY:{TITLE_CANARY}") from cause

    kind.fault = fail
    settings = settings_for(sqlite_url, tmp_path, log_format=log_format)
    set_up(settings)
    async with world_on(settings, kinds={kind.kind: kind}) as world:
        view = await world.kalends.connecting.by_credentials(
            world.admin, provider_id=GUID, schedule_id=world.schedule.id, email="a@example.org", password="right"
        )
        await world.sync(view.connection)
    logged = capfd.readouterr().err
    assert "sync_failed_unexpectedly" in logged
    assert "ValueError < KeyError" in logged
    assert "test_rule_09_secrets.py" in logged, "where it happened is told"
    assert TITLE_CANARY not in logged
    assert PASSWORD_CANARY not in logged


async def assert_sealed(world: World, connection_id: str) -> None:
    async with world.kalends.database.read() as reader:
        sealed = await Connections(reader, world.site.id).sealed_credentials(connection_id)
        rows = (await reader.execute(text("SELECT * FROM connections"))).mappings().all()
    assert sealed is not None
    plain = json.dumps([{key: str(value) for key, value in row.items()} for row in rows])
    assert PASSWORD_CANARY not in plain
    assert base64.b64encode(PASSWORD_CANARY.encode()).decode() not in plain
    assert PASSWORD_CANARY.encode() not in sealed


async def test_rule_9_the_database_file_holds_no_password(
    sqlite_url: str, tmp_path: Path, radicale: CalDavServer
) -> None:
    login = radicale.login()
    radicale.make_calendar(f"{login.home}work/")
    async with world_on(settings_for(sqlite_url, tmp_path)) as world:
        connection = await world.connect(radicale, login)
        key, _ = await world.kalends.clients.create_api_key(world.site.id)
        app = await world.kalends.clients.create_app(world.site.id, name="App")
    assert connection.account_email == login.email
    content = b"".join(path.read_bytes() for path in tmp_path.glob("kalends.db*"))
    for secret in (login.password, key, app.client_secret):
        assert secret.encode() not in content
    assert app.client_id.encode() in content, "the right file was looked at"
