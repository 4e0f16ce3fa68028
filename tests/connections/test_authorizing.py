"""Connecting by OAuth: our own pages, the way to the provider and back, and what the site is told in the end."""

import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from kalends.api.application import create_api
from kalends.connections.sync_config import ExportChange, SyncConfigChange
from kalends.model.calendar import Account
from kalends.model.connection import Connection, ExportConfig, ExportTarget, Status
from kalends.model.errors import Invalid, PermissionDenied, PreconditionFailed
from kalends.model.identity import Identity, IdentityKind, Role
from kalends.model.provider import ConnectMethod, ConnectScopes, ExportFeature, Features
from kalends.net.client import GuardedClient
from kalends.providers.base import ConsentAsked, Consented, Refused
from kalends.providers.errors import CredentialsRefused, NotSupported, Unavailable
from tests.scripted_provider import GUID, RemoteCalendar, ScriptedKind
from tests.world import World, settings_for, world_on

SITE = "https://shop.example"
BACK = f"{SITE}/done?a=1&b=%2F#part"
HERE = "http://127.0.0.1:8080"
PROVIDER = "https://provider.example/authorize"


@dataclass
class ConsentKind(ScriptedKind):
    """The scripted provider, as one whose owner consents on its own pages."""

    asked: list[ConsentAsked] = field(default_factory=list)
    redeemed: list[tuple[str, str]] = field(default_factory=list)
    """Codes with the verifiers that came along."""
    account: Account = field(
        default_factory=lambda: Account(
            "issuer subject", "Ann@Example.com", frozenset({"ann@example.com"}), {"password": "right"}, frozenset({"r"})
        )
    )
    lasting: list[bool] = field(default_factory=list)
    """Whether the next codes bring lasting access; they do when this is used up."""
    fails: Exception | None = None

    def features(self, config: Mapping[str, str]) -> Features:
        exports = ExportFeature.DEDICATED_CALENDAR
        return replace(super().features(config), connect_methods=(ConnectMethod.OAUTH,), sync_to_calendar=exports)

    def authorization_url(self, config: Mapping[str, str], asked: ConsentAsked) -> str:
        del config
        self.asked.append(asked)
        return f"{PROVIDER}?state={asked.state}"

    def refusal(self, error: str, description: str) -> Refused:
        del description
        return {"access_denied": Refused.REJECT, "policy": Refused.UNSUPPORTED}.get(error, Refused.INTERNAL)

    async def connect_with_code(
        self, client: GuardedClient, config: Mapping[str, str], *, code: str, asked: ConsentAsked, now: datetime
    ) -> Account:
        del client, config, now
        self.redeemed.append((code, asked.verifier))
        if self.fails:
            raise self.fails
        return replace(self.account, lasting=self.lasting.pop(0) if self.lasting else True)

    def consented(self, scopes: Collection[str]) -> Consented:
        return Consented("r" in scopes, "w" in scopes)


@dataclass
class Person:
    """Somebody with a browser, who was sent a link."""

    world: World
    kind: ConsentKind
    browser: httpx2.AsyncClient

    async def link(self, identity: Identity | None = None, redirect_url: str = BACK) -> str:
        return await self.world.kalends.authorizing.begin(
            identity or self.world.admin,
            provider_id=GUID,
            schedule_id=self.world.schedule.id,
            redirect_url=redirect_url,
        )

    async def confirm(self, link: str) -> httpx2.Response:
        return await self.browser.post(link, headers={"Origin": HERE})

    async def go(self, **identity: Any) -> str:
        """Go to the provider; return the state that was taken along."""
        gone = await self.confirm(await self.link(**identity))
        assert gone.status_code == 303, gone.text
        assert gone.headers["location"].startswith(PROVIDER)
        return dict(parse_qsl(urlsplit(gone.headers["location"]).query))["state"]

    async def come_back(self, state: str, **answer: str) -> httpx2.Response:
        return await self.browser.get(f"{HERE}/connect/callback", params={"state": state, **answer})

    async def connect(self) -> Connection:
        told = told_by(await self.come_back(await self.go(), code="one"))
        return await self.world.connection(told["connectionId"])


