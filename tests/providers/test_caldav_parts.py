"""Hrefs, configuration, cursors, XML limits: the parts that need no server."""

import json
import pickle
from datetime import timedelta
from urllib.parse import quote

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from kalends.model.provider import CalendarType, ConnectMethod, ExportFeature, ImportFeature
from kalends.net.allowance import Allowance, Scope
from kalends.providers.apple import APPLE
from kalends.providers.base import ProviderKind
from kalends.providers.caldav import CALDAV, bodies, multistatus
from kalends.providers.caldav.cursor import Cursor, CursorKind, Listed, Plan
from kalends.providers.caldav.errors import Malformed, NotDav
from kalends.providers.caldav.hrefs import absolute, is_self, member_key, normal_path, normal_url, sendable
from kalends.providers.errors import CursorRefused

KINDS: list[ProviderKind] = [CALDAV, APPLE]


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/a b", "/a%20b"),
        ("/a%20b", "/a%20b"),
        ("/%61%2e%7E", "/a.~"),
        ("/%40@", "/@@"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%2fb", "/a%2Fb"),
        ("/100%", "/100%25"),
        ("/%zz", "/%25zz"),
        ("/ü", "/%C3%BC"),
        ("/%c3%bc", "/%C3%BC"),
        ("/%ff", "/%FF"),
        ("/a?b#c", "/a%3Fb%23c"),
        ("//a//b/", "//a//b/"),
    ],
)
def test_a_path_has_one_normal_form(path: str, normal: str) -> None:
    assert normal_path(path) == normal


@given(st.text())
def test_normal_form_is_reached_at_once(path: str) -> None:
    once = normal_path(path.encode("utf-8", "replace").decode())
    assert normal_path(once) == once
    assert once.isascii()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_name_that_a_server_encodes_is_a_member(name: str) -> None:
    key = member_key(f"/c/{quote(name, safe='')}", "/c/")
    assert (key is None) == (name in {".", ".."})


def test_what_lies_outside_a_collection_has_no_key() -> None:
    assert member_key("/c/", "/c/") is None
    assert member_key("/c", "/c/") is None
    assert member_key("/cc/a", "/c/") is None
    assert member_key("/c/a/", "/c/") is None
    assert member_key(" /c/a ", "/c/") == "/c/a"
    assert is_self("http://other/c", "/c/")
    assert not is_self("/c/a", "/c/")


@pytest.mark.parametrize(
    ("written", "sent"),
    [("/%7ea%2Bb+%40@!", "/%7ea%2Bb+%40@!"), ("/a b", "/a%20b"), ("/ü\\#x", "/%C3%BC%5C%23x"), ("/a?b", "/a?b")],
)
def test_a_path_is_sent_as_it_is_written_if_that_can_be_sent(written: str, sent: str) -> None:
    assert sendable(written) == sent


def test_urls_are_made_absolute_and_normal() -> None:
    assert absolute("/x%40/", "https://a.example/b/") == "https://a.example/x%40/"
    assert absolute("x/", "https://a.example/b/c") == "https://a.example/b/x/"
    assert absolute("HTTP://B.example:80/x", "https://a.example/") == "http://b.example/x"
    assert normal_url("HTTPS://A.Example:443/%7euser?q#f") == "https://a.example/~user"
    assert normal_url("https://a.example") == "https://a.example/"


# Configuration


