"""An app that asks for consent at Microsoft, and the browser of whoever gives it."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from starlette.applications import Starlette

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.keys import SigningKeys
from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.grants import Grants
from kalends.sandbox.microsoft.oauth import routes
from kalends.sandbox.microsoft.oauth_model import Client
from tests.sandbox.google.oauth_app import FORM, ConsentForm

HERE = "http://127.0.0.1:8085"
BACK = "http://127.0.0.1:9000/callback"
ASKED = "openid profile email offline_access Calendars.ReadWrite User.Read"
OWNER = User.of("owner@contoso.example", "Studio Owner")
TRAINER = User.of("trainer@fabrikam.example", "Trainer")
HOME = User.of("home@outlook.com", "At Home")
VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Asking:
    """An app, registered as `client`, at a sandbox whose state is `grants`."""

    grants: Grants
    client: Client
    http: httpx2.AsyncClient
    clock: SandboxClock

    async def ask(self, *, tenant: str = "common", **parameters: str) -> httpx2.Response:
        """Send somebody to the authorization endpoint; an empty parameter is left out."""
        usual = {
            "client_id": self.client.id,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": ASKED,
            "state": "kept",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        asked = {name: value for name, value in {**usual, **parameters}.items() if value}
        return await self.http.get(f"/{tenant}/oauth2/v2.0/authorize", params=asked)

    async def press(
        self, answer: httpx2.Response, button: str = "continue", *, account: User | None = OWNER
    ) -> httpx2.Response:
        """Send the form of a page as a browser would."""
        assert answer.status_code == 200, answer.text
        form = ConsentForm(answer.text)
        fields = [*form.hidden.items(), ("account", account.id if account else form.chosen[0]), ("action", button)]
        return await self.http.post(form.action, content=urlencode(fields), headers={"Content-Type": FORM})

    async def code(self, *, account: User = OWNER, tenant: str = "common", **parameters: str) -> str:
        """Go through consent; return the code with which the browser comes back."""
        answer = await self.ask(tenant=tenant, **parameters)
        if answer.status_code == 200:
            answer = await self.press(answer, account=account)
        return came_back(answer)["code"]

    async def token(self, tenant: str | None = "common", **fields: str | None) -> httpx2.Response:
        """Ask the token endpoint, with the client's id and secret; None leaves a field out."""
        usual = {"client_id": self.client.id, "client_secret": self.client.secret}
        sent = {name: value for name, value in {**usual, **fields}.items() if value is not None}
        return await self.http.post(f"/{tenant}/oauth2/v2.0/token", data=sent)

    async def redeem(self, code: str, **fields: str | None) -> httpx2.Response:
        usual = {"redirect_uri": BACK, "code_verifier": VERIFIER}
        return await self.token(grant_type="authorization_code", code=code, **{**usual, **fields})

    async def refresh(self, refresh_token: str, **fields: str | None) -> httpx2.Response:
        return await self.token(grant_type="refresh_token", refresh_token=refresh_token, **fields)

    async def tokens(self, *, account: User = OWNER, **parameters: str) -> dict[str, Any]:
        """Go through consent and redeem the code."""
        answer = await self.redeem(await self.code(account=account, **parameters))
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given

    async def switch(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/_sandbox/oauth/{path}", json=body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said


def came_back(answer: httpx2.Response) -> dict[str, str]:
    """Return the parameters of a redirect to the app."""
    assert answer.status_code in {302, 303}, answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    url = urlsplit(answer.headers["location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == BACK
    return dict(parse_qsl(url.query, strict_parsing=True))


def refused(answer: httpx2.Response, error: str, code: int, status: int = 400) -> dict[str, Any]:
    """Check a refusal of the token endpoint, and return it."""
    said: dict[str, Any] = answer.json()
    assert (answer.status_code, said["error"], said["error_codes"]) == (status, error, [code]), answer.text
    assert said["error_description"].startswith(f"AADSTS{code}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= set(said)
    return said


@cache
def shared_keys() -> SigningKeys:
    """Return the keys of all sandboxes whose test does not rotate them: making some is slow."""
    return SigningKeys(SandboxClock())


@asynccontextmanager
async def asking(**settings: Any) -> AsyncIterator[Asking]:
    """Give an app at a new sandbox with accounts in two tenants, and a personal one."""
    clock = SandboxClock()
    usual = {"users": [OWNER, TRAINER, HOME], "keys": shared_keys()}
    grants = Grants(clock, **{**usual, **settings})
    client = grants.add_client("Bookings <b>&</b> Co")
    transport = httpx2.ASGITransport(app=Starlette(routes=[*routes(grants)]))
    async with httpx2.AsyncClient(transport=transport, base_url=HERE) as http:
        yield Asking(grants, client, http, clock)
