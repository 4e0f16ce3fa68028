"""Group j, lines 46 and 47: what the address of a feed could be used for, and whom it must not become known to.

How the guarded client refuses addresses, redirects and names is in `tests/net/test_ssrf.py`; here it is asked by a
tenant, through the API, and by a sync. That secrets are sealed at all is in `tests/rules/test_rule_09…`.
"""

import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from sqlalchemy import select

from kalends.api.application import create_api
from kalends.api.operations import KALENDS
from kalends.logs import set_up
from kalends.model.connection import Connection, Status
from kalends.model.identity import MANAGE_CALENDARS, MANAGE_EXTERNAL_CALENDARS
from kalends.providers.ics import IcsKind
from kalends.settings import Settings
from kalends.store import tables
from kalends.store.runs import Outcome, Run
from tests.following import PATH, SECRET, Following, following
from tests.net.authority import Authority
from tests.net.loopback import Names, reply, serve
from tests.net.test_url import LOOPBACK_IN_DISGUISE
from tests.providers.feeds import Feed, calendar, event
from tests.world import settings_for

TWO = calendar(event("a", "Ada"), event("b", "Bob", "20261202T100000Z"))
METRICS_TOKEN = "what only a monitor knows"
OUTSIDE, INSIDE = "127.0.0.1", "127.0.0.2"
"""One address plays the outside here, as the only one that is allowed; the other one the operator's network."""


@dataclass
class Tenant:
    """Somebody who may connect what they like, and asks by the API."""

    followed: Following
    client: httpx2.AsyncClient

    async def connect(self, url: str) -> httpx2.Response:
        """Ask to connect the feed at an address."""
        place = {"providerId": self.followed.provider.id, "scheduleId": self.followed.world.schedule.id}
        return await self.client.post(f"{KALENDS[0]}/connections:connectByFeed", json={**place, "url": url})

    async def connected(self, url: str) -> Connection:
        """Connect an address that is as it should be, and import it."""
        answer = await self.connect(url)
        assert answer.status_code == 200, answer.text
        connection = await self.followed.world.connection(answer.json()["connection"]["id"])
        await self.followed.world.sync(connection)
        return connection

    async def ask(self, path: str, **query: str) -> str:
        """Ask for something that is there, and return the answer as it was written."""
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.text


@asynccontextmanager
async def tenant_on(settings: Settings, text: str = TWO) -> AsyncIterator[Tenant]:
    async with following(settings, text) as followed:
        kalends, site = followed.world.kalends, followed.world.site
        scopes = (MANAGE_EXTERNAL_CALENDARS, MANAGE_CALENDARS)
        app = await kalends.clients.create_app(site.id, name="App", scopes=scopes, premium=True)
        token = (await kalends.tokens.for_app(site.id, app.client_id)).token
        transport = httpx2.ASGITransport(app=create_api(kalends.services))
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://kalends.test", headers={"Authorization": token}
        ) as client:
            yield Tenant(followed, client)


def known_names(monkeypatch: pytest.MonkeyPatch, **table: list[list[str]]) -> Names:
    """Have every name looked up here; `cal_example` is `cal.example`."""
    names = Names({name.replace("_", "."): answers for name, answers in table.items()})
    monkeypatch.setattr("kalends.net.client.SystemResolver", lambda: names)
    return names


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return known_names(
        monkeypatch,
        inside_example=[[INSIDE]],
        mapped_example=[[f"::ffff:{INSIDE}"]],
        private_example=[["10.0.0.1"]],
        metadata_example=[["169.254.169.254"]],
        six_example=[["fd00:ec2::254"]],
        half_example=[[OUTSIDE, INSIDE]],
        localhost=[["::1"]],
    )


@pytest.fixture
async def tenant(sqlite_url: str, tmp_path: Path, names: Names) -> AsyncIterator[Tenant]:
    """A tenant of an operator who allows the one address that plays the outside."""
    del names
    async with tenant_on(settings_for(sqlite_url, tmp_path, net_allow=OUTSIDE)) as made:
        yield made


def said(answer: httpx2.Response) -> tuple[int, Any]:
    """Return what a tenant learns by an answer."""
    return answer.status_code, answer.json()


async def unreachable(tenant: Tenant) -> tuple[int, Any]:
    """Return the answer for a host that does not exist."""
    answer = said(await tenant.connect("https://nobody.example/basic.ics"))
    assert answer[0] == 503
    return answer