@pytest.mark.parametrize(
    ("given_config", "normal"),
    [
        ({"url": "https://Dav.Example.com"}, {"url": "https://dav.example.com/", "username": "email"}),
        ({"url": " https://h:443/a b/ "}, {"url": "https://h/a%20b/", "username": "email"}),
        ({"url": "http://127.0.0.1:5232/"}, {"url": "http://127.0.0.1:5232/", "username": "email"}),
        ({"url": "Example.com", "username": "local-part"}, {"url": "example.com", "username": "local-part"}),
        ({"url": "bücher.example"}, {"url": "xn--bcher-kva.example", "username": "email"}),
        (
            {"url": "example.com", "requestsPerMinute": " 0240 "},
            {"url": "example.com", "username": "email", "requestsPerMinute": "240"},
        ),
    ],
)
def test_a_configuration_has_one_normal_form(given_config: dict[str, str], normal: dict[str, str]) -> None:
    assert CALDAV.check_config(given_config) == normal
    assert CALDAV.check_config(normal) == normal


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "'url' is missing"),
        ({"url": "  "}, "'url' is missing"),
        ({"url": "localhost"}, "neither"),
        ({"url": "10.0.0.1"}, "neither"),
        ({"url": "example.com/dav"}, "neither"),
        ({"url": "exa mple.com"}, "neither"),
        ({"url": "ftp://example.com/"}, "cannot be used"),
        ({"url": "https://ann:pw@example.com/"}, "cannot be used"),
        ({"url": "https:///dav"}, "cannot be used"),
        ({"url": "https://example.com/?a=b"}, "query"),
        ({"url": "https://example.com/#a"}, "query"),
        ({"url": "https://" + "a" * 10_000}, "cannot be used"),
        ({"url": "https://example.com", "username": "upn"}, "'upn'"),
        ({"url": "https://example.com", "user": "x"}, "'user'"),
        *(
            ({"url": "https://example.com", "requestsPerMinute": text}, "a number from 6 to 60000")
            for text in ("", "5", "-6", "6.5", "60001", "9" * 5000, "²", "many")
        ),
    ],
)
def test_a_bad_configuration_says_what_is_wrong(config: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        CALDAV.check_config(config)
    assert "pw" not in str(error.value)


def test_apple_has_nothing_to_configure() -> None:
    assert APPLE.check_config({}) == {}
    with pytest.raises(ValueError, match="'url'"):
        APPLE.check_config({"url": "https://example.com"})


def test_accounts_may_be_asked_as_often_as_the_kind_or_the_installation_says() -> None:
    minute = timedelta(minutes=1)
    assert list(APPLE.budgets({})) == [Allowance(Scope.ACCOUNT, 240, minute, 20)]
    config = {"url": "https://example.com"}
    assert list(CALDAV.budgets(CALDAV.check_config(config))) == []
    bounded = CALDAV.check_config({**config, "requestsPerMinute": "6"})
    assert list(CALDAV.budgets(bounded)) == [Allowance(Scope.ACCOUNT, 6, minute, 5)]


def test_what_the_kinds_are_and_can_do() -> None:
    assert (APPLE.kind, APPLE.default_name, APPLE.calendar_type) == ("apple", "Apple", CalendarType.I_CAL)
    assert APPLE.built_in_id == "9f084ae8-b3a6-4eb6-a29d-bc682c04b5fc"
    assert (CALDAV.kind, CALDAV.built_in_id, CALDAV.calendar_type) == ("caldav", None, CalendarType.OTHER)
    for kind in KINDS:
        features = kind.features({})
        assert features.connect_methods == (ConnectMethod.CREDENTIALS,)
        assert features.update_sync_config
        assert features.list_event_from_calendars is ImportFeature.SPECIFIC_CALENDARS
        assert features.sync_to_calendar is ExportFeature.DEDICATED_CALENDAR
        assert not features.primary_calendar


@pytest.mark.parametrize("kind", KINDS)
def test_expanding_can_be_sent_to_another_process(kind: ProviderKind) -> None:
    assert callable(pickle.loads(pickle.dumps(kind.expand)))


# Cursors


@given(st.sampled_from(CursorKind), st.text())
def test_cursors_survive_being_stored(kind: CursorKind, value: str) -> None:
    assert Cursor.parse(str(Cursor(kind, value))) == Cursor(kind, value)


@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorRefused):
        Cursor.parse(text)
    assert Plan.resume(text, full=True) is None


def test_a_plan_survives_being_stored_and_serves_its_own_kind_of_reading_only() -> None:
    plan = Plan(True, "cursor", {"/c/a@b": Listed('"1"', "/c/a%40b"), "/c/b": Listed("", "")}, ("/c/x",))
    text = plan.continuation()
    assert text is not None
    assert Plan.resume(text, full=True) == plan
    assert Plan.resume(text, full=False) is None
    assert Plan(True, "cursor", {str(number): Listed("", "") for number in range(30_000)}).continuation() is None


# XML


async def _parse(text: str) -> multistatus.MultiStatus:
    return await multistatus.parse(text.encode(), "https://h/")


async def test_limits_of_xml(monkeypatch: pytest.MonkeyPatch) -> None:
    one = "<response><href>/a</href></response>"
    whole = f"<multistatus xmlns='DAV:'>{one * 5}</multistatus>"
    assert len((await _parse(whole)).responses) == 5
    monkeypatch.setattr(multistatus, "MAX_RESPONSES", 4)
    with pytest.raises(Malformed, match="more than 4 responses"):
        await _parse(whole)
    monkeypatch.setattr(multistatus, "MAX_ELEMENTS", 10)
    with pytest.raises(Malformed, match="more than 10 elements"):
        await _parse(whole)
    monkeypatch.setattr(multistatus, "MAX_DEPTH", 2)
    with pytest.raises(Malformed, match="deeper than 2"):
        await _parse(whole)


@given(st.integers(min_value=0))
async def test_a_prefix_is_never_an_answer(length: int) -> None:
    whole = "<?xml version='1.0'?><multistatus xmlns='DAV:'><response><href>/a</href></response></multistatus>"
    with pytest.raises((Malformed, NotDav)):
        await _parse(whole[: length % len(whole)])


async def test_only_what_the_server_could_give_is_a_property() -> None:
    answer = await _parse(
        "<d:multistatus xmlns:d='DAV:'><d:response><d:href> /a </d:href>"
        "<d:propstat><d:prop><d:getetag>1</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
        "<d:propstat><d:prop><d:displayname>x</d:displayname></d:prop><d:status>HTTP/1.1 403 No</d:status></d:propstat>"
        "</d:response><d:response><d:href>/b</d:href><d:href>/c</d:href>"
        "<d:status>HTTP/1.1 404 No</d:status></d:response></d:multistatus>"
    )
    assert [(response.href, response.status, sorted(response.props)) for response in answer.responses] == [
        ("/a", None, ["{DAV:}getetag"]),
        ("/b", 404, []),
        ("/c", 404, []),
    ]


async def test_what_is_sent_is_well_formed_and_escaped() -> None:
    token, odd = "a<b>&\"'", "/c/a&b<c>.ics"
    assert fromstring(bodies.sync_collection(token)).findtext("{DAV:}sync-token") == token
    assert fromstring(bodies.calendar_multiget([odd])).findtext("{DAV:}href") == odd
    asked = fromstring(bodies.propfind("{http://apple.com/ns/ical/}calendar-color"))
    assert asked.find("{DAV:}prop/{http://apple.com/ns/ical/}calendar-color") is not None
