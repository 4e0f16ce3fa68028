"""No secret in any text that this client makes: representations, errors, tracebacks."""

import asyncio
import traceback
from typing import Any

import pytest

from kalends.client import AccessToken, ApiKey, AsyncKalends, Auth, ClientCredentials, Kalends, KalendsClientError
from kalends.client._auth import Token
from kalends.client._transport import Answer, Request
from tests.client.calling import Kind, answer, calling, refused
from tests.net.loopback import Asked, raw, send, serve
from tests.world import NOW

SECRET = "s3cret-and-unmistakable"
PROOFS: dict[str, Auth] = {
    "token": AccessToken(SECRET),
    "function": AccessToken(lambda: SECRET),
    "key": ApiKey(SECRET, "site"),
    "app": ClientCredentials("app", SECRET),
}


async def never(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


FAILURES = {
    "no answer in time": never,
    "refused": send(refused(401, "BAD_CREDENTIALS")),
    "no answer": send(b"", hang_up=True),
    "no json": send(raw(200, b"<html>")),
    "no token": send(answer({"error": "invalid_client"}, 401)),
    "a redirect": send(raw(302, b"", {"Location": "http://elsewhere.example/"})),
    "a type that does not fit": send(answer({"access_token": "t", "connection": {"id": SECRET, "providerId": 1}})),
}


def connect(client: Any) -> Any:
    return client.external_calendars.connect_by_credentials(
        provider_id="p", schedule_id="s", email="a@example.org", password=SECRET
    )


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_no_representation_shows_a_secret(proof: Auth) -> None:
    with Kalends(auth=proof) as client:
        said: list[object] = [proof, client, client.external_calendars, client.schedules, AsyncKalends(auth=proof)]
        said += [vars(client), vars(client.external_calendars)]
        said += [Token(SECRET, NOW), Request("POST", f"/{SECRET}", repeatable=False, body={"password": SECRET})]
        said += [Answer(200, {"token": SECRET}, SECRET.encode())]
        assert all(SECRET not in f"{one!r} {one}" for one in said)


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_no_error_and_no_traceback_shows_a_secret(kind: Kind, proof: Auth, failure: Any) -> None:
    timeout = 0.2 if failure is never else 30.0
    async with serve(failure) as server, calling(kind, f"http://{server.place}", auth=proof, timeout=timeout) as call:
        with pytest.raises(KalendsClientError) as raised:
            await call(connect)
    assert server.asked
    shown = "".join(traceback.format_exception(raised.value))
    assert SECRET not in shown + repr(raised.value) + repr(vars(raised.value))
    assert "httpx2" not in shown.replace("/httpx2/", "")
