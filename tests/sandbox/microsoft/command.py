"""`kalends sandbox microsoft` as a process of its own, and somebody who consents there."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from tests.sandbox.google.oauth_app import FORM, ConsentForm

BACK = "http://127.0.0.1:9000/callback"
SCOPE = "openid profile email offline_access Calendars.ReadWrite"


@contextmanager
def running(*arguments: str) -> Iterator[tuple[dict[str, Any], httpx2.Client]]:
    """Run it while the context lasts; give what it says, and a browser."""
    command = [sys.executable, "-m", "kalends", "sandbox", "microsoft", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said = json.loads(line)
            with httpx2.Client(base_url=said["url"], trust_env=False) as http:
                yield said, http
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0


def token_of(said: dict[str, Any], http: httpx2.Client, email: str, scope: str = SCOPE) -> str:
    """Go through the page as somebody does, and redeem the code."""
    asked = {"client_id": said["clientId"], "redirect_uri": BACK, "response_type": "code", "scope": scope}
    page = http.get("/common/oauth2/v2.0/authorize", params={**asked, "login_hint": email})
    form = ConsentForm(page.text)
    fields = {**form.hidden, "account": form.chosen[0], "action": "continue"}
    back = http.post(form.action, content=urlencode(fields), headers={"Content-Type": FORM})
    (code,) = parse_qs(urlsplit(back.headers["location"]).query)["code"]
    proof = {"client_id": said["clientId"], "client_secret": said["clientSecret"]}
    redeem = {**proof, "grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    token: str = http.post("/common/oauth2/v2.0/token", data=redeem).json()["access_token"]
    return token