def told_by(answer: httpx2.Response) -> dict[str, str]:
    """Return what the site is told, having checked that its own URL is as it was."""
    assert answer.status_code == 303, answer.text
    url = urlsplit(answer.headers["location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{SITE}/done"
    assert url.fragment == "part"
    assert url.query.startswith("a=1&b=%2F&")
    told = dict(parse_qsl(url.query))
    return {name: told[name] for name in told.keys() - {"a", "b"}}


@asynccontextmanager
async def somebody(world: World, kind: ConsentKind) -> AsyncIterator[Person]:
    transport = httpx2.ASGITransport(app=create_api(world.kalends.services))
    async with httpx2.AsyncClient(transport=transport, base_url=HERE) as browser:
        yield Person(world, kind, browser)


@pytest.fixture
async def person(database_url: str, tmp_path: Path) -> AsyncIterator[Person]:
    kind = ConsentKind()
    async with world_on(settings_for(database_url, tmp_path), kinds={kind.kind: kind}) as world:
        await world.kalends.sites.update(world.site.id, redirect_origins=[SITE])
        async with somebody(world, kind) as one:
            yield one


async def test_who_consents_is_connected_and_sent_back_to_where_they_came_from(person: Person) -> None:
    connection = await person.connect()
    assert (connection.account_key, connection.account_email) == ("issuer subject", "Ann@Example.com")
    assert (connection.scopes, connection.redirect_url) == (frozenset({"r"}), BACK)
    await person.world.sync(connection)
    assert (await person.world.connection(connection.id)).status is Status.SYNCED
    (asked,) = person.kind.asked
    assert asked.redirect_uri == f"{HERE}/connect/callback"
    assert person.kind.redeemed == [("one", asked.verifier)]
    assert min(map(len, (asked.state, asked.verifier))) >= 43
    assert not list(person.browser.cookies.jar), "the cookie has served"


async def test_the_page_names_what_will_be_connected_to_whose_schedule(person: Person) -> None:
    await person.world.kalends.sites.update(person.world.site.id, name="<b>Salon</b>")
    link = await person.link()
    shown = await person.browser.get(link)
    assert shown.status_code == 200
    for name in ("&lt;b&gt;Salon&lt;/b&gt;", "Ada&#39;s chair", "Ada", "Scripted"):
        assert name in shown.text
    assert "<b>" not in shown.text
    assert "put into your calendar" in shown.text
    headers = shown.headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "same-origin")
    assert (await person.confirm(link)).status_code == 303, "looking does not use it up"


async def test_a_site_that_only_reads_says_so_and_asks_for_no_more(person: Person) -> None:
    await person.world.kalends.sites.update(person.world.site.id, connect_scopes=ConnectScopes.READ)
    assert "nothing is ever written" in (await person.browser.get(await person.link())).text
    await person.connect()
    assert person.kind.asked[0].scopes is ConnectScopes.READ


async def test_a_link_is_good_once(person: Person) -> None:
    link = await person.link()
    assert (await person.confirm(link)).status_code == 303
    assert (await person.confirm(link)).status_code == 410
    assert (await person.browser.get(link)).status_code == 410


async def test_a_link_is_good_for_ten_minutes_and_so_is_the_way_to_the_provider(person: Person) -> None:
    late = await person.link()
    state = await person.go()
    person.world.clock.advance(timedelta(minutes=10))
    assert (await person.browser.get(late)).status_code == 410
    assert (await person.confirm(late)).status_code == 410
    assert (await person.come_back(state, code="one")).status_code == 400
    assert person.kind.redeemed == []


@pytest.mark.parametrize("link", ["/connect/nothing", "/connect/callback", "/connect/callback?state=&code=c"])
async def test_what_nobody_was_sent_leads_nowhere(person: Person, link: str) -> None:
    assert (await person.browser.get(link)).status_code in {400, 410}
    assert (await person.come_back("made-up", code="c")).status_code == 400


async def test_another_browser_cannot_bring_the_answer(person: Person) -> None:
    state = await person.go()
    async with somebody(person.world, person.kind) as thief:
        assert (await thief.come_back(state, code="stolen")).status_code == 400
        other = await thief.go()
        assert (await thief.come_back(state, code="stolen")).status_code == 400
        name, value = next(iter(thief.browser.cookies.items()))
        own = next(iter(person.browser.cookies))
        thief.browser.cookies.set(own, value)
        assert (await thief.come_back(state, code="stolen")).status_code == 400
        assert other not in name
    assert person.kind.redeemed == []
    assert told_by(await person.come_back(state, code="one")).keys() == {"connectionId"}


async def test_an_answer_is_good_once(person: Person) -> None:
    state = await person.go()
    cookies = dict(person.browser.cookies)
    told_by(await person.come_back(state, code="one"))
    person.browser.cookies.update(cookies)
    assert (await person.come_back(state, code="one")).status_code == 400
    assert len(person.kind.redeemed) == 1


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_no_other_page_can_confirm_for_whoever_looks_at_it(person: Person, headers: dict[str, str]) -> None:
    link = await person.link()
    assert (await person.browser.post(link, headers=headers)).status_code == 403
    assert (await person.confirm(link)).status_code == 303, "and it is not used up"


async def test_the_cookie_is_bound_to_this_host_and_hidden_from_scripts(person: Person) -> None:
    gone = await person.confirm(await person.link())
    cookies = gone.headers.get_list("set-cookie")
    over_https = next(one for one in cookies if one.startswith("__Host-"))
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=lax", "Max-Age=600"):
        assert attribute in over_https
    assert "Domain" not in over_https


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": "access_denied"}, "reject"),
        ({"error": "policy"}, "unsupported"),
        ({"error": "server_error"}, "internal"),
        ({}, "internal"),
    ],
)
async def test_what_the_provider_says_instead_of_a_code(person: Person, answer: dict[str, str], error: str) -> None:
    assert told_by(await person.come_back(await person.go(), **answer)) == {"error": error}


