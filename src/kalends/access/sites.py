"""Sites, as an operator makes and changes them."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

from kalends.access.copy_templates import checked_buffer, checked_link, checked_title
from kalends.model.clock import Clock
from kalends.model.copy import CopyChanges
from kalends.model.errors import Invalid, NotFound, Rule
from kalends.model.ids import new_id
from kalends.model.provider import ConnectScopes
from kalends.model.schedule import Site, Titles
from kalends.model.time import is_iana_zone
from kalends.store.database import Database, Transaction
from kalends.store.sites import Sites

LONGEST_NAME = 200

CopiesChanged = Callable[[Transaction, str], Awaitable[None]]
"""Told, with the open transaction and the id of a site, that its copies are to say something else from now on."""


async def to_no_copies(_transaction: Transaction, _site_id: str) -> None:
    """Tell nobody: there are no copies."""


class SiteAdministration:
    """Makes, changes and lists sites.

    `on_new_zone` takes part in the transaction that gives a site another time zone: it is given the site's id and the
    zone, and returns how many schedules it moved. `copies_changed` takes part in the one that gives a site another
    title or link for its copies.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        on_new_zone: Callable[[Transaction, str, str], Awaitable[int]],
        copies_changed: CopiesChanged,
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_new_zone = on_new_zone
        self._copies_changed = copies_changed

    async def create(
        self,
        name: str,
        *,
        time_zone: str = "UTC",
        redirect_origins: Iterable[str] = (),
        titles: Titles = Titles.ADMINS,
        connect_scopes: ConnectScopes = ConnectScopes.FULL,
        copy_title: str = "{title}",
        copy_link: str | None = None,
        copy_changes: CopyChanges = CopyChanges.RESTORE,
        copy_buffer: timedelta | None = None,
    ) -> Site:
        """Make a site; raises `Invalid`."""
        site = Site(
            new_id(),
            checked_name("name", name),
            checked_zone("timeZone", time_zone),
            titles,
            _origins(redirect_origins),
            self._clock.now(),
            connect_scopes,
            checked_title("copyTitle", copy_title),
            checked_link("copyLink", copy_link),
            copy_changes,
            checked_buffer("copyBuffer", copy_buffer or timedelta(0)),
        )
        async with self._database.write() as writer:
            await Sites(writer).add(site)
        return site

    async def update(
        self,
        site_id: str,
        *,
        name: str | None = None,
        time_zone: str | None = None,
        redirect_origins: Iterable[str] | None = None,
        titles: Titles | None = None,
        connect_scopes: ConnectScopes | None = None,
        copy_title: str | None = None,
        copy_link: str | None = None,
        copy_changes: CopyChanges | None = None,
        copy_buffer: timedelta | None = None,
    ) -> Site:
        """Change what is given of a site; the schedules that follow its zone follow, and so do its copies.

        An empty `copy_link` takes the link away. Raises `NotFound`, `Invalid`.
        """
        async with self._database.write() as writer:
            sites = Sites(writer)
            await sites.lock(site_id.lower())
            before = site = _found(await sites.get(site_id.lower()), site_id)
            if name is not None:
                site = replace(site, name=checked_name("name", name))
            if time_zone is not None:
                site = replace(site, time_zone=checked_zone("timeZone", time_zone))
            if redirect_origins is not None:
                site = replace(site, redirect_origins=_origins(redirect_origins))
            if titles is not None:
                site = replace(site, titles=titles)
            if connect_scopes is not None:
                site = replace(site, connect_scopes=connect_scopes)
            site = _with_copies(site, copy_title, copy_link, copy_changes)
            if copy_buffer is not None:
                site = replace(site, copy_buffer=checked_buffer("copyBuffer", copy_buffer))
            await sites.update(site)
            if site.time_zone != before.time_zone:
                await self._on_new_zone(writer, site.id, site.time_zone)
            if _look(site) != _look(before):
                await self._copies_changed(writer, site.id)
        return site

    async def get(self, site_id: str) -> Site:
        """Return a site; raises `NotFound`."""
        async with self._database.read() as reader:
            return _found(await Sites(reader).get(site_id.lower()), site_id)

    async def all(self) -> Sequence[Site]:
        """Return all sites."""
        async with self._database.read() as reader:
            return await Sites(reader).all()


def _look(site: Site) -> tuple[object, ...]:
    """Return what copies look like."""
    return site.copy_title, site.copy_link, site.copy_buffer


def _with_copies(site: Site, title: str | None, link: str | None, changes: CopyChanges | None) -> Site:
    """Return a site with what is given of its settings for copies; raises `Invalid`."""
    if title is not None:
        site = replace(site, copy_title=checked_title("copyTitle", title))
    if link is not None:
        site = replace(site, copy_link=checked_link("copyLink", link))
    return site if changes is None else replace(site, copy_changes=changes)


def _found(site: Site | None, site_id: str) -> Site:
    if site is None:
        raise NotFound(f"There is no site {site_id}.", code="SITE_NOT_FOUND")
    return site


def checked_name(field: str, name: str) -> str:
    """Return a name without white space around it; raises `Invalid` where it is empty or too long."""
    name = name.strip()
    if not name:
        raise Invalid.one(field, "must not be empty", Rule.MIN_LENGTH, data={"threshold": 1})
    if len(name) > LONGEST_NAME:
        raise Invalid.one(
            field,
            f"must not be longer than {LONGEST_NAME} characters",
            Rule.MAX_LENGTH,
            data={"threshold": LONGEST_NAME},
        )
    return name


def checked_zone(field: str, zone: str) -> str:
    """Return the name of a time zone; raises `Invalid` where the zone database does not have it."""
    if not is_iana_zone(zone):
        raise Invalid.one(field, f"{zone!r} is not an IANA time zone", Rule.FORMAT, data={"type": "TIME_ZONE"})
    return zone


def _origins(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_origin(value) for value in values))


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/") or parts.query:
        raise Invalid.one("redirectOrigin", f"{value!r} is not an origin such as https://example.com", Rule.FORMAT)
    return f"{parts.scheme}://{parts.netloc.lower()}"
