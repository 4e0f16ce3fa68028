"""Authenticate (401), permit (403), validate (400), then the use case, for every method and alias."""

import httpx2
import pytest

from kalends.api.application import OPERATIONS
from kalends.model.errors import NotFound
from kalends.model.identity import Permission
from tests.api.calls import CALLS, GoodCall
from tests.api.standins import StandIns, identity

every_method = pytest.mark.parametrize("call", CALLS, ids=str)


async def send(client: httpx2.AsyncClient, call: GoodCall, *, good: bool = True, **options: object) -> httpx2.Response:
    if good:
        request = client.build_request(call.method, call.url, params=list(call.query) or None, json=call.body)
    else:
        path = f"{call.url}?{call.bad_query}" if call.bad_query else call.url
        content = call.bad_body and call.bad_body.encode()
        request = client.build_request(call.method, path, content=content)
    request.headers.update({str(name): str(value) for name, value in options.items()})
    return await client.send(request)


def code(answer: httpx2.Response) -> str:
    told: str = answer.json()["details"]["applicationError"]["code"]
    return told


def test_every_method_of_the_application_is_called() -> None:
    assert {one.name for one in OPERATIONS} == {one.name for one in CALLS}


@every_method
async def test_a_good_call_is_answered_with_200_and_an_object(
    client: httpx2.AsyncClient, standins: StandIns, call: GoodCall
) -> None:
    answer = await send(client, call)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert isinstance(answer.json(), dict)
    assert [name for name, _ in standins.calls] == [call.asks]


@every_method
async def test_every_method_is_served_under_every_prefix(
    client: httpx2.AsyncClient, standins: StandIns, call: GoodCall
) -> None:
    for prefix in call.prefixes:
        answer = await client.request(call.method, call.under(prefix), params=list(call.query) or None, json=call.body)
        assert answer.status_code == 200
    assert [name for name, _ in standins.calls] == [call.asks] * len(call.prefixes)


def test_every_prefix_of_the_application_is_called() -> None:
    assert {one.name: one.prefixes for one in OPERATIONS} == {one.name: one.prefixes for one in CALLS}


@pytest.mark.parametrize("token", ["", "unknown"])
@every_method
async def test_first_who_calls(client: httpx2.AsyncClient, standins: StandIns, call: GoodCall, token: str) -> None:
    answer = await send(client, call, good=False, authorization=token)
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not standins.calls


@every_method
async def test_then_whether_they_may(client: httpx2.AsyncClient, standins: StandIns, call: GoodCall) -> None:
    standins.identities["nearly"] = identity(*(set(Permission) - set(call.permissions)))
    answer = await send(client, call, good=False, authorization="nearly")
    assert (answer.status_code, code(answer)) == (403, "PERMISSION_DENIED")
    assert not standins.calls


@every_method
async def test_any_one_of_the_permissions_is_enough(
    client: httpx2.AsyncClient, standins: StandIns, call: GoodCall
) -> None:
    for permission in call.permissions:
        standins.identities["just"] = identity(permission)
        assert (await send(client, call, authorization="just")).status_code == 200


@every_method
async def test_then_whether_the_request_is_valid(
    client: httpx2.AsyncClient, standins: StandIns, call: GoodCall
) -> None:
    standins.raises = NotFound("There is no such thing.")
    answer = await send(client, call, good=False)
    assert answer.status_code == 400
    assert not standins.calls


@pytest.mark.parametrize("call", [one for one in CALLS if not one.each], ids=str)
async def test_then_what_the_use_case_says(client: httpx2.AsyncClient, standins: StandIns, call: GoodCall) -> None:
    standins.raises = NotFound("There is no such thing.", code="THING_NOT_FOUND", data={"thing": 1})
    answer = await send(client, call)
    assert answer.status_code == 404
    assert answer.json() == {
        "message": "There is no such thing.",
        "details": {
            "applicationError": {
                "code": "THING_NOT_FOUND",
                "description": "There is no such thing.",
                "data": {"thing": 1},
            }
        },
    }


async def test_the_headers_that_say_who_calls_are_handed_on(client: httpx2.AsyncClient, standins: StandIns) -> None:
    await client.get("/providers", headers={"Wix-Site-Id": "site", "wix-account-id": "account"})
    (seen,) = standins.headers
    assert (seen.authorization, seen.site_id, seen.account_id) == ("all", "site", "account")


@pytest.mark.parametrize("name", ["a" * 201, "%00", "a%0Ab", "%F0%90"])
async def test_what_cannot_be_a_connection_id_is_not_found(
    client: httpx2.AsyncClient, standins: StandIns, name: str
) -> None:
    standins.raises = NotFound("The store was asked.", code="CONNECTION_NOT_FOUND")
    answer = await client.get(f"/connections/{name}")
    assert (answer.status_code, code(answer)) == (404, "CONNECTION_NOT_FOUND")
    assert bool(standins.calls) == (name == "%F0%90")  # decodes to replacement characters, which are harmless
