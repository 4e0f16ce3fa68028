"""From homes to calendars: which there are, what is known of them, and when a listing is not believed."""

import pytest
from structlog.testing import capture_logs

from kalends.model.calendar import ExternalCalendar
from kalends.providers.caldav.calendars import calendar_url
from kalends.providers.errors import CredentialsRefused, Unavailable
from tests.net.loopback import raw
from tests.providers.accounts import account_at, calendar, calendars, connect, href, listening
from tests.providers.scripted import Script, about, multistatus


async def test_several_homes_are_one_account() -> None:
    script = Script()
    account_at(script)
    script.on("PROPFIND", "/p/ann/", multistatus(about("/p/ann/", href("c:calendar-home-set", "/home/", "/shared/"))))
    script.on(
        "PROPFIND", "/shared/", multistatus(about("/shared/"), calendar("/shared/team/"), calendar("/home/work/"))
    )
    async with listening(script) as (client, server):
        found = await calendars(client, await connect(client, f"http://{server.place}"))
    assert [calendar.id for calendar in found] == ["/home/work/", "/shared/team/"]


@pytest.mark.parametrize(
    "answer",
    [
        raw(500),
        multistatus(),
        multistatus(about("/shared/", status=403)),
        multistatus(about("/shared/"), calendar("/shared/a/"), about("/shared/", status=507)),
        multistatus(about("/shared/"), about("/shared/a/", status=503)),
        multistatus(about("/shared/"), about("/shared/a/", missing="<d:resourcetype/>", missing_status=500)),
        raw(302, b"", {"Location": "/sso/"}),
    ],
    ids=[
        "500",
        "empty",
        "forbidden inside",
        "cut",
        "one calendar unavailable",
        "one calendar's type not told",
        "redirected",
    ],
)
async def test_one_home_that_cannot_be_read_fails_the_listing(answer: bytes) -> None:
    script = Script()
    account_at(script)
    script.on("PROPFIND", "/p/ann/", multistatus(about("/p/ann/", href("c:calendar-home-set", "/home/", "/shared/"))))
    script.on("PROPFIND", "/shared/", answer)
    script.on("PROPFIND", "/sso/", multistatus(about("/sso/", "<d:resourcetype><d:collection/></d:resourcetype>")))
    async with listening(script) as (client, server):
        account = await connect(client, f"http://{server.place}")
        with pytest.raises(Unavailable):
            await calendars(client, account)


async def test_homes_that_moved_are_found_again() -> None:
    script = Script()
    account_at(script)
    async with listening(script) as (client, server):
        account = await connect(client, f"http://{server.place}")
        script.on("PROPFIND", "/home/", raw(404))
        script.on("PROPFIND", "/p/ann/", multistatus(about("/p/ann/", href("c:calendar-home-set", "/new/"))))
        script.on("PROPFIND", "/new/", multistatus(about("/new/"), calendar("/new/work/")))
        assert [calendar.id for calendar in await calendars(client, account)] == ["/new/work/"]


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_calendar_that_is_not_there_or_not_for_this_person_is_left_out(status: int) -> None:
    script = Script()
    account_at(script)
    gone = about("/home/gone/", status=status)
    untyped = about("/home/note.txt", missing="<d:resourcetype/>")
    script.on("PROPFIND", "/home/", multistatus(about("/home/"), calendar("/home/work/"), gone, untyped))
    async with listening(script) as (client, server):
        found = await calendars(client, await connect(client, f"http://{server.place}"))
    assert [calendar.id for calendar in found] == ["/home/work/"]


async def test_a_home_that_401_inside_207_closes_means_refused_credentials() -> None:
    script = Script()
    account_at(script)
    async with listening(script) as (client, server):
        account = await connect(client, f"http://{server.place}")
        script.on("PROPFIND", "/home/", multistatus(about("/home/", status=401)))
        with pytest.raises(CredentialsRefused):
            await calendars(client, account)


def zone_definition(lines: str) -> str:
    return f"<c:calendar-timezone>BEGIN:VTIMEZONE\n{lines}\nEND:VTIMEZONE</c:calendar-timezone>"


