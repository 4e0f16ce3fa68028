"""A site's settings for copies of its events."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from kalends.access.copy_templates import checked_link, checked_title
from kalends.access.sites import SiteAdministration
from kalends.model.copy import CopyChanges
from kalends.model.errors import Invalid, Rule
from kalends.model.ids import new_id
from kalends.model.schedule import Site
from kalends.model.schedule_event import Segment
from kalends.store.database import Database, Transaction
from kalends.store.sites import Sites
from kalends.sync.export.wanted import CopyStyle, wanted_copies
from tests.schedules.event_makers import EVENT, event, times
from tests.world import ManualClock

LINK = "https://shop.example.com/bookings/{eventId}?from=calendar#top"


class Told:
    """Hears that copies are to say something else, and what of their site stands in the transaction by then."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Site | None]] = []
        self.refuses = False

    async def __call__(self, transaction: Transaction, site_id: str) -> None:
        self.seen.append((site_id, await Sites(transaction).get(site_id)))
        if self.refuses:
            raise RuntimeError("not now")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def sites(database: Database, told: Told) -> SiteAdministration:
    async def no_followers(_transaction: Transaction, _site_id: str, _zone: str) -> int:
        return 0

    return SiteAdministration(database, ManualClock(), no_followers, told)


@pytest.fixture
async def site(sites: SiteAdministration) -> Site:
    return await sites.create("Studio")


async def test_a_new_site_restores_copies_that_say_the_title_and_have_no_link(
    sites: SiteAdministration, site: Site, told: Told
) -> None:
    assert (site.copy_title, site.copy_link, site.copy_changes) == ("{title}", None, CopyChanges.RESTORE)
    assert await sites.get(site.id) == site
    assert Site(site.id, site.name, site.time_zone, site.titles, (), site.created_at) == site
    assert told.seen == []


async def test_a_site_that_was_there_before_has_what_a_new_one_has(
    sites: SiteAdministration, site: Site, database: Database
) -> None:
    before = new_id()
    async with database.write() as writer:
        await writer.execute(
            text(
                "INSERT INTO sites (id, name, time_zone, titles, redirect_origins, created_at) "
                "SELECT :id, name, time_zone, titles, redirect_origins, created_at FROM sites"
            ),
            {"id": before},
        )
    kept = await sites.get(before)
    assert (kept.copy_title, kept.copy_link, kept.copy_changes) == (site.copy_title, site.copy_link, site.copy_changes)


async def test_what_is_said_of_copies_is_kept(sites: SiteAdministration, told: Told) -> None:
    made = await sites.create(
        "Studio", copy_title=" {service}: {participant} ", copy_link=LINK, copy_changes=CopyChanges.ACCEPT
    )
    assert (made.copy_title, made.copy_link, made.copy_changes) == ("{service}: {participant}", LINK, "accept")
    assert await sites.all() == [made]
    assert told.seen == [], "a site without events has no copies"


async def test_a_change_leaves_what_is_not_given(sites: SiteAdministration, site: Site) -> None:
    linked = await sites.update(site.id, copy_link=LINK)
    assert (linked.copy_title, linked.copy_link) == ("{title}", LINK)
    titled = await sites.update(site.id, copy_title="Busy", copy_changes=CopyChanges.ACCEPT)
    assert (titled.copy_title, titled.copy_link, titled.copy_changes) == ("Busy", LINK, CopyChanges.ACCEPT)
    renamed = await sites.update(site.id, name="New")
    assert (renamed.copy_title, renamed.copy_link, renamed.copy_changes) == ("Busy", LINK, CopyChanges.ACCEPT)
    assert (await sites.create("Refused", copy_link="")).copy_link is None
    assert (await sites.update(site.id, copy_link=" ")).copy_link is None
    assert (await sites.get(site.id)).copy_link is None


@pytest.mark.parametrize("given", [{"copy_title": "{service}"}, {"copy_link": LINK}])
async def test_another_title_or_link_is_told_in_the_same_transaction(
    sites: SiteAdministration, site: Site, told: Told, given: dict[str, str]
) -> None:
    changed = await sites.update(site.id.upper(), **given)  # type: ignore[arg-type]  # names of two texts
    assert changed != site
    assert told.seen == [(site.id, changed)]


async def test_a_link_that_is_taken_away_is_told(sites: SiteAdministration, site: Site, told: Told) -> None:
    await sites.update(site.id, copy_link=LINK)
    without = await sites.update(site.id, copy_link="")
    assert [seen for _, seen in told.seen][1:] == [without]


async def test_what_the_copies_do_not_show_is_not_told(sites: SiteAdministration, site: Site, told: Told) -> None:
    await sites.update(site.id, name="New", time_zone="Asia/Tokyo", copy_changes=CopyChanges.ACCEPT)
    await sites.update(site.id, copy_title="{title}", copy_link="")
    assert told.seen == []


async def test_where_the_copies_cannot_be_told_nothing_is_changed(
    sites: SiteAdministration, site: Site, told: Told
) -> None:
    told.refuses = True
    with pytest.raises(RuntimeError):
        await sites.update(site.id, name="New", copy_title="{service}")
    assert len(told.seen) == 1
    assert await sites.get(site.id) == site


async def test_what_does_not_fit_changes_nothing_and_is_not_told(
    sites: SiteAdministration, site: Site, told: Told
) -> None:
    for given, field in (({"copy_title": "{name}"}, "copyTitle"), ({"copy_link": "here"}, "copyLink")):
        with pytest.raises(Invalid) as raised:
            await sites.update(site.id, name="New", **given)  # type: ignore[arg-type]  # names of two texts
        assert [one.field for one in raised.value.violations] == [field]
        with pytest.raises(Invalid):
            await sites.create("Another", **given)  # type: ignore[arg-type]  # names of two texts
    assert await sites.all() == [site]
    assert told.seen == []


