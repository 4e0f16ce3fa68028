"""Reports as iCloud takes and answers them."""

from xml.etree.ElementTree import Element

from starlette.responses import Response

from tests.icloud import markup as m
from tests.icloud.account import ICloudAccount
from tests.icloud.resources import served
from tests.icloud.tokens import etag, tag, token_inside, token_outside

_MULTIGET = f"{m.CALDAV}calendar-multiget"
_SYNC = f"{m.DAV}sync-collection"
_DATA = f"{m.CALDAV}calendar-data"
_CTAG = f"{m.CALENDARSERVER}getctag"


def translate(report: Element, path: str, account: ICloudAccount, offences: list[str]) -> Response | None:
    """Turn a report into one for the server behind; return an answer where iCloud itself would give one."""
    for token in report.findall(m.SYNC_TOKEN):
        inside = token_inside(token.text or "")
        if inside is None:
            return invalid_token()
        token.text = inside
    if report.tag != _MULTIGET:
        return None
    for named in report.findall(m.HREF):
        href = named.text or ""
        if href.rstrip("/") == path.rstrip("/"):
            offences.append("a multiget that names the collection itself")
        if "://" in href:
            offences.append("a multiget with a whole URL")
            report.remove(named)
        else:
            named.text = account.inside(href)
    return None


def decorate(multistatus: Element, account: ICloudAccount) -> None:
    """Turn what any answer of the server behind says into iCloud's words."""
    for href in multistatus.iter(m.HREF):
        href.text = account.outside(href.text or "")
    for found, outside in ((m.GETETAG, etag), (_CTAG, tag), (m.SYNC_TOKEN, token_outside), (_DATA, served)):
        for one in multistatus.iter(found):
            if one.text:
                one.text = outside(one.text)


def complete(multistatus: Element, report: Element, path: str, account: ICloudAccount) -> None:
    """Add what iCloud answers beyond what is asked, and say of phantoms that they are not there."""
    if report.tag == _SYNC:
        # Names are spelt in one way here and in another by multiget; both mean the same.
        for href in multistatus.iter(m.HREF):
            href.text = (href.text or "").replace("@", "%40")
        listed = [(one.findtext(m.HREF) or "") for one in multistatus.findall(m.RESPONSE)]
        if listed:
            known = {m.GETETAG: m.element(m.GETETAG, text=etag(path))}
            multistatus.insert(0, m.described(path, (m.GETETAG, m.RESOURCETYPE), known))
    if report.tag == _MULTIGET:
        for href in multistatus.iter(m.HREF):
            href.text = (href.text or "").replace("%40", "@")
        for response in multistatus.findall(m.RESPONSE):
            if (path_there := response.findtext(m.HREF) or "") in account.phantoms:
                response[:] = [m.href(path_there), m.status(404)]


def invalid_token() -> Response:
    """Return the refusal of a sync token (RFC 6578 §3.2)."""
    error = m.element(f"{m.DAV}error", m.element(f"{m.DAV}valid-sync-token"))
    return Response(m.written(error), 403, media_type="text/xml; charset=UTF-8")