def privileges(*names: str) -> str:
    inner = "".join(f"<d:privilege><d:{name}/></d:privilege>" for name in names)
    return f"<d:current-user-privilege-set>{inner}</d:current-user-privilege-set>"


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ("", ExternalCalendar("/home/a%20b/", "a b")),
        ("<d:displayname> Work </d:displayname>", ExternalCalendar("/home/a%20b/", "Work")),
        ("<a:calendar-color>#AbC</a:calendar-color>", ExternalCalendar("/home/a%20b/", "a b", color="#aabbcc")),
        ("<a:calendar-color>#AABBCCDD</a:calendar-color>", ExternalCalendar("/home/a%20b/", "a b", color="#aabbcc")),
        ("<a:calendar-color>red</a:calendar-color>", ExternalCalendar("/home/a%20b/", "a b")),
        (
            "<c:calendar-timezone-id>W. Europe Standard Time</c:calendar-timezone-id>",
            ExternalCalendar("/home/a%20b/", "a b", time_zone="Europe/Berlin"),
        ),
        (
            zone_definition("TZID:/example.org/2024a/Europe/Par\n is"),
            ExternalCalendar("/home/a%20b/", "a b", time_zone="Europe/Paris"),
        ),
        (
            zone_definition("TZID:Our office\nX-LIC-LOCATION:Asia/Tokyo"),
            ExternalCalendar("/home/a%20b/", "a b", time_zone="Asia/Tokyo"),
        ),
        (zone_definition("TZID:Our office"), ExternalCalendar("/home/a%20b/", "a b")),
        (privileges("read", "read-acl"), ExternalCalendar("/home/a%20b/", "a b", writable=False)),
        (privileges("read", "write-content"), ExternalCalendar("/home/a%20b/", "a b")),
        ("<c:supported-calendar-component-set/>", ExternalCalendar("/home/a%20b/", "a b")),
        (
            '<c:supported-calendar-component-set><c:comp name="VEVENT"/></c:supported-calendar-component-set>',
            ExternalCalendar("/home/a%20b/", "a b"),
        ),
        ('<c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>', None),
    ],
)
async def test_properties_of_a_calendar(props: str, expected: ExternalCalendar | None) -> None:
    script = Script()
    account_at(script)
    script.on("PROPFIND", "/home/", multistatus(about("/home/"), calendar("/home/a%20b", props)))
    async with listening(script) as (client, server):
        found = await calendars(client, await connect(client, f"http://{server.place}"))
    assert found == ([expected] if expected else [])


async def test_only_calendars_are_listed_and_subscribed_and_default_ones_marked() -> None:
    script = Script()
    account_at(script)
    listing = multistatus(
        about("/home/"),
        calendar(
            "/home/inbox/", href("c:schedule-default-calendar-URL", "/home/main"), "<d:collection/><c:schedule-inbox/>"
        ),
        calendar("/home/outbox/", types="<d:collection/><c:schedule-outbox/><c:calendar/>"),
        calendar("/home/notes/", types="<d:collection/><s:notification/>"),
        calendar("/home/contacts/", types="<d:collection/>"),
        calendar("/home/leftover/", types="<d:collection/><s:subscribed/>"),
        calendar("/home/main/"),
        calendar("/home/holidays/", types="<d:collection/><c:calendar/><s:subscribed/>"),
    )
    script.on("PROPFIND", "/home/", listing)
    async with listening(script) as (client, server):
        found = await calendars(client, await connect(client, f"http://{server.place}"))
    assert [(calendar.name, calendar.primary, calendar.own) for calendar in found] == [
        ("main", True, True),
        ("holidays", False, False),
    ]


@pytest.mark.parametrize("props", [f"<d:displayname>{'n' * 5_000}</d:displayname>", ""], ids=["named", "unnamed"])
async def test_a_name_is_cut_at_two_hundred_characters(props: str) -> None:
    script = Script()
    account_at(script)
    script.on("PROPFIND", "/home/", multistatus(about("/home/"), calendar(f"/home/{'n' * 500}/", props)))
    async with listening(script) as (client, server):
        found = await calendars(client, await connect(client, f"http://{server.place}"))
    assert [calendar.name for calendar in found] == ["n" * 200]


@pytest.mark.parametrize("path", [f"/home/{'x' * 1_000}/", f"/home/{'ü' * 500}/", "http://[broken/"])
async def test_a_calendar_whose_address_cannot_be_kept_is_left_out_and_said_to_be(path: str) -> None:
    script = Script()
    account_at(script)
    script.on("PROPFIND", "/home/", multistatus(about("/home/"), calendar("/home/work/"), calendar(path)))
    async with listening(script) as (client, server):
        account = await connect(client, f"http://{server.place}")
        with capture_logs() as lines:
            found = await calendars(client, account)
    assert [calendar.id for calendar in found] == ["/home/work/"]
    assert lines == [
        {"event": "calendar_without_usable_address", "log_level": "warning", "host": "127.0.0.1"},
    ]


def test_a_calendar_is_a_path_unless_it_is_a_whole_url() -> None:
    assert calendar_url("/h/a://b/", "https://dav.example") == "https://dav.example/h/a://b/"
    assert calendar_url("https://p42.example/c/", "https://dav.example") == "https://p42.example/c/"
