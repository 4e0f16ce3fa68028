from pathlib import Path

import pytest

from tests.cli.operator import Operator


def test_config_masks_the_passwords_and_keys(operator: Operator) -> None:
    key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    operator.environment |= {
        "KALENDS_DATABASE_URL": "postgresql://keeper:hush-one@db.example/kalends?password=hush-two",
        "KALENDS_SECRET_KEY": key,
        "KALENDS_PUBLIC_URL": "https://user:hush-three@calendars.example",
        "KALENDS_POLL_INTERVAL": "90",
    }
    document = operator.json("config")
    assert document["database_url"] == "postgresql://keeper:***@db.example/kalends?password=***"
    assert document["secret_key"] == "***"
    assert document["public_url"] == "https://user:***@calendars.example"
    assert document["poll_interval"] == 90
    assert document["port"] == 8080
    for output in (operator.run("config").output, str(document)):
        assert "hush" not in output
        assert key not in output


def test_config_says_where_each_setting_comes_from(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "kalends.toml").write_text('log_level = "error"\n')
    operator.environment["KALENDS_PORT"] = "9000"
    lines = {line.split("│")[1].strip(): line for line in operator.run("config").stdout.splitlines() if "│" in line}
    assert "environment" in lines["port"]
    assert "kalends.toml" in lines["log_level"]
    assert "default" in lines["poll_interval"]
    sources = operator.json("config")["sources"]
    assert (sources["port"], sources["log_level"]) == ("environment", "kalends.toml")
    assert {"data_dir", "net_allow", "port"} == {name for name, source in sources.items() if source == "environment"}
    assert sources["poll_interval"] == "default"


@pytest.mark.parametrize(
    ("name", "value"),
    [("KALENDS_POTR", "8080"), ("KALENDS_PORT", "eighty"), ("KALENDS_DATABASE_URL", "mysql://db/kalends")],
)
@pytest.mark.parametrize("command", [["config"], ["serve"], ["site", "list"], ["db", "upgrade"]])
def test_an_unknown_or_bad_setting_stops_every_command_and_is_named(
    operator: Operator, command: list[str], name: str, value: str
) -> None:
    operator.environment[name] = value
    result = operator.run(*command, code=2)
    assert result.stderr.startswith(f"Error: {name}")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_a_bad_setting_is_a_json_document_where_one_is_asked_for(operator: Operator) -> None:
    operator.environment["KALENDS_POTR"] = "8080"
    error = operator.json("site", "list", code=2)["error"]
    assert error["code"] == "SETTINGS"
    assert "KALENDS_PORT" in error["message"]


def test_a_bad_key_of_the_file_is_named_with_the_file(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "kalends.toml").write_text("prot = 1\n")
    assert "kalends.toml: prot is not a setting; did you mean port?" in operator.run("config", code=2).stderr


def test_postgresql_needs_a_secret_key(operator: Operator) -> None:
    operator.environment["KALENDS_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/kalends"
    assert "KALENDS_SECRET_KEY must be set" in operator.run("serve", "--port", "0", code=2).stderr


def test_a_database_that_cannot_be_reached_is_one_line_without_its_password(operator: Operator) -> None:
    operator.environment |= {
        "KALENDS_DATABASE_URL": "postgresql://keeper:hush@127.0.0.1:1/kalends",
        "KALENDS_SECRET_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    }
    result = operator.run("site", "list", code=1)
    assert len(result.stderr.splitlines()) == 1
    assert "hush" not in result.stderr
    assert "kalends doctor" in result.stderr


def test_a_data_folder_that_is_a_file_is_one_line_with_advice(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    for command in (("site", "list"), ("db", "upgrade"), ("serve", "--port", "0")):
        stderr = operator.run(*command, code=1).stderr
        assert len(stderr.splitlines()) == 1
        assert str(tmp_path / "data") in stderr
        assert "kalends doctor" in stderr


def test_a_url_where_a_host_belongs_is_told_from_a_host(operator: Operator) -> None:
    operator.environment["KALENDS_NET_ALLOW"] = "nas.lan http://keeper:hush@other.lan:5232/dav"
    stderr = operator.run("config", code=2).stderr
    assert "KALENDS_NET_ALLOW" in stderr
    assert "write only its host, other.lan:5232" in stderr
    assert "hush" not in stderr
    operator.environment["KALENDS_NET_ALLOW"] = ""
    operator.environment["KALENDS_NET_TRUSTED_HOSTS"] = "https://p42.example.net"
    assert "KALENDS_NET_TRUSTED_HOSTS: " in operator.run("config", code=2).stderr
