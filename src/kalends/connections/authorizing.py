"""Connecting by OAuth: to the provider's pages, and back with what the account's owner consented to.

A link to a page of ours comes first. It names whose schedule the calendar will be connected to, so that a link that was
mailed to somebody attaches no calendar unseen; who confirms there gets a cookie, and only the browser that brings it
back together with the provider's answer is believed (RFC 6749 §10.12, RFC 9700 §4.7).
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit

import structlog

from kalends.access.secrets import digest
from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.connections.connecting import Connecting, check_active
from kalends.model.clock import Clock
from kalends.model.connection import Connection, Status
from kalends.model.errors import Invalid, KalendsError, PermissionDenied, Rule, not_supported_by_provider
from kalends.model.identity import Identity, IdentityKind, Permission
from kalends.model.ids import new_id
from kalends.model.provider import ConnectMethod, ConnectScopes, Provider
from kalends.model.schedule import Schedule, Site
from kalends.providers.base import ConsentAsked, Refused
from kalends.providers.errors import NotSupported, ProviderError
from kalends.store.authorizations import Authorization, Authorizations, find_by_link, find_by_state
from kalends.store.connections import Connections
from kalends.store.database import Database, Transaction
from kalends.store.schedules import Schedules
from kalends.store.sites import Sites
from kalends.store.users import Users
from kalends.sync.outcome import describe
from kalends.vault.sealing import SealBroken, Vault

log = structlog.get_logger(__name__)

LIFE = timedelta(minutes=10)
"""How long a link may wait to be confirmed, and after that the provider's pages to be answered."""
CONNECT_PATH = "/connect"
CALLBACK_PATH = "/connect/callback"


class LeftTheWay(Exception):
    """A link or an answer that cannot be used: unknown, used before, too old, or brought by another browser."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the page says before anybody goes to the provider: what will be connected to whose schedule."""

    site_name: str
    provider_name: str
    schedule_name: str
    owner_name: str | None
    scopes: ConnectScopes


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes now, and the secret that it keeps until it is back; both belong to one `state`."""

    url: str
    state: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where the browser goes in the end."""

    url: str