# --- line 46: the operator's network


async def test_loopback_is_not_asked_in_any_spelling_and_looks_like_a_host_that_is_not_there(
    sqlite_url: str, tmp_path: Path, names: Names
) -> None:
    async with tenant_on(settings_for(sqlite_url, tmp_path, net_allow="")) as tenant:
        expected = await unreachable(tenant)
        server = tenant.followed.server
        for host in (*LOOPBACK_IN_DISGUISE, "0x7f.1", "localhost", "[::1]", "0"):
            for scheme in ("http", "https", "webcal"):
                answer = await tenant.connect(f"{scheme}://{host}:{server.port}{PATH}")
                # what the contract does not take for an address at all is refused before anybody is asked
                assert answer.status_code == 400 or said(answer) == expected, host
        assert server.connections == 0
        written = [await tenant.connect(f"http://{host}:{server.port}{PATH}") for host in ("2130706433", "0x7f.1")]
        assert [said(answer) for answer in written] == [expected] * 2
        assert names.asked == ["nobody.example"] + ["localhost"] * 3


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]", "[fd00:ec2::254]", "168.63.129.16", "100.100.100.200", "10.0.0.1", "192.168.1.1",
        "172.16.0.1", "[fe80::1]", "[::]", "0", "2130706434", "0x7f.2", "[::ffff:127.0.0.2]", "127.2",
        "inside.example", "mapped.example", "private.example", "metadata.example", "six.example", "half.example",
    ],
)  # fmt: skip
async def test_an_address_or_a_name_that_leads_inside_looks_like_a_host_that_is_not_there(
    tenant: Tenant, host: str
) -> None:
    port = tenant.followed.server.port
    async with serve(reply(200, TWO.encode()), host=INSIDE, port=port) as inside:
        answer = await tenant.connect(f"http://{host}:{port}/latest/meta-data/")
    assert said(answer) == await unreachable(tenant)
    assert inside.connections == 0
    assert tenant.followed.server.connections == 0


REDIRECTS = [
    "http://127.0.0.2:{port}/", "http://0x7f.2:{port}/", "http://2130706434:{port}/",
    "http://[::ffff:127.0.0.2]:{port}/", "http://inside.example:{port}/", "http://169.254.169.254/latest/meta-data/",
    "//2852039166/", "http://[fd00:ec2::254]/", "http://metadata.example/", "http://localhost:1/",
]  # fmt: skip


@pytest.mark.parametrize("target", REDIRECTS)
async def test_a_feed_that_leads_inside_is_not_followed_there(tenant: Tenant, target: str) -> None:
    followed = tenant.followed
    connection = await tenant.connected(followed.url)
    async with serve(reply(200, calendar().encode()), host=INSIDE) as inside:
        followed.feed.location = target.format(port=inside.port)
        asked = len(followed.feed.asked)
        answer = await tenant.connect(f"{followed.url}2")
        run = await followed.world.sync(connection)
    assert said(answer) == await unreachable(tenant)
    assert len(followed.feed.asked) == asked + 2, "each was led astray"
    assert inside.connections == 0
    assert_refused(run)
    assert await followed.world.titles() == ["Ada", "Bob"]
    assert (await followed.world.connection(connection.id)).status is Status.SYNCED


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "http://ada:pw@127.0.0.1/"])
async def test_a_feed_does_not_lead_to_what_is_no_web_address(tenant: Tenant, target: str) -> None:
    followed = tenant.followed
    connection = await tenant.connected(followed.url)
    followed.feed.location = target
    answer = await tenant.connect(f"{followed.url}2")
    assert said(answer) == await unreachable(tenant)
    assert (await followed.world.sync(connection)).outcome is Outcome.FAILED
    assert await followed.world.titles() == ["Ada", "Bob"]


