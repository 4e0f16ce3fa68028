"""Sites, users, apps, keys, tokens, schedules, providers: made, listed, ended."""

import pytest

from kalends.model.ids import is_guid
from tests.cli.operator import Operator

MANAGE = "SCOPE.DC-BOOKINGS.MANAGE-EXTERNAL-CALENDARS"


def test_a_site_is_made_changed_and_listed(operator: Operator) -> None:
    made = operator.json(
        *("site", "create", "--name", "Studio", "--time-zone", "Europe/Berlin"),
        *("--redirect-origin", "https://one.example", "--redirect-origin", "https://two.example"),
    )
    assert is_guid(made["siteId"])
    assert made["redirectOrigins"] == ["https://one.example", "https://two.example"]
    changed = operator.json("site", "update", "--site", made["siteId"], "--name", "New", "--no-redirect-origins")
    assert (changed["name"], changed["timeZone"], changed["redirectOrigins"]) == ("New", "Europe/Berlin", [])
    assert operator.json("site", "list")["sites"] == [changed]
    assert made["siteId"] in operator.run("site", "list").stdout


def test_what_a_site_says_of_copies(operator: Operator) -> None:
    plain = operator.json("site", "create", "--name", "Studio")
    assert (plain["copyTitle"], plain["copyLink"], plain["copyChanges"]) == ("{title}", None, "restore")
    link = "https://shop.example.com/bookings/{eventId}"
    made = operator.json(
        *("site", "create", "--name", "Shop", "--copy-title", "{service}: {participant}"),
        *("--copy-link", link, "--copy-changes", "accept"),
    )
    assert (made["copyTitle"], made["copyLink"], made["copyChanges"]) == ("{service}: {participant}", link, "accept")
    assert operator.json("site", "show", "--site", made["siteId"]) == made
    assert operator.json("site", "list")["sites"] == [plain, made]
    for shown in (operator.run("site", "list").stdout, operator.run("site", "show", "--site", made["siteId"]).stdout):
        for fact in (made["siteId"], "{service}: {participant}", link, "accept"):
            assert fact in shown
    of_site = ("site", "update", "--site", made["siteId"])
    assert operator.json(*of_site, "--name", "New") == {**made, "name": "New"}
    changed = operator.json(*of_site, "--copy-title", "{title}", "--copy-link", "", "--copy-changes", "restore")
    assert changed == {**made, "name": "New", "copyTitle": "{title}", "copyLink": None, "copyChanges": "restore"}
    assert operator.json("site", "list")["sites"] == [plain, changed]


def test_templates_leave_the_ids_of_sites_in_one_piece(operator: Operator) -> None:
    link = "https://shop.example.com/{eventId}".ljust(500, "x")
    templates = ("--copy-title", "{title} ".ljust(200, "x"), "--copy-link", link)
    made = operator.json("site", "create", "--name", "Studio", *templates)
    assert operator.run("site", "list").stdout.count(made["siteId"]) == 2


def test_everything_of_a_site(operator: Operator) -> None:
    site = operator.json("site", "create", "--name", "Studio", "--time-zone", "Europe/Berlin")["siteId"]
    of_site = ("--site", site)

    user = operator.json("user", "create", *of_site, "--email", "Staff@Example.org", "--name", "Staff")["userId"]
    assert operator.json("user", "list", *of_site)["users"] == [
        {"userId": user, "email": "staff@example.org", "name": "Staff", "role": "staff", "disabledDate": None}
    ]

    schedule = operator.json("schedule", "create", *of_site, "--name", "Room", "--owner", user)
    assert (schedule["timeZone"], schedule["ownerId"]) == ("Europe/Berlin", user)
    chosen = "100ef23e-9e92-4293-8e08-d3747537138f"
    assert operator.json("schedule", "create", *of_site, "--name", "Desk", "--id", chosen)["scheduleId"] == chosen
    listed = operator.json("schedule", "list", *of_site)["schedules"]
    assert [one["scheduleId"] for one in listed] == [chosen, schedule["scheduleId"]]

    provider = operator.json(
        *("provider", "install", "caldav", *of_site, "--name", "Ours", "--url", "https://dav.example"),
        *("--requests-per-minute", "600"),
        *("--username", "local-part"),
    )
    assert provider["config"] == {
        "url": "https://dav.example/",
        "username": "local-part",
        "requestsPerMinute": "600",
    }
    names = [one["name"] for one in operator.json("provider", "list", *of_site)["providers"]]
    assert names == ["Apple", "Ours"]
    operator.json("provider", "remove", *of_site, provider["providerId"])
    assert len(operator.json("provider", "list", *of_site)["providers"]) == 1

    app = operator.json("app", "create", *of_site, "--name", "Client")
    assert set(app) == {"clientId", "clientSecret", "instanceId"}
    token = operator.json("token", "create", *of_site, "--app", app["clientId"])["token"]
    assert operator.json("token", "revoke", "--token-stdin", typed=f"{token}\n") == {"revoked": True}
    operator.json("app", "revoke", *of_site, "--app", app["clientId"])
    revoked = operator.json("app", "list", *of_site)["apps"][0]
    assert revoked["scopes"] == [MANAGE]
    assert revoked["revokedDate"] is not None
    assert operator.json("token", "create", *of_site, "--app", app["clientId"], code=1)["error"]["code"] == (
        "APP_NOT_FOUND"
    )

    key = operator.json("api-key", "create", *of_site)
    assert (key["siteId"], key["scopes"]) == (site, [MANAGE])
    operator.json("api-key", "revoke", *of_site, key["apiKeyId"])
    records = operator.run("api-key", "list", *of_site, "--json").stdout
    assert key["apiKeyId"] in records
    assert key["apiKey"] not in records

    assert operator.run("token", "create", *of_site, "--user", user).stdout.count(".") == 2
    assert operator.json("user", "disable", *of_site, user) == {"userId": user, "disconnected": 0}
    assert operator.json("token", "create", *of_site, "--user", user, code=1)["error"]["code"] == "USER_NOT_FOUND"