class Authorizing:
    """Sends people to providers, and connects what they come back with."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        accounts: Accounts,
        connecting: Connecting,
        vault: Vault,
        clock: Clock,
        public_url: str,
    ) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts
        self._connecting = connecting
        self._vault = vault
        self._clock = clock
        self._public_url = public_url

    async def begin(self, identity: Identity, *, provider_id: str, schedule_id: str, redirect_url: str) -> str:
        """Return the link at which the account's owner begins; it is good for ten minutes, and once.

        Raises `NotFound`, `PermissionDenied`, `Invalid` for a URL to which the site sends nobody, `PreconditionFailed`
        (`NOT_SUPPORTED_BY_PROVIDER`).
        """
        provider, schedule = await self._connecting.reach(identity, provider_id, schedule_id)
        if urlsplit(redirect_url).scheme not in {"http", "https"}:
            raise Invalid.one("redirectUrl", "must be a web URL", Rule.FORMAT, data={"type": "WEB_URL"})
        check_active(schedule)
        if ConnectMethod.OAUTH not in provider.features.connect_methods:
            raise not_supported_by_provider(f"{provider.name} does not connect by OAuth.")
        async with self._database.read() as reader:
            site = await Sites(reader).get(identity.site_id)
        _check_origin(redirect_url, site)
        return await self._link(identity, provider.id, schedule.id, redirect_url)

    async def reconnect(self, identity: Identity, connection: Connection) -> str | None:
        """Return a link by which the owner of a connected account consents anew.

        None where nobody ever was asked, or the site sends nobody to where they came from any more.
        """
        async with self._database.read() as reader:
            site = await Sites(reader).get(identity.site_id)
        if connection.redirect_url is None or not _is_allowed(connection.redirect_url, site):
            return None
        return await self._link(identity, connection.provider_id, connection.schedule_id, connection.redirect_url)

    async def _link(self, identity: Identity, provider_id: str, schedule_id: str, redirect_url: str) -> str:
        token = secrets.token_urlsafe(32)
        way = Authorization(
            site_id=identity.site_id,
            id=new_id(),
            link_hash=digest(token),
            provider_id=provider_id,
            schedule_id=schedule_id,
            redirect_url=redirect_url,
            asked_by=_written(identity),
            expires_at=self._clock.now() + LIFE,
        )
        async with self._database.write() as writer:
            await Authorizations(writer, way.site_id).add(way)
        return f"{self._public_url}{CONNECT_PATH}/{token}"

    async def confirmation(self, token: str) -> Confirmation:
        """Return what is to be confirmed at a link; raises `LeftTheWay`."""
        async with self._database.read() as reader:
            place = await self._place(reader, await self._at_link(reader, token))
        return Confirmation(
            place.site.name,
            place.provider.name,
            place.schedule.name,
            place.schedule.owner_name,
            place.site.connect_scopes,
        )

    async def confirm(self, token: str) -> Departure:
        """Use the link up, and return where the browser goes; raises `LeftTheWay`."""
        async with self._database.read() as reader:
            way = await self._at_link(reader, token)
            place = await self._place(reader, way)
            earlier = await _earlier(reader, way)
        return await self._depart(way, place, insists=not earlier.holds, login_hint=earlier.email)

    async def arrive(
        self, state: str, browser: Callable[[str], str | None], answer: Mapping[str, str]
    ) -> Arrival | Departure:
        """Take the provider's answer, and return where the browser goes: back to the site, or once more for consent.

        `browser` returns what the browser keeps for a state. What the site is told is in its own URL: `connectionId`,
        or `error` (`reject`, `unsupported`, `internal`; contract §5.6). Raises `LeftTheWay` where the answer
        cannot be used; then nothing has happened.
        """
        async with self._database.read() as reader:
            way = await find_by_state(reader, digest(state)) if state else None
        kept = browser(state)
        if way is None or way.expires_at <= self._clock.now() or way.browser_hash is None or not kept:
            raise LeftTheWay
        if not hmac.compare_digest(digest(kept), way.browser_hash):
            raise LeftTheWay
        async with self._database.write() as writer:
            if not await Authorizations(writer, way.site_id).take(way):
                raise LeftTheWay
        try:
            ended = await self._end(way, state, answer)
        except (KalendsError, ProviderError) as error:
            log.warning("connecting_failed", provider=way.provider_id, error=_told(error))
            ended = Refused.UNSUPPORTED if isinstance(error, NotSupported) else Refused.INTERNAL
        if isinstance(ended, Departure):
            return ended
        told = {"error": ended.value} if isinstance(ended, Refused) else {"connectionId": ended}
        return Arrival(_with_query(way.redirect_url, told))

    async def _end(self, way: Authorization, state: str, answer: Mapping[str, str]) -> Refused | Departure | str:
        """Return the id of the connection, or why there is none; or where to ask once more."""
        async with self._database.read() as reader:
            place = await self._place(reader, way)
            identity = await _still(reader, _identity(way))
        kind = self._accounts.oauth(place.provider)
        if "code" not in answer:
            return kind.refusal(answer.get("error", ""), answer.get("error_description", ""))
        asked = self._asked(way, place, state)
        account = await self._accounts.find_by_code(place.provider, code=answer["code"], asked=asked)
        if not account.lasting:
            kept = await self._connecting.with_what_is_kept(place.provider, place.schedule, account)
            if kept is None and not way.insists:
                return await self._once_more(way, place, login_hint=account.email)
            if kept is None:
                raise NotSupported("the provider grants no lasting access, though it was asked for consent")
            account = kept
        connection = await self._connecting.connect(
            identity, place.provider, place.schedule, account, redirect_url=way.redirect_url
        )
        return connection.id

    async def _once_more(self, way: Authorization, place: "_Place", *, login_hint: str) -> Departure:
        """Send the browser back for what the provider gives only where it asks for consent."""
        again = replace(way, id=new_id(), link_hash=digest(secrets.token_urlsafe(32)), state_hash=None)
        async with self._database.write() as writer:
            await Authorizations(writer, way.site_id).add(again)
        return await self._depart(again, place, insists=True, login_hint=login_hint)

    async def _depart(self, way: Authorization, place: "_Place", *, insists: bool, login_hint: str | None) -> Departure:
        state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        asked = ConsentAsked(
            scopes=place.site.connect_scopes,
            redirect_uri=self._public_url + CALLBACK_PATH,
            state=state,
            verifier=verifier,
            nonce=nonce,
            insists=insists,
            login_hint=login_hint,
        )
        url = self._accounts.oauth(place.provider).authorization_url(place.provider.settings, asked)
        sealed = self._vault.seal({"verifier": verifier, "nonce": nonce}, row=_row(way))
        async with self._database.write() as writer:
            confirmed = await Authorizations(writer, way.site_id).confirm(
                way,
                state_hash=digest(state),
                browser_hash=digest(browser),
                secrets=sealed,
                expires_at=self._clock.now() + LIFE,
                insists=insists,
            )
        if not confirmed:
            raise LeftTheWay
        return Departure(url, state, browser)

    def _asked(self, way: Authorization, place: "_Place", state: str) -> ConsentAsked:
        try:
            kept = self._vault.open(way.secrets or b"", row=_row(way))
        except SealBroken:
            raise LeftTheWay from None
        return ConsentAsked(
            scopes=place.site.connect_scopes,
            redirect_uri=self._public_url + CALLBACK_PATH,
            state=state,
            verifier=kept["verifier"],
            nonce=kept["nonce"],
            insists=way.insists,
        )

    async def _at_link(self, reader: Transaction, token: str) -> Authorization:
        way = await find_by_link(reader, digest(token))
        if way is None or way.state_hash is not None or way.expires_at <= self._clock.now():
            raise LeftTheWay
        return way

    async def _place(self, reader: Transaction, way: Authorization) -> "_Place":
        """Return what a way leads to; raises `LeftTheWay` where that is no more."""
        site = await Sites(reader).get(way.site_id)
        schedule = await Schedules(reader, way.site_id).get(way.schedule_id)
        provider = (await self._directory.known(reader, way.site_id)).get(way.provider_id)
        if site is None or schedule is None or provider is None:
            raise LeftTheWay
        return _Place(site, schedule, provider)


@dataclass(frozen=True, slots=True)
class _Place:
    """What a way leads to."""

    site: Site
    schedule: Schedule
    provider: Provider


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What was connected to the schedule before: whether access to it still lasts, and the account's address."""

    holds: bool
    email: str | None