async def test_a_name_whose_address_changes_between_two_looks_leads_nowhere_but_where_it_was_checked(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name is outside when the feed is connected and first imported, and inside from then on."""
    names = known_names(monkeypatch, cal_example=[[OUTSIDE], [OUTSIDE], [INSIDE]])
    async with tenant_on(settings_for(sqlite_url, tmp_path, net_allow=OUTSIDE)) as tenant:
        followed = tenant.followed
        port = followed.server.port
        # each question over a connection of its own, for which the name is looked up
        followed.feed.headers["Connection"] = "close"
        async with serve(reply(200, calendar().encode()), host=INSIDE, port=port) as inside:
            connection = await tenant.connected(f"http://cal.example:{port}{PATH}")
            assert names.asked == ["cal.example"] * 2
            assert followed.server.connections == 2, "one look at the name for each connection, and none in between"
            assert await followed.world.titles() == ["Ada", "Bob"]
            for _ in range(2):
                assert_refused(await followed.world.sync(connection))
            assert said(await tenant.connect(f"http://cal.example:{port}{PATH}")) == await unreachable(tenant)
        assert inside.connections == 0
        assert followed.server.connections == 2
        assert await followed.world.titles() == ["Ada", "Bob"]


def assert_refused(run: Run) -> None:
    assert run.outcome is Outcome.FAILED
    assert run.counts.removed == 0
    assert run.error is not None
    assert run.error.startswith("AddressRefused: ")
    assert INSIDE not in run.error.removeprefix("AddressRefused: 127.0.0.2 "), "a name does not tell its address"
    assert SECRET not in run.error


# --- line 47: the address is a secret


async def test_a_feed_that_leads_from_https_to_http_is_not_followed_to_where_others_can_read_its_address(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setattr("kalends.net.client._system_authorities", lambda: authority.client)
    secure = Feed()
    secure.says(TWO)
    async with (
        tenant_on(settings_for(sqlite_url, tmp_path)) as tenant,
        serve(secure.answer, tls=authority.server("127.0.0.1")) as server,
    ):
        followed = tenant.followed
        for scheme in ("https", "webcal"):
            connection = await tenant.connected(f"{scheme}://{server.place}{PATH}")
        assert await followed.world.titles() == ["Ada", "Bob"], "both are one address, asked by https"
        secure.location = f"http://{followed.server.place}{PATH}2"
        run = await followed.world.sync(connection)
        answer = await tenant.connect(f"https://{server.place}{PATH}1")
        assert followed.server.connections == 0
        assert run.error == "AddressRefused: 127.0.0.1 redirects from https to http."
        assert (answer.status_code, "from https to http" in answer.text, SECRET in answer.text) == (503, True, False)
        assert await followed.world.titles() == ["Ada", "Bob"]
        secure.location = f"https://{server.place}{PATH}2"
        assert (await followed.world.sync(connection)).outcome is Outcome.DONE, "elsewhere by https it is followed"


ANSWERS: dict[str, tuple[int, bytes]] = {
    "wants a password": (401, b""),
    "is gone": (404, SECRET.encode()),
    "forbids": (403, SECRET.encode()),
    "fails": (500, SECRET.encode()),
    "wants patience": (429, b""),
    "is a page": (200, f"<html><a href='{PATH}'>{SECRET}</a></html>".encode()),
    "is something else": (200, f"see {PATH}".encode()),
    "is cut off": (200, f"BEGIN:VCALENDAR\r\nX-{SECRET}:{SECRET}\r\nBEGIN:VEVENT\r\nURL:{PATH}".encode()),
}

NO_ADDRESSES = [
    "ftp://example.org/{secret}.ics", "http://ada:{secret}@example.org/", "http://{secret}/ {secret}", "{secret}",
    "http://[{secret}]/", "http://example.org:99999/{secret}", "http://example.org\\{secret}", "https:///{secret}",
    "https://exa mple.org/{secret}", "https://example.org/{secret}\x00", "https://example.org/" + "{secret}" * 900,
]  # fmt: skip


def spellings(secret: str) -> tuple[str, ...]:
    """Return the forms in which a secret would give itself away."""
    in_base64 = [b64encode(b"x" * shift + secret.encode()).decode()[4:-4] for shift in range(3)]
    return (secret, quote(secret, safe=""), secret.encode().hex(), *in_base64)


async def test_the_address_of_a_feed_is_in_no_answer_log_metric_or_row(
    database_url: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = settings_for(database_url, tmp_path, log_format="json", log_level="debug", metrics_token=METRICS_TOKEN)
    set_up(settings)
    shown: list[str] = []
    bad = event("bad", "Bad", more=["RRULE:FREQ=DAILY;INTERVAL=0"])
    async with tenant_on(settings, calendar(event("a", "Ada"), bad)) as tenant:
        followed, world = tenant.followed, tenant.followed.world
        feed = followed.feed
        feed.etag = '"1"'
        connection = await tenant.connected(followed.url)
        shown.append((await tenant.connect(followed.url)).text)
        feed.etag = ""
        for status, body in ANSWERS.values():
            feed.status, feed.body = status, body
            answer = await tenant.connect(f"{followed.url}2")
            assert answer.status_code >= 400
            run = await world.sync(connection)
            assert run.error is not None
            shown += [
                answer.text,
                str(run),
                repr(await world.connection(connection.id)),
                *await looks(tenant, connection),
            ]
        feed.status = 200
        for target in (f"http://127.0.0.3:1{PATH}", f"https://u:p@example.org{PATH}", f"/{SECRET}/on/and/on", "::"):
            feed.location = target
            shown += [str(await world.sync(connection)), (await tenant.connect(f"{followed.url}2")).text]
        feed.location = ""
        for text in NO_ADDRESSES:
            answer = await tenant.connect(text.format(secret=SECRET))
            assert answer.status_code in {400, 503}, text
            shown.append(answer.text)
        broken = {"providerId": SECRET, "scheduleId": world.schedule.id, "url": [followed.url]}
        shown.append((await tenant.client.post(f"{KALENDS[0]}/connections:connectByFeed", json=broken)).text)
        with monkeypatch.context() as patch:
            patch.setattr(IcsKind, "session", failing(followed.url))
            shown.append(str(await world.sync(connection)))
            shown.append((await tenant.connect(followed.url)).text)
        feed.says(TWO)
        assert (await world.sync(connection)).error is None
        shown += await looks(tenant, connection)
        rows = await all_rows(followed)
        await world.kalends.disconnecting.disconnect(world.admin, connection.id)
        rows += await all_rows(followed)
        assert f"{followed.server.place}/…" in rows, (
            "the database is looked at, and what may be known of the feed is there"
        )
    logged = capfd.readouterr()
    assert '"event": "sync_failed"' in logged.err, "the logs are looked at"
    assert '"event": "provider_not_reached"' in logged.err
    assert "RuntimeError" in logged.err
    files = b"".join(path.read_bytes() for path in tmp_path.glob("kalends.db*")).decode("latin-1")
    seen = {
        "answers": "\n".join(shown),
        "rows": rows,
        "files": files,
        "log": logged.err + logged.out,
        "logs of others": caplog.text,
    }
    for where, text in seen.items():
        for form in spellings(SECRET):
            assert form not in text, f"{where}: {text[max(text.index(form) - 300, 0) : text.index(form) + 100]}"


def failing(url: str) -> Callable[..., AbstractAsyncContextManager[None]]:
    """Return a session that fails as no session should, and says too much."""

    class Session(AbstractAsyncContextManager[None]):
        def __init__(self, *given: Any, **named: Any) -> None:
            del given, named

        async def __aenter__(self) -> None:
            raise RuntimeError(url)

        async def __aexit__(self, *_: object) -> None:
            pass

    return Session


async def looks(tenant: Tenant, connection: Connection) -> list[str]:
    """Return whatever the API and the metrics tell of a connection."""
    one = f"{KALENDS[0]}/connections/{connection.id}"
    bookings = "/bookings/v2/external-calendars"
    found = [
        await tenant.ask(f"{one}/health"),
        await tenant.ask(f"{one}/runs"),
        await tenant.ask(f"{bookings}/connections/{connection.id}"),
        await tenant.ask(f"{bookings}/connections"),
        await tenant.ask(f"{bookings}/providers"),
    ]
    span = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-31T00:00:00Z"}
    for path, query in ((f"{bookings}/events", span), (f"{bookings}/connections/{connection.id}/calendars", {})):
        found.append((await tenant.client.get(path, params=query)).text)
    told = await tenant.client.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    assert 'provider="ics"' in told.text
    return [*found, told.text]


async def all_rows(followed: Following) -> str:
    """Return everything that the database holds, as text."""
    found = []
    async with followed.world.kalends.database.read() as reader:
        for table in tables.metadata.sorted_tables:
            for row in (await reader.execute(select(table))).all():
                found += [one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in row]
    return json.dumps(found, ensure_ascii=False)