@pytest.mark.parametrize(
    ("fails", "error"),
    [
        (NotSupported("not enough"), "unsupported"),
        (CredentialsRefused("a code used twice"), "internal"),
        (Unavailable("down"), "internal"),
    ],
)
async def test_what_can_come_of_a_code(person: Person, fails: Exception, error: str) -> None:
    person.kind.fails = fails
    assert told_by(await person.come_back(await person.go(), code="one")) == {"error": error}


async def test_an_account_without_calendars_is_not_supported(person: Person) -> None:
    person.kind.calendars.clear()
    assert told_by(await person.come_back(await person.go(), code="one")) == {"error": "unsupported"}


async def test_whose_schedule_changed_hands_on_the_way_is_not_connected(person: Person) -> None:
    state = await person.go(identity=person.world.owner)
    await person.world.kalends.users.disable(person.world.site.id, person.world.user.id)
    assert told_by(await person.come_back(state, code="one")) == {"error": "internal"}


async def test_a_link_of_an_administrator_who_was_disabled_on_the_way_connects_nothing(person: Person) -> None:
    world = person.world
    chief = await world.kalends.users.create(world.site.id, email="c@example.org", name="Cleo", role=Role.ADMIN)
    state = await person.go(identity=Identity(IdentityKind.USER, world.site.id, chief.id, Role.ADMIN.permissions))
    await world.kalends.users.disable(world.site.id, chief.id)
    assert told_by(await person.come_back(state, code="one")) == {"error": "internal"}
    assert person.kind.redeemed == [], "nothing was fetched for them either"


async def test_the_same_account_again_is_the_same_connection(person: Person) -> None:
    first = await person.connect()
    person.kind.account = replace(person.kind.account, scopes=frozenset({"r", "w"}))
    again = await person.connect()
    assert again.id == first.id
    assert again.scopes == frozenset({"r", "w"})
    assert [(one.insists, one.login_hint) for one in person.kind.asked] == [(True, None), (False, "Ann@Example.com")]


