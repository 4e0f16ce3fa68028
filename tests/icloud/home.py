"""What a calendar home at iCloud holds beside calendars, and how it describes those."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from tests.icloud import markup as m
from tests.icloud.account import ICloudAccount

_COMPONENTS = f"{m.CALDAV}supported-calendar-component-set"
_NAME = f"{m.DAV}displayname"
_COLOR = f"{m.APPLE}calendar-color"
_TYPE = m.RESOURCETYPE
_CALENDAR, _SHARED = f"{m.CALDAV}calendar", f"{m.CALENDARSERVER}shared"
_LONG_COLOR = len("#rrggbbaa")

_OTHERS: Sequence[tuple[str, str | None, tuple[str, ...], str | None]] = (
    ("inbox", None, (f"{m.CALDAV}schedule-inbox",), "VEVENT"),
    ("outbox", None, (f"{m.CALDAV}schedule-outbox",), None),
    ("notification", None, (f"{m.CALENDARSERVER}notification",), None),
    ("tasks", "Reminders ⚠️", (_CALENDAR,), "VTODO"),
    ("0B3D8B5C-2C1A-4B8E-9B1B-8B3F6F6B9F10", "Shopping 🛒", (_CALENDAR, f"{m.CALENDARSERVER}shared-owner"), "VTODO"),
    ("9F8E7D6C-5B4A-4392-8170-6F5E4D3C2B1A", "Public holidays", (f"{m.CALENDARSERVER}subscribed",), "VEVENT"),
)
"""Name in the path, name for people, types beside collection, and component, where there is one."""


def decorate(listing: Element, account: ICloudAccount, asked: Sequence[str]) -> None:
    """Turn the listing of a home by the server behind into one by iCloud."""
    for response in listing.findall(m.RESPONSE):
        path = response.findtext(m.HREF) or ""
        if path == account.home:
            listing.remove(response)
        else:
            segment = path.rstrip("/").rpartition("/")[2]
            _describe(response, shared=segment in account.shared)
            if segment in account.hosts:
                response[0] = m.href(f"https://{account.hosts[segment]}:443{path}")
    itself = m.described(account.home, asked, {_TYPE: m.element(_TYPE, m.element(m.COLLECTION))})
    others = [_other(account, asked, *other) for other in _OTHERS]
    # Calendars stand between the others, so that nothing can go by their place.
    listing[:] = [itself, *others[:3], *listing.findall(m.RESPONSE), *others[3:]]


def _other(
    account: ICloudAccount,
    asked: Sequence[str],
    segment: str,
    name: str | None,
    types: tuple[str, ...],
    holds: str | None,
) -> Element:
    known = {_TYPE: m.element(_TYPE, m.element(m.COLLECTION), *(m.element(kind) for kind in types))}
    if name is not None:
        known[_NAME] = m.element(_NAME, text=name)
    if holds is not None:
        known[_COMPONENTS] = m.element(_COMPONENTS, m.element(f"{m.CALDAV}comp", name=holds))
    return m.described(f"{account.home}{segment}/", asked, known)


def _describe(response: Element, *, shared: bool) -> None:
    for kind in response.iter(_TYPE):
        if shared and kind.find(_CALENDAR) is not None:
            kind.append(m.element(_SHARED))
    for components in response.iter(_COMPONENTS):
        components[:] = [m.element(f"{m.CALDAV}comp", name="VEVENT")]
    for color in response.iter(_COLOR):
        if color.text and len(color.text) < _LONG_COLOR:
            color.text += "FF"
            color.set("symbolic-color", "custom")
