"""The demo's Google and Outlook, as somebody uses them: `kalends demo`, with a real browser on its pages and theirs."""

import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from kalends.demo.pages import CONNECT_PATH, DONE_PATH
from kalends.demo.server import HOST
from scripts.chromium import INSTALL_SECONDS, chromium
from tests.cli.operator import Operator
from tests.sandbox.google.discovery import amiss
from tests.servers import free_port

SCHEDULE = "100ef23e-9e92-4293-8e08-d3747537138f"
API = "/bookings/v2/external-calendars"
MANAGER = "manager@example.com"
TRAINER = "trainer@example.com"
DEADLINE = 60

# where no Chromium is there it is installed first
pytestmark = pytest.mark.timeout(INSTALL_SECONDS + DEADLINE)


@dataclass
class Demo:
    """A demo that is being served at `url`, its sandbox at `google`, and a client with its token."""

    url: str
    google: str
    client_id: str
    api: httpx2.Client

    def connection(self, connection_id: str) -> Any:
        return self.api.get(f"{API}/connections/{connection_id}").json()["connection"]

    def synced(self, connection_id: str) -> Any:
        """Return a connection once it was imported."""
        deadline = time.monotonic() + DEADLINE
        while (connection := self.connection(connection_id))["status"] != "SYNCED":
            assert time.monotonic() < deadline, connection
            time.sleep(0.1)
        return connection

    def titles(self) -> set[str]:
        """Return the titles of what blocks in the two weeks around now."""
        now = datetime.now(UTC)
        span = {"from": f"{now - timedelta(days=7):%FT%TZ}", "to": f"{now + timedelta(days=7):%FT%TZ}"}
        answer = self.api.get(f"{API}/events", params={**span, "scheduleIds": SCHEDULE, "fieldsets": "OWN_PI"})
        assert answer.status_code == 200, answer.text
        return {event["title"] for event in answer.json()["events"]}

    def forget(self) -> None:
        """Disconnect whoever is connected, and have everybody withdraw at Google what they consented to."""
        for connection in self.api.get(f"{API}/connections").json()["connections"]:
            if connection["status"] != "DISCONNECTED":
                gone = self.api.post(f"{API}/connections/{connection['id']}/disconnect")
                assert gone.status_code == 200, gone.text
        for user in (MANAGER, TRAINER):
            body = {"user": user, "client_id": self.client_id}
            assert self.api.post(f"{self.google}/_sandbox/oauth/withdraw", json=body).status_code == 200


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """What is asked of its Google in the end was in Google's document, all of it."""
    operator, url = Operator(tmp_path_factory.mktemp("demo")), f"http://{HOST}:{free_port()}"
    arguments = ("--json", "--port", str(urlsplit(url).port), "--data-dir", str(operator.folder / "demo"))
    with operator.started("demo", *arguments) as served:
        token = served.document()["token"]
        with httpx2.Client(base_url=url, trust_env=False, headers={"Authorization": token}) as api:
            google, client_id = where_it_leads(url)
            made = Demo(url, google, client_id, api)
            yield made
            asked = api.get(f"{google}/_sandbox/requests").json()["requests"]
        assert served.end(signal.SIGTERM) == 0
    assert any("/events?" in one["path"] for one in asked)
    assert amiss(asked) == []


