"""Scripted servers with an account on them: hosts of a domain on loopback, a principal, a home, a calendar."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kalends.model.calendar import Account, ExternalCalendar
from kalends.net.policy import NetPolicy
from kalends.providers.caldav import CALDAV
from tests.net.loopback import Names, Server, serve
from tests.providers.contract import CountingClient
from tests.providers.scripted import Script, about, multistatus
from tests.servers import LOOPBACK

PLACES = {name: [["127.0.0.1"]] for name in ("dav.example.com", "p42.example.com", "thief.example.net")}


@asynccontextmanager
async def listening(script: Script, policy: NetPolicy = LOOPBACK) -> AsyncIterator[tuple[CountingClient, Server]]:
    async with serve(script.answer) as server, CountingClient(policy, resolver=Names(PLACES)) as client:
        yield client, server


async def connect(client: CountingClient, url: str, email: str = "Ann@Example.com", **config: str) -> Account:
    config = CALDAV.check_config({"url": url, **config})
    return await CALDAV.connect_with_credentials(client, config, email=email, password="secret")


async def calendars(client: CountingClient, account: Account) -> list[ExternalCalendar]:
    async with CALDAV.session(client, {}, account.credentials) as session:
        return list(await session.list_calendars())


def href(tag: str, *targets: str) -> str:
    return f"<{tag}>{''.join(f'<d:href>{target}</d:href>' for target in targets)}</{tag}>"


def calendar(path: str, props: str = "", types: str = "<d:collection/><c:calendar/>") -> str:
    return about(path, f"<d:resourcetype>{types}</d:resourcetype>{props}")


def account_at(script: Script, start: str = "/", *, principal: str = "/p/ann/", home: str = "/home/") -> None:
    """Lay out an account whose hrefs all lie on one host."""
    script.on("PROPFIND", start, multistatus(about(start, href("d:current-user-principal", principal))))
    script.on("PROPFIND", "/p/ann/", multistatus(about("/p/ann/", href("c:calendar-home-set", home))))
    script.on("PROPFIND", "/home/", multistatus(about("/home/"), calendar("/home/work/")))