async def _earlier(reader: Transaction, way: Authorization) -> _Earlier:
    found = await Connections(reader, way.site_id).matching(schedule_ids=[way.schedule_id], provider_id=way.provider_id)
    holds = any(one.status not in {Status.DISCONNECTED, Status.ERROR} for one in found)
    return _Earlier(holds, found[0].account_email if len(found) == 1 else None)


def _is_allowed(redirect_url: str, site: Site | None) -> bool:
    parts = urlsplit(redirect_url)
    return site is not None and f"{parts.scheme}://{parts.netloc.lower()}" in site.redirect_origins


def _check_origin(redirect_url: str, site: Site | None) -> None:
    if not _is_allowed(redirect_url, site):
        raise Invalid.one(
            "redirectUrl",
            "must begin with an origin to which the site may send people back",
            Rule.OTHER,
            name="REDIRECT_ORIGIN_NOT_ALLOWED",
        )


def _with_query(url: str, told: Mapping[str, str]) -> str:
    """Return the caller's URL with its own query and fragment, and what is told besides."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(told))))
    return urlunsplit(parts._replace(query=query))


def _row(way: Authorization) -> str:
    return f"authorizations/{way.site_id}/{way.id}"


def _written(identity: Identity) -> Mapping[str, object]:
    return {
        "kind": identity.kind.value,
        "id": identity.id,
        "permissions": sorted(identity.permissions),
        "premium": identity.premium,
    }


def _identity(way: Authorization) -> Identity:
    """Return who asked for the link."""
    asked = way.asked_by
    return Identity(
        IdentityKind(asked["kind"]),
        way.site_id,
        asked["id"],
        frozenset(map(Permission, asked["permissions"])),
        premium=asked["premium"],
    )


async def _still(reader: Transaction, identity: Identity) -> Identity:
    """Return who asked for the link as they are now; raises `PermissionDenied` for a user who is no more."""
    if identity.kind is not IdentityKind.USER:
        return identity
    user = await Users(reader, identity.site_id).get(identity.id)
    if user is None or user.disabled_at is not None:
        raise PermissionDenied("The user who asked for the link is disabled.")
    return replace(identity, permissions=user.role.permissions)


def _told(error: KalendsError | ProviderError) -> str:
    """Return what the log may hold of an error."""
    return describe(error) if isinstance(error, ProviderError) else error.code or type(error).__name__