def where_it_leads(url: str) -> tuple[str, str]:
    """Return where the demo's Google is, and the client as which the demo is known there."""
    link = httpx2.get(f"{url}{CONNECT_PATH}/google", trust_env=False).headers["location"]
    sent = httpx2.post(link, headers={"Origin": url}, trust_env=False).headers["location"]
    parts = urlsplit(sent)
    return f"{parts.scheme}://{parts.netloc}", parse_qs(parts.query)["client_id"][0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def context(browser: Browser, demo: Demo) -> Iterator[BrowserContext]:
    """A browser that nobody has used, before anybody has consented to anything."""
    demo.forget()
    with browser.new_context() as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that shows everything that it holds: nothing is blocked by its own policy."""
    told: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    yield page
    assert told == []


def leave(page: Page, demo: Demo) -> None:
    """Begin at the site, and confirm on our own page; the browser is at Google's then."""
    page.goto(f"{demo.url}{CONNECT_PATH}/google")
    expect(page.get_by_role("heading")).to_have_text("Connect your Google (sandbox) calendar to Kalends demo?")
    expect(page.get_by_role("definition").filter(has_text="Studio manager").first).to_be_visible()
    page.get_by_role("button", name="Continue to Google (sandbox)").click()
    expect(page.get_by_role("heading", name="Kalends demo wants access to a Google Account")).to_be_visible()
    assert page.url.startswith(demo.google)


def answer(page: Page, *, account: str = MANAGER, untick: str = "", button: str = "Continue") -> None:
    """Answer Google's page."""
    page.get_by_role("radio", name=account).check()
    if untick:
        page.get_by_role("checkbox", name=re.compile(rf"{re.escape(untick)}$")).uncheck()
    page.get_by_role("button", name=button).click()


def told(page: Page, demo: Demo) -> dict[str, list[str]]:
    """Return what the site is told in the end."""
    page.wait_for_url(f"{demo.url}{DONE_PATH}?*")
    return parse_qs(urlsplit(page.url).query)


def test_a_person_consents_and_what_is_in_their_calendar_blocks_the_schedule(page: Page, demo: Demo) -> None:
    leave(page, demo)
    answer(page)
    back = told(page, demo)
    assert list(back) == ["connectionId"]
    expect(page.get_by_role("heading")).to_have_text("Connected")
    connection = demo.synced(back["connectionId"][0])
    assert (connection["calendarType"], connection["externalAccountEmail"]) == ("GOOGLE", MANAGER)
    assert connection["syncConfig"]["listEventFromCalendars"]["enabled"] is True
    assert {"Trade fair", "Lunch, perhaps"} <= demo.titles()
    assert "Concert on the radio" not in demo.titles(), "it does not block"


def test_all_pages_fit_on_a_phone(page: Page, demo: Demo) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{demo.url}{CONNECT_PATH}/google")
    assert fits(page)
    page.get_by_role("button", name="Continue to Google (sandbox)").click()
    page.wait_for_url(f"{demo.google}/**")
    assert fits(page)
    answer(page)
    told(page, demo)
    assert fits(page)


def fits(page: Page) -> bool:
    """Tell whether nothing lies beside what is seen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_who_says_no_is_brought_back_and_nothing_is_connected(page: Page, demo: Demo) -> None:
    leave(page, demo)
    answer(page, button="Cancel")
    assert told(page, demo) == {"error": ["reject"]}
    expect(page.get_by_role("heading")).to_have_text("Not connected")


@pytest.mark.parametrize("needed", ["calendar.events", "calendar.calendarlist.readonly"])
def test_who_unticks_what_reading_needs_is_told_that_it_does_not_work(page: Page, demo: Demo, needed: str) -> None:
    leave(page, demo)
    answer(page, untick=needed)
    assert told(page, demo) == {"error": ["unsupported"]}


def test_who_unticks_a_calendar_of_our_own_is_connected_and_asked_again_where_it_is_wanted(
    page: Page, demo: Demo
) -> None:
    leave(page, demo)
    answer(page, account=TRAINER, untick="calendar.app.created")
    (connection_id,) = told(page, demo)["connectionId"]
    assert demo.synced(connection_id)["externalAccountEmail"] == TRAINER
    wanted = {"syncConfig": {"syncToCalendar": {"enabled": True, "dedicatedCalendar": {}}}}
    refused = demo.api.patch(f"{API}/connections/{connection_id}/sync-config", json=wanted)
    assert refused.status_code == 428, refused.text
    error = refused.json()["details"]["applicationError"]
    assert (error["code"], error["data"]["reason"]) == ("NOT_SUPPORTED_BY_PROVIDER", "CONSENT_REQUIRED")
    page.goto(error["data"]["reconnectUrl"])
    page.get_by_role("button", name="Continue to Google (sandbox)").click()
    answer(page, account=TRAINER)
    assert told(page, demo) == {"connectionId": [connection_id]}


def test_a_stolen_link_is_of_no_use_in_another_browser(page: Page, demo: Demo, browser: Browser) -> None:
    leave(page, demo)
    with browser.new_context() as another:
        victim = another.new_page()
        victim.goto(page.url)
        answer(victim)
        expect(victim.get_by_role("heading")).to_have_text("This answer cannot be used")
        assert urlsplit(victim.url).path == "/connect/callback"
    answer(page, account=TRAINER)
    assert list(told(page, demo)) == ["connectionId"], "whose it is can still use it"


def test_a_link_that_was_confirmed_is_used_up(page: Page, demo: Demo, browser: Browser) -> None:
    page.goto(f"{demo.url}{CONNECT_PATH}/google")
    link = page.url
    page.get_by_role("button", name="Continue to Google (sandbox)").click()
    page.wait_for_url(f"{demo.google}/**")
    with browser.new_context() as another:
        thief = another.new_page()
        answered = thief.goto(link)
        assert answered is not None
        assert answered.status == 410
        expect(thief.get_by_role("heading")).to_have_text("This link cannot be used")


def test_another_site_cannot_confirm_in_a_persons_name(context: BrowserContext, demo: Demo, tmp_path: Path) -> None:
    page = context.new_page()
    link = httpx2.get(f"{demo.url}{CONNECT_PATH}/google", trust_env=False).headers["location"]
    elsewhere = tmp_path / "prize.html"
    elsewhere.write_text(f'<form method="post" action="{link}"><button>Fetch your prize</button></form>')
    page.goto(elsewhere.as_uri())
    with page.expect_response(link) as refused:
        page.get_by_role("button", name="Fetch your prize").click()
    assert refused.value.status == 403
    page.wait_for_url(link)
    expect(page.get_by_role("heading")).to_have_text("This was not asked for here")


# Outlook


def to_outlook(page: Page, demo: Demo) -> None:
    """Begin at the site, and confirm on our own page; the browser is at Microsoft's then."""
    page.goto(f"{demo.url}{CONNECT_PATH}/microsoft")
    expect(page.get_by_role("heading")).to_have_text("Connect your Outlook (sandbox) calendar to Kalends demo?")
    page.get_by_role("button", name="Continue to Outlook (sandbox)").click()
    expect(page.get_by_role("heading", name="Kalends demo asks for permissions")).to_be_visible()
    assert not page.url.startswith((demo.url, demo.google))


@pytest.mark.parametrize(
    ("account", "title"),
    [("manager@contoso.example", "Trade fair"), ("trainer@outlook.com", "Swimming")],
    ids=["work", "personal"],
)
def test_a_person_connects_an_outlook_account(page: Page, demo: Demo, account: str, title: str) -> None:
    to_outlook(page, demo)
    answer(page, account=account)
    (connection_id,) = told(page, demo)["connectionId"]
    connection = demo.synced(connection_id)
    assert (connection["calendarType"], connection["externalAccountEmail"]) == ("MICROSOFT", account)
    assert title in demo.titles()
    assert "Concert on the radio" not in demo.titles(), "it does not block"


def test_who_says_no_to_microsoft_is_brought_back(page: Page, demo: Demo) -> None:
    to_outlook(page, demo)
    answer(page, account="trainer@contoso.example", button="Cancel")
    assert told(page, demo) == {"error": ["reject"]}


def test_the_pages_to_outlook_fit_on_a_phone(page: Page, demo: Demo) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    to_outlook(page, demo)
    assert fits(page)
