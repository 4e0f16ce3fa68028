"""A stand-in for iCloud's calendars: their published corners in front of a real Radicale.

Apple describes none of this; each corner is told by people who met it.

* All accounts begin at `caldav.icloud.com` and live at a partition, `pNN-caldav.icloud.com`, which the principal names
  with the port 443 written out (python-caldav/caldav#3, smarcet/CalDAVClient#8). Hrefs are paths there.
* The principal's answer calls itself `/principal/` where `/<dsid>/principal/` was asked (python-caldav/caldav#168,
  #186); `/.well-known/caldav` answers about the principal and does not redirect (#393); GET / answers 400.
* A 401 offers two schemes, Basic and X-MobileMe-AuthToken, both for the realm MMCalDav (home-assistant/core#91711);
  `X-Apple-User-Partition` tells even then where the account is.
* Another account's paths answer 403 (kdw2060/hassio-addons#19). A host that an account is not at redirects
  (derekantrican/GAS-ICS-Sync#261), or does something else: nobody has written down what.
* 503 in times of trouble, with and without a Retry-After (lfos/calcurse#408).
* A home holds inbox, outbox, notifications, lists of reminders and subscriptions beside the calendars, and no property
  says which calendar is the default. Subscriptions are no calendars there: their events are at the address subscribed
  to. Calendars that others share with the account stand among its own, marked `shared`.
* Properties that it does not know are refused. A PUT is answered without an etag.
* A calendar-multiget takes paths only: a whole URL is answered 404, and the collection's own name not at all. A listed
  resource may be missing from it with a 404 (AvengeMedia/dankcalendar#108). Sync-collection names the collection too.

What would get a client into trouble there is noted in `offences`. X-MobileMe-AuthToken is answered as a header as well,
which no client has any business to send back.
"""

import asyncio
from base64 import b64decode
from dataclasses import dataclass
from email.utils import formatdate
from secrets import randbelow
from xml.etree.ElementTree import Element

import httpx2
from defusedxml.ElementTree import fromstring
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.icloud import home, reports
from tests.icloud import markup as m
from tests.icloud.account import DOMAIN, ENTRY, ICloudAccount, Left
from tests.icloud.resources import served
from tests.icloud.tokens import etag
from tests.servers import CalDavServer, Login

TOKEN = "AQAAAABoYXR0ZXJzLW5vdC10by1iZS1zZW50"
"""The value of X-MobileMe-AuthToken in every answer."""