def test_the_site_may_be_left_out_only_where_there_is_one(operator: Operator) -> None:
    assert "no site yet" in operator.run("user", "list", code=2).stderr
    operator.run("site", "create", "--name", "One")
    assert operator.json("user", "list") == {"users": []}
    operator.run("site", "create", "--name", "Two")
    assert "There are 2 sites" in operator.run("user", "list", code=2).stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("site", "update", "--site", "100ef23e-9e92-4293-8e08-d3747537138f", "--name", "x"), "SITE_NOT_FOUND"),
        (("schedule", "create", "--name", "x", "--owner", "nobody"), "USER_NOT_FOUND"),
        (("provider", "install", "carrier-pigeon", "--name", "x"), "PROVIDER_NOT_FOUND"),
        (("provider", "remove", "nothing"), "PROVIDER_NOT_FOUND"),
        (("api-key", "revoke", "nothing"), "API_KEY_NOT_FOUND"),
        (("connection", "show", "nothing"), "CONNECTION_NOT_FOUND"),
    ],
)
def test_what_cannot_be_done_is_one_line_an_error_document_and_exit_code_1(
    operator: Operator, command: tuple[str, ...], code: str
) -> None:
    operator.run("site", "create", "--name", "Studio")
    result = operator.run(*command, code=1)
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert operator.json(*command, code=1)["error"]["code"] == code


@pytest.mark.parametrize(
    "command",
    [
        ("site", "create", "--name", " "),
        ("site", "create", "--name", "x", "--time-zone", "Mars/Olympus"),
        ("site", "create", "--name", "x", "--copy-title", ""),
        ("site", "create", "--name", "x", "--copy-title", "{customer}"),
        ("site", "update", "--copy-title", ""),
        ("site", "update", "--copy-link", "http://shop.example.com/{eventId}"),
        ("schedule", "create", "--name", "x", "--id", "no-guid"),
        ("app", "create", "--name", "x", "--scope", "SCOPE.NONE"),
        ("provider", "install", "caldav", "--name", "x"),
    ],
)
def test_an_option_whose_value_does_not_fit_is_wrong_usage_too(operator: Operator, command: tuple[str, ...]) -> None:
    operator.run("site", "create", "--name", "Studio")
    error = operator.json(*command, code=2)["error"]
    assert error["code"] == "INVALID_ARGUMENT"
    assert operator.run(*command, code=2).stderr == f"Error: {error['message']}\n"


@pytest.mark.parametrize(
    "command",
    [
        ("site", "create"),
        ("site", "update", "--copy-changes", "maybe"),
        ("nonsense",),
        ("token", "create"),
        ("token", "create", "--user", "a", "--app", "b"),
        ("user", "disable"),
        ("user", "disable", "one", "--user", "two"),
        ("site", "update", "--redirect-origin", "https://a.example", "--no-redirect-origins"),
        ("events", "list", "--from", "soon"),
        ("events", "list", "--from", "2026-02-01", "--to", "2026-01-01"),
        ("connection", "connect", "--schedule", "s", "--provider", "p", "--email", "e@example.org"),
    ],
)
def test_wrong_usage_is_exit_code_2(operator: Operator, command: tuple[str, ...]) -> None:
    operator.run("site", "create", "--name", "Studio")
    assert operator.run(*command, code=2).stderr != ""


def test_what_tenants_wrote_is_neither_markup_nor_control_of_the_terminal(operator: Operator) -> None:
    operator.run("site", "create", "--name", "[bold]A\x1b[31m\x9b31mB[/bold]")
    shown = operator.run("site", "list").stdout
    assert "[bold]A [31m 31mB[/bold]" in shown


def test_the_schema_is_up_to_date_after_an_upgrade(operator: Operator) -> None:
    first = operator.json("db", "upgrade")
    assert first["before"] is None
    assert first["changed"] is True
    assert operator.json("db", "upgrade") == {"before": first["after"], "after": first["after"], "changed": False}


def test_postgresql_is_upgraded_by_command_only(operator: Operator, empty_postgres_url: str) -> None:
    operator.environment |= {
        "KALENDS_DATABASE_URL": empty_postgres_url,
        "KALENDS_SECRET_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    }
    for command in (("site", "list"), ("serve", "--port", "0")):
        assert "kalends db upgrade" in operator.run(*command, code=1).stderr
    operator.run("db", "upgrade")
    assert operator.json("site", "list") == {"sites": []}