async def test_what_lasts_of_earlier_access_is_kept_where_nothing_lasting_is_given(person: Person) -> None:
    person.kind.account = replace(person.kind.account, credentials={"password": "right", "lasting": "kept"})
    first = await person.connect()
    person.kind.account = replace(person.kind.account, credentials={"password": "right", "new": "too"})
    person.kind.lasting = [False]
    again = await person.connect()
    assert again.id == first.id
    assert len(person.kind.asked) == 2
    run = await person.world.sync(again)
    assert run.error is None


async def test_who_gives_nothing_lasting_is_asked_once_more_and_for_consent(person: Person) -> None:
    await person.connect()
    person.kind.account = replace(person.kind.account, key="issuer another", email="Bob@Example.com")
    person.kind.lasting = [False]
    once_more = await person.come_back(await person.go(), code="one")
    assert once_more.headers["location"].startswith(PROVIDER)
    state = dict(parse_qsl(urlsplit(once_more.headers["location"]).query))["state"]
    assert told_by(await person.come_back(state, code="two")).keys() == {"connectionId"}
    _, first, second = person.kind.asked
    assert (first.insists, second.insists, second.login_hint) == (False, True, "Bob@Example.com")
    assert len({first.state, second.state, first.verifier, second.verifier, first.nonce, second.nonce}) == 6
    assert person.kind.redeemed[1:] == [("one", first.verifier), ("two", second.verifier)]


async def test_who_gives_nothing_lasting_though_asked_for_consent_is_not_connected(person: Person) -> None:
    person.kind.lasting = [False]
    assert told_by(await person.come_back(await person.go(), code="one")) == {"error": "unsupported"}


async def test_two_ways_at_once_in_one_browser_do_not_mix(person: Person) -> None:
    states = [await person.go(), await person.go()]
    for state in states:
        assert told_by(await person.come_back(state, code=state)).keys() == {"connectionId"}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://shop.example/done",
        "https://shop.example:444/",
        "https://shop.example@evil.example",
    ],
)
async def test_nobody_is_sent_where_the_site_sends_nobody(person: Person, url: str) -> None:
    with pytest.raises(Invalid) as refused:
        await person.link(redirect_url=url)
    assert [(one.field, one.name) for one in refused.value.violations] == [
        ("redirectUrl", "REDIRECT_ORIGIN_NOT_ALLOWED")
    ]


async def test_only_who_may_connect_the_schedule_gets_a_link(person: Person) -> None:
    world = person.world
    stranger = await world.kalends.users.create(world.site.id, email="b@example.org", name="Ben", role=Role.STAFF)
    identity = Identity(IdentityKind.USER, world.site.id, stranger.id, Role.STAFF.permissions)
    with pytest.raises(PermissionDenied):
        await person.link(identity=identity)


async def test_config_that_needs_more_than_was_consented_to_says_where_to_consent(person: Person) -> None:
    connection = await person.connect()
    change = SyncConfigChange(exports=ExportChange(enabled=True, target=ExportTarget.DEDICATED))
    with pytest.raises(PreconditionFailed) as refused:
        await person.world.kalends.services.sync_configs.update(person.world.admin, connection.id, change)
    assert (refused.value.code, refused.value.data["reason"]) == ("NOT_SUPPORTED_BY_PROVIDER", "CONSENT_REQUIRED")
    assert (await person.world.connection(connection.id)).export_config == ExportConfig(), "nothing was changed"
    person.kind.account = replace(person.kind.account, scopes=frozenset({"r", "w"}))
    gone = await person.confirm(refused.value.data["reconnectUrl"])
    state = dict(parse_qsl(urlsplit(gone.headers["location"]).query))["state"]
    assert told_by(await person.come_back(state, code="two")) == {"connectionId": connection.id}
    view = await person.world.kalends.services.sync_configs.update(person.world.admin, connection.id, change)
    assert view.connection.export_config == ExportConfig(enabled=True, target=ExportTarget.DEDICATED)