_PRINCIPAL = f"{m.DAV}current-user-principal"
_HOME_SET = f"{m.CALDAV}calendar-home-set"
_ADDRESSES = f"{m.CALDAV}calendar-user-address-set"
_NOT_THERE = {Left.MISSING: 404, Left.FORBIDDEN: 403, Left.MISDIRECTED: 421, Left.UNKNOWN_PASSWORD: 401}


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; `with_password` tells whether it carried credentials."""

    method: str
    host: str
    path: str
    with_password: bool


class ICloud:
    """The application; `asked` and `offences` are what it has seen since `forget`."""

    def __init__(self, behind: CalDavServer) -> None:
        self.behind = behind
        self.asked: list[Asked] = []
        self.offences: list[str] = []
        self._accounts: dict[str, ICloudAccount] = {}
        self._http = httpx2.Client(trust_env=False, timeout=30)

    def account(self, login: Login | None = None) -> ICloudAccount:
        """Make an account, of a login at the server behind or of a new one."""
        account = ICloudAccount(login or self.behind.login(), str(10**9 + randbelow(10**9)))
        self._accounts[account.login.email] = account
        return account

    def forget(self) -> None:
        """Forget what was seen, and the calendars."""
        self.asked.clear()
        self.offences.clear()
        self.behind.forget_calendars()

    def close(self) -> None:
        """Close the connections to the server behind."""
        self._http.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        path = scope["raw_path"].decode()
        host = request.headers["host"].partition(":")[0]
        authorization = request.headers.get("authorization", "")
        self.asked.append(Asked(request.method, host, path, bool(authorization)))
        if "x-mobileme-authtoken" in request.headers or "mobileme" in authorization.lower():
            self.offences.append(f"{request.method} {path} with a token")
        account = self._account(authorization)
        if account is not None and await self._hangs_up(account, host, path, send):
            return
        response = await self._answer(request.method, host, path, dict(request.headers), body, account)
        response.headers["Date"] = formatdate(usegmt=True)
        response.headers["Server"] = "AppleHttpServer/b866cf47a603"
        response.headers["X-MobileMe-AuthToken"] = TOKEN
        if account is not None:
            response.headers["X-Apple-User-Partition"] = str(account.partition)
        await response(scope, receive, send)

    def _account(self, authorization: str) -> ICloudAccount | None:
        scheme, _, value = authorization.partition(" ")
        user = b64decode(value).decode().partition(":")[0] if scheme == "Basic" else ""
        return self._accounts.get(user)

    async def _hangs_up(self, account: ICloudAccount, host: str, path: str, send: Send) -> bool:
        """Close the connection without an answer, where the account is elsewhere and that is how it left."""
        if host in {ENTRY, account.host_of(path)} or account.left is not Left.HANGS_UP:
            return False
        # An answer that ends before its length is the way in which an application can do this.
        await send({"type": "http.response.start", "status": 207, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return True

    async def _answer(
        self, method: str, host: str, path: str, headers: dict[str, str], body: bytes, account: ICloudAccount | None
    ) -> Response:
        refused = _refused(method, host, path, account)
        if refused is not None or account is None:
            return refused or _unauthorized()
        if method == "PROPFIND" and path in {"/", "/.well-known/caldav", account.principal}:
            opened = await self._behind("PROPFIND", account.login.home, headers | {"depth": "0"}, b"")
            return _unauthorized() if opened.status_code == 401 else _about_the_principal(account, path, body)
        if not path.startswith(account.home):
            return Response(status_code=403)
        return await self._of_the_home(method, path, headers, body, account)

    async def _of_the_home(
        self, method: str, path: str, headers: dict[str, str], body: bytes, account: ICloudAccount
    ) -> Response:
        asked = fromstring(body) if body and method in {"PROPFIND", "REPORT"} else None
        if method == "REPORT" and asked is not None:
            refused = reports.translate(asked, path, account, self.offences)
            if refused is not None:
                return refused
            body = m.written(asked)
        refused = await self._refused_there(method, path, headers, account)
        if refused is not None:
            return refused
        answer = await self._behind(method, account.inside(path), headers, body)
        if answer.status_code == 207:
            multistatus = fromstring(answer.content)
            reports.decorate(multistatus, account)
            if path == account.home and headers.get("depth") == "1":
                home.decorate(multistatus, account, _asked(asked))
            if asked is not None and method == "REPORT":
                reports.complete(multistatus, asked, path, account)
            return Response(m.written(multistatus), 207, media_type="text/xml; charset=UTF-8")
        if answer.status_code == 200 and answer.headers.get("content-type", "").startswith("text/calendar"):
            marks = {"ETag": etag(answer.headers["etag"]), "Content-Type": "text/calendar; charset=utf-8"}
            return Response(served(answer.text), 200, headers=marks)
        if answer.status_code == 403 and b"valid-sync-token" in answer.content:
            return reports.invalid_token()
        return _unauthorized() if answer.status_code == 401 else Response(status_code=answer.status_code)

    async def _refused_there(
        self, method: str, path: str, headers: dict[str, str], account: ICloudAccount
    ) -> Response | None:
        """Return what iCloud itself refuses; else name in `If-Match` the version that the server behind has."""
        if path in account.phantoms:
            return Response(status_code=404)
        if method == "PROPPATCH":
            return Response(status_code=403)
        if headers.get("if-match", "*") != "*":
            stored = await self._behind("GET", account.inside(path), headers | {"if-match": "*"}, b"")
            if stored.status_code != 200 or etag(stored.headers["etag"]) != headers["if-match"]:
                return Response(status_code=412)
            headers["if-match"] = stored.headers["etag"]
        return None

    async def _behind(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx2.Response:
        passed: dict[str, str] = {
            name: headers[name]
            for name in ("authorization", "content-type", "depth", "if-match", "if-none-match")
            if name in headers
        }
        return await asyncio.to_thread(
            self._http.request, method, self.behind.url + path, headers=passed, content=body or None
        )


def _refused(method: str, host: str, path: str, account: ICloudAccount | None) -> Response | None:
    if not host.endswith(f".{DOMAIN}"):
        return Response(status_code=404)
    if method == "GET" and path == "/":
        return Response(status_code=400)
    if account is None:
        return _unauthorized()
    if account.throttle is not None and account.throttle.refuses():
        wait = {} if account.throttle.retry_after is None else {"Retry-After": account.throttle.retry_after}
        return Response(status_code=account.throttle.status, headers=wait)
    return None if host in {ENTRY, account.host_of(path)} else _elsewhere(account, path)


def _unauthorized() -> Response:
    response = Response(status_code=401)
    for scheme in ("X-MobileMe-AuthToken", "Basic"):
        response.headers.append("WWW-Authenticate", f'{scheme} realm="MMCalDav"')
    return response


def _elsewhere(account: ICloudAccount, path: str) -> Response:
    if account.left is Left.REDIRECTS:
        return Response(status_code=301, headers={"Location": f"https://{account.host_of(path)}:443{path}"})
    if account.left is Left.UNKNOWN_PASSWORD:
        return _unauthorized()
    return Response(status_code=_NOT_THERE[account.left])


def _about_the_principal(account: ICloudAccount, path: str, body: bytes) -> Response:
    principal = account.principal
    current = account.place + principal if account.principal_at_partition else principal
    known = {m.RESOURCETYPE: m.element(m.RESOURCETYPE), _PRINCIPAL: m.element(_PRINCIPAL, m.href(current))}
    itself = path
    if path == principal:
        itself = "/principal/"
        known[m.RESOURCETYPE].append(m.element(f"{m.DAV}principal"))
        known[_HOME_SET] = m.element(_HOME_SET, m.href(account.place + account.home))
        addresses = (f"mailto:{account.login.email}", f"mailto:{account.dsid}@{DOMAIN}", principal, "urn:uuid:1")
        known[_ADDRESSES] = m.element(_ADDRESSES, *map(m.href, addresses))
    elif path != "/":
        itself = principal
    answer = m.element(m.MULTISTATUS, m.described(itself, _asked(fromstring(body)), known))
    return Response(m.written(answer), 207, media_type="text/xml; charset=UTF-8")


def _asked(body: Element | None) -> list[str]:
    found = body.find(m.PROP) if body is not None else None
    return [one.tag for one in found] if found is not None else []