@pytest.mark.parametrize(
    "title",
    [
        *("{title}", "{service} – {participant}", "{title}{title}", "Busy", "x"),
        *("x" * 200, "{title}" + "é" * 193, "👩\u200d🎨 {title}"),
    ],
)
def test_titles(title: str) -> None:
    assert checked_title("copyTitle", title) == title


@pytest.mark.parametrize(
    ("title", "rule"),
    [
        *((title, Rule.MIN_LENGTH) for title in ("", "  ")),
        ("x" * 201, Rule.MAX_LENGTH),
        *((title, Rule.FORMAT) for title in ("{title}\n", "a\x00b", "a\tb", "a\x7fb", "a\x85b", "a\udc80b")),
        *((title, Rule.FORMAT) for title in ("{name}", "{Title}", "{ title }", "{}", "{title", "title}", "{{title}}")),
        *((title, Rule.FORMAT) for title in ("{title}}", "{title} {eventId}", "{{title}title}", "{title!r}")),
    ],
)
def test_titles_that_do_not_fit(title: str, rule: Rule) -> None:
    with pytest.raises(Invalid) as raised:
        checked_title("copyTitle", title)
    (violation,) = raised.value.violations
    assert (violation.field, violation.rule) == ("copyTitle", rule)


def test_the_error_about_braces_says_what_they_may_hold() -> None:
    with pytest.raises(Invalid, match=r"\{title\}, \{service\} and \{participant\}"):
        checked_title("copyTitle", "{customer}")


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        *("https://shop.example.com/?booking={eventId}", "https://shop.example.com:8443/#/{eventId}"),
        *("HTTPS://shop.example.com/{eventId}", "https://xn--mnchen-3ya.example/%C3%BC/{eventId}"),
        *("http://localhost:3000/{eventId}", "http://127.0.0.1/{eventId}", "http://127.8.9.1:80/{eventId}"),
        *("http://[::1]:3000/{eventId}", "https://127.0.0.1/{eventId}", "https://[2001:db8::1]/{eventId}"),
        "https://shop.example.com/{eventId}".ljust(500, "x"),
    ],
)
def test_links(link: str) -> None:
    assert checked_link("copyLink", link) == link


@pytest.mark.parametrize("link", [None, "", "  "])
def test_no_link(link: str | None) -> None:
    assert checked_link("copyLink", link) is None


@pytest.mark.parametrize(
    ("link", "rule"),
    [
        ("https://shop.example.com/{eventId}".ljust(501, "x"), Rule.MAX_LENGTH),
        # the place: exactly once, no other, and not in the host
        *((f"https://shop.example.com/{rest}", Rule.FORMAT) for rest in ("", "{eventid}", "{eventId}/{eventId}")),
        *(
            (f"https://shop.example.com/{rest}", Rule.FORMAT)
            for rest in ("{eventId}/{title}", "{eventId}}", "{{eventId}")
        ),
        *((f"https://{rest}", Rule.FORMAT) for rest in ("{eventId}", "{eventId}.example.com/", "a.example:{eventId}/")),
        # the scheme
        *((f"{scheme}//shop.example.com/{{eventId}}", Rule.FORMAT) for scheme in ("http:", "ftp:", "javascript:", "")),
        *((f"http://{host}/{{eventId}}", Rule.FORMAT) for host in ("localhost.example.com", "10.0.0.1", "169.254.1.1")),
        *((f"http://{host}/{{eventId}}", Rule.FORMAT) for host in ("127.0.0.1.example.com", "[::2]", "notlocalhost")),
        # the rest
        *(
            (f"https://{rest}", Rule.FORMAT)
            for rest in ("/{eventId}", "me:secret@a.example/{eventId}", "a..b/{eventId}")
        ),
        *(
            (f"https://{rest}", Rule.FORMAT)
            for rest in ("a.example:0/{eventId}", "a.example:99999/{eventId}", "[/{eventId}")
        ),
        *(
            (f"https://a.example/{rest}{{eventId}}", Rule.FORMAT)
            for rest in (" ", "\n", "\t", "\x00", "\\", '"', "<", "é")
        ),
        *((f"https://a.example/{rest}{{eventId}}", Rule.FORMAT) for rest in ("%", "%2", "%zz", "\udc80", "\u202e")),
        ("https://a.example/{eventId}\n", Rule.FORMAT),
        ("not a link {eventId}", Rule.FORMAT),
    ],
)
def test_links_that_do_not_fit(link: str, rule: Rule) -> None:
    with pytest.raises(Invalid) as raised:
        checked_link("copyLink", link)
    (violation,) = raised.value.violations
    assert (violation.field, violation.rule) == ("copyLink", rule)


def test_what_fits_is_filled_by_an_export() -> None:
    title, link = checked_title("copyTitle", "{title}, {service}, {participant}"), checked_link("copyLink", LINK)
    content = {"title": "Haircut", "participants": {"list": [{"name": "Someone"}], "total": 1}}
    booked = event(Segment(1, 1, times("2026-11-23T09:00", "2026-11-23T10:00"), content))
    style = CopyStyle(title=title, link=link, service="Salon")
    (wanted,) = wanted_copies(booked, style, datetime(2026, 11, 1, tzinfo=UTC))
    assert wanted.copy.text.title == "Haircut, Salon, Someone"
    assert wanted.copy.text.url == f"https://shop.example.com/bookings/{EVENT}?from=calendar#top"