async def test_turning_export_off_needs_no_consent(person: Person) -> None:
    connection = await person.connect()
    change = SyncConfigChange(exports=ExportChange(enabled=False))
    view = await person.world.kalends.services.sync_configs.update(person.world.admin, connection.id, change)
    assert view.connection.id == connection.id


async def test_nothing_of_a_way_that_was_not_gone_to_its_end_stays_for_long(person: Person) -> None:
    await person.go()
    await person.link()
    assert await person.world.kalends.retention.once() == 0
    person.world.clock.advance(timedelta(minutes=11))
    assert await person.world.kalends.retention.once() == 2


async def test_no_secret_of_a_way_is_stored_as_it_is(person: Person) -> None:
    link = await person.link()
    state = dict(parse_qsl(urlsplit((await person.confirm(link)).headers["location"]).query))["state"]
    (asked,) = person.kind.asked
    secrets = [link.rsplit("/", 1)[1], state, asked.verifier, asked.nonce, *dict(person.browser.cookies).values()]
    async with person.world.kalends.database.read() as reader:
        rows = (await reader.exec_driver_sql("SELECT * FROM authorizations")).all()
    assert rows
    stored = re.sub(r"\s", "", repr(rows))
    assert not [one for one in secrets if one in stored]


async def test_each_calendar_of_the_account_is_there(person: Person) -> None:
    person.kind.calendars["d"] = RemoteCalendar()
    connection = await person.connect()
    listed = await person.world.kalends.services.calendars.list(person.world.admin, connection.id)
    assert [one.id for one in listed] == ["c", "d"]


async def test_over_https_only_the_cookie_counts_that_no_neighbouring_host_can_set(
    sqlite_url: str, tmp_path: Path
) -> None:
    kind = ConsentKind()
    settings = settings_for(sqlite_url, tmp_path, public_url="https://kalends.example.com")
    async with world_on(settings, kinds={kind.kind: kind}) as world:
        await world.kalends.sites.update(world.site.id, redirect_origins=[SITE])
        transport = httpx2.ASGITransport(app=create_api(world.kalends.services))
        async with httpx2.AsyncClient(transport=transport, base_url="https://kalends.example.com") as browser:
            link = await Person(world, kind, browser).link()
            gone = await browser.post(link, headers={"Origin": "https://kalends.example.com"})
            (set_cookie,) = gone.headers.get_list("set-cookie")
            assert set_cookie.startswith("__Host-")
            name, value = next(iter(browser.cookies.items()))
            browser.cookies.clear()
            browser.cookies.set(name.removeprefix("__Host-"), value)
            back = f"/connect/callback?code=one&state={kind.asked[0].state}"
            assert (await browser.get(back)).status_code == 400
            browser.cookies.set(name, value)
            assert (await browser.get(back)).status_code == 303


async def test_nobody_is_sent_back_to_an_origin_that_was_taken_off_the_list(person: Person) -> None:
    connection = await person.connect()
    await person.world.kalends.sites.update(person.world.site.id, redirect_origins=[])
    change = SyncConfigChange(exports=ExportChange(enabled=True, target=ExportTarget.DEDICATED))
    with pytest.raises(PreconditionFailed) as refused:
        await person.world.kalends.services.sync_configs.update(person.world.admin, connection.id, change)
    assert refused.value.data == {"reason": "CONSENT_REQUIRED"}


async def test_lasting_access_that_reaches_less_far_than_what_was_just_granted_does_not_count(person: Person) -> None:
    await person.connect()
    person.kind.account = replace(person.kind.account, scopes=frozenset({"r", "w"}))
    person.kind.lasting = [False]
    once_more = await person.come_back(await person.go(), code="one")
    assert once_more.headers["location"].startswith(PROVIDER)
    assert person.kind.asked[-1].insists
