import base64
from datetime import timedelta
from pathlib import Path

import pytest

from kalends.settings import SettingsError, load
from kalends.vault.keys import KEY_FILE, Keyring

KEY = base64.b64encode(bytes(32)).decode()


def test_without_anything_the_embedded_database_in_the_data_folder_is_used() -> None:
    settings = load({})
    assert settings.embedded
    assert settings.resolved_database_url == "sqlite:///.local/kalends/kalends.db"
    assert settings.poll_interval == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"KALENDS_PULIC_URL": "http://x"}, "KALENDS_PULIC_URL is not a setting; did you mean KALENDS_PUBLIC_URL?"),
        ({"kalends_port": "1"}, "kalends_port is not a setting"),
        ({"KALENDS_PORT": "many"}, "KALENDS_PORT: "),
        ({"KALENDS_PORT": "70000"}, "KALENDS_PORT: "),
        ({"KALENDS_DATABASE_URL": "mysql://x/y"}, "KALENDS_DATABASE_URL: must begin with sqlite:// or postgresql://"),
        ({"KALENDS_DATABASE_URL": "nonsense"}, "KALENDS_DATABASE_URL: is not a database URL"),
        ({"KALENDS_DATABASE_URL": "postgresql://u@db:99999/k"}, "KALENDS_DATABASE_URL: has no host and port"),
        ({"KALENDS_DATABASE_URL": "postgresql://u@db/k?junk=1"}, "an option that is not known, 'junk'; there are gss"),
        ({"KALENDS_DATABASE_URL": "sqlite:///file.db?mode=ro"}, "an option that is not known, 'mode'"),
        ({"KALENDS_PUBLIC_URL": "ftp://x"}, "KALENDS_PUBLIC_URL: must be an http or https URL"),
        ({"KALENDS_SECRET_KEY": "short"}, "KALENDS_SECRET_KEY: key 1 "),
        ({"KALENDS_SECRET_KEY": f"{KEY},eHg="}, "KALENDS_SECRET_KEY: key 2 holds 2 bytes, not 32"),
        ({"KALENDS_NET_ALLOW": "10.0.0.0/99"}, "KALENDS_NET_ALLOW"),
        ({"KALENDS_LOG_FORMAT": "xml"}, "KALENDS_LOG_FORMAT: "),
        ({"KALENDS_POLL_INTERVAL": "0"}, "KALENDS_POLL_INTERVAL: "),
        ({"KALENDS_STALENESS_LIMIT": "999999999999"}, "KALENDS_STALENESS_LIMIT: "),
        ({"KALENDS_WINDOW_AHEAD_DAYS": "-1"}, "KALENDS_WINDOW_AHEAD_DAYS: "),
        ({"KALENDS_CONFIG_FILE": "/nowhere/kalends.toml"}, "/nowhere/kalends.toml cannot be read"),
    ],
)
def test_what_is_unknown_or_does_not_fit_is_named(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(environ)
    assert said in str(raised.value)


def test_a_bad_secret_key_is_not_repeated_in_the_message() -> None:
    with pytest.raises(SettingsError) as raised:
        load({"KALENDS_SECRET_KEY": "hunter2hunter2"})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("password", ["hush@hush:hush", "hush@hush", "hush@:hush/hush"])
def test_a_database_url_that_is_cut_at_a_sign_in_its_password_is_refused_without_it(password: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load({"KALENDS_DATABASE_URL": f"postgresql://keeper:{password}@db/kalends"})
    assert "percent-encoded" in str(raised.value)
    assert "hush" not in str(raised.value)


def test_a_database_url_may_ask_for_tls_as_libpq_does() -> None:
    url = "postgresql://keeper:hu%40sh@db:5433/kalends"
    assert load({"KALENDS_DATABASE_URL": f"{url}?sslmode=require"}).database_url == f"{url}?ssl=require"
    assert load({"KALENDS_DATABASE_URL": url}).database_url == url


def test_variables_of_the_tests_are_passed_over() -> None:
    assert load({"KALENDS_TEST_ANYTHING": "1", "KALENDS_CLIENT_TOKEN": "1"}) == load({})


def test_durations_are_seconds_or_iso_8601() -> None:
    assert load({"KALENDS_POLL_INTERVAL": "90"}).poll_interval == timedelta(seconds=90)
    assert load({"KALENDS_POLL_INTERVAL": "PT3M"}).poll_interval == timedelta(minutes=3)


def test_the_environment_wins_over_the_file_and_options_over_both(tmp_path: Path) -> None:
    path = tmp_path / "kalends.toml"
    path.write_text('port = 9000\nhost = "127.0.0.2"\npoll_interval = 30\n')
    environ = {"KALENDS_CONFIG_FILE": str(path), "KALENDS_PORT": "9001"}
    settings = load(environ)
    assert (settings.port, settings.host, settings.poll_interval) == (9001, "127.0.0.2", timedelta(seconds=30))
    assert load(environ, port=9002).port == 9002


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "prot is not a setting; did you mean port?"),
        ("port = ", "is not a TOML file"),
        ("port = 'x'", "port ("),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "kalends.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load({"KALENDS_CONFIG_FILE": str(path)})
    assert said in str(raised.value)


def test_embedded_mode_keeps_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    settings = load({}, data_dir=tmp_path / "data")
    first = Keyring.of(settings).keys("x")[0]
    path = tmp_path / "data" / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert Keyring.of(settings).keys("x")[0] == first
    assert [one.name for one in path.parent.iterdir()] == [KEY_FILE], "no draft is left"


def test_postgresql_without_a_key_is_refused() -> None:
    settings = load({"KALENDS_DATABASE_URL": "postgresql://kalends@localhost/kalends"})
    with pytest.raises(SettingsError, match="KALENDS_SECRET_KEY must be set"):
        Keyring.of(settings)
