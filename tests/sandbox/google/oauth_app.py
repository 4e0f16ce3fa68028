"""An app that asks for consent, and the browser of whoever gives it: plain HTTP, and forms read from the page."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2
from starlette.applications import Starlette

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth import routes
from kalends.sandbox.google.oauth_model import Client
from kalends.sandbox.keys import SigningKeys

HERE = "http://127.0.0.1:8085"
BACK = "http://127.0.0.1:9000/callback"
EVENTS = "https://www.googleapis.com/auth/calendar.events"
LISTS = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
ASKED = f"openid email {LISTS} {EVENTS}"
OWNER = User("101", "owner@gmail.com", "Studio Owner")
TRAINER = User("102", "trainer@studio.example", "Trainer")
VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class ConsentForm(HTMLParser):
    """The form of a page: where it goes, what it holds as it stands, and what can be chosen."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.method = ""
        self.hidden: dict[str, str] = {}
        self.accounts: list[str] = []
        self.chosen: list[str] = []
        self.scopes: list[str] = []
        self.ticked: list[str] = []
        self.buttons: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag, given.get("type"):
            case "form", _:
                self.action, self.method = given["action"], given["method"]
            case "input", "hidden":
                self.hidden[given["name"]] = given["value"]
            case "input", "radio":
                self.accounts.append(given["value"])
                self.chosen += [given["value"]] if "checked" in given else []
            case "input", "checkbox":
                self.scopes.append(given["value"])
                self.ticked += [given["value"]] if "checked" in given else []
            case "button", _:
                self.buttons.append(given["value"])
            case _:
                pass


@dataclass
class Asking:
    """An app, registered as `client`, at a sandbox whose state is `grants`."""

    grants: Grants
    client: Client
    http: httpx2.AsyncClient
    clock: SandboxClock

    async def ask(self, **parameters: str) -> httpx2.Response:
        """Send somebody to the authorization endpoint; an empty parameter is left out."""
        usual = {
            "client_id": self.client.id,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": ASKED,
            "state": "kept",
            "access_type": "offline",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        asked = {name: value for name, value in {**usual, **parameters}.items() if value}
        return await self.http.get("/o/oauth2/v2/auth", params=asked)

    async def page(self, **parameters: str) -> ConsentForm:
        answer = await self.ask(**parameters)
        assert answer.status_code == 200, answer.text
        return ConsentForm(answer.text)

    async def press(
        self, form: ConsentForm, button: str = "continue", *, account: str | None = None, untick: Sequence[str] = ()
    ) -> httpx2.Response:
        """Send a form as a browser would."""
        chosen = [account] if account else form.chosen
        fields = [
            *form.hidden.items(),
            *[("account", one) for one in chosen],
            *[("scope", one) for one in form.ticked if one not in untick],
            ("action", button),
        ]
        body = urlencode(fields)
        return await self.http.post(form.action, content=body, headers={"Content-Type": FORM})

    async def code(
        self, *, account: str | None = None, untick: Sequence[str] = (), **parameters: str
    ) -> Mapping[str, str]:
        """Go through consent; return the parameters with which the browser comes back."""
        answer = await self.ask(**parameters)
        if answer.status_code == 200:
            answer = await self.press(ConsentForm(answer.text), account=account, untick=untick)
        return came_back(answer)

    async def token(self, **fields: str | None) -> httpx2.Response:
        """Ask the token endpoint, with the client's id and secret; None leaves a field out."""
        usual = {"client_id": self.client.id, "client_secret": self.client.secret}
        sent = {name: value for name, value in {**usual, **fields}.items() if value is not None}
        return await self.http.post("/token", data=sent)

    async def redeem(self, code: str, **fields: str | None) -> httpx2.Response:
        usual = {"redirect_uri": BACK, "code_verifier": VERIFIER}
        return await self.token(grant_type="authorization_code", code=code, **{**usual, **fields})

    async def refresh(self, refresh_token: str, **fields: str | None) -> httpx2.Response:
        return await self.token(grant_type="refresh_token", refresh_token=refresh_token, **fields)

    async def tokens(self, **parameters: str) -> dict[str, Any]:
        """Go through consent and redeem the code."""
        answer = await self.redeem((await self.code(**parameters))["code"])
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given


FORM = "application/x-www-form-urlencoded"


def came_back(answer: httpx2.Response) -> dict[str, str]:
    """Return the parameters of a redirect to the app."""
    assert answer.status_code in {302, 303}, answer.text
    url = urlsplit(answer.headers["location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == BACK
    pairs = parse_qsl(url.query, strict_parsing=True)
    assert all(len(values) == 1 for values in parse_qs(url.query).values())
    return dict(pairs)


def refused(answer: httpx2.Response, error: str, status: int = 400) -> str:
    """Check a refusal of the token endpoint; return its description."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    return str(answer.json().get("error_description", ""))


@cache
def shared_keys() -> SigningKeys:
    """Return the keys of all sandboxes whose test does not rotate them: making some is slow."""
    return SigningKeys(SandboxClock())


@asynccontextmanager
async def asking(**settings: Any) -> AsyncIterator[Asking]:
    """Give an app at a new sandbox with two accounts, one of them in the Workspace domain `studio.example`."""
    clock = SandboxClock()
    usual = {"users": [OWNER, TRAINER], "domains": ["studio.example"], "keys": shared_keys()}
    grants = Grants(clock, **{**usual, **settings})
    client = grants.add_client("Bookings <b>&</b> Co")
    transport = httpx2.ASGITransport(app=Starlette(routes=[*routes(grants)]))
    async with httpx2.AsyncClient(transport=transport, base_url=HERE) as http:
        yield Asking(grants, client, http, clock)
