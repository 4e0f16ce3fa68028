"""The OpenAPI document: valid, complete, and made of what the routes use."""

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from starlette.routing import Route

from kalends.api.application import OPERATIONS, create_api
from kalends.api.connections import MOST_IDS
from kalends.api.events import MAX_LIMIT
from kalends.api.openapi.parameters import documented_path
from kalends.api.operations import Operation
from kalends.api.reading import parameters
from scripts import api_page
from tests.api.conformance import DOCUMENT
from tests.api.standins import StandIns

ROOT = "http://kalends.test"
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: str(one.name))


def described(operation: Operation[Any]) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][documented_path(operation)][operation.method.lower()]
    return found


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][name]
    return found


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


PAGES = {"connect", "connect_confirm", "connect_callback", "hook_google", "hook_microsoft"}
"""For people and their browsers, on the way to a provider, and for providers themselves."""


def test_it_names_exactly_the_routes_of_the_application(standins: StandIns) -> None:
    aliases = [prefix for one in OPERATIONS for prefix in one.prefixes[1:]]
    served = set()
    for route in create_api(standins.services).routes:
        assert isinstance(route, Route)
        if route.name in PAGES:
            continue
        if not any(route.path.startswith(f"{alias}/") for alias in aliases):
            path = re.sub(r"\{(\w+)\}", lambda found: "{" + to_camel(found[1]) + "}", route.path)
            served |= {(method, path) for method in (route.methods or set()) - {"HEAD"}}
    told = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert told == served


@every_operation
def test_each_operation_says_how_it_is_called(operation: Operation[Any]) -> None:
    told = described(operation)
    assert told["operationId"] == operation.name
    assert told["summary"] == operation.summary
    assert set(told["x-permissions"]) == {str(one) for one in operation.permissions}
    assert all(f"`{alias}`" in told["description"] for alias in operation.prefixes[1:])
    assert told["security"] == [{"token": []}, {"bearer": []}, {"apiKey": [], "site": []}]


def test_each_operation_is_named_once() -> None:
    names = [one["operationId"] for item in DOCUMENT["paths"].values() for one in item.values()]
    assert len(names) == len(set(names))


@every_operation
def test_its_parameters_are_those_that_are_read(operation: Operation[Any]) -> None:
    told = described(operation).get("parameters", [])
    in_path = [to_camel(name) for name in re.findall(r"\{(\w+)\}", operation.path)]
    assert [one["name"] for one in told if one["in"] == "path"] == in_path
    asked: type[BaseModel] = operation.asks
    read = parameters(asked) if operation.method == "GET" else ()
    in_query = {one["name"]: one for one in told if one["in"] == "query"}
    assert set(in_query) == {one.name for one in read}
    for one in read:
        shown = in_query[one.name]
        assert (shown["schema"].get("type") == "array") == one.repeated
        assert shown.get("explode") == (True if one.repeated else None)
        assert shown["description"]
    assert ("requestBody" in described(operation)) == (operation.method != "GET")


def test_limits_of_parameters_are_told() -> None:
    told = DOCUMENT["paths"]["/bookings/v2/external-calendars/events"]["get"]["parameters"]
    by_name = {one["name"]: one["schema"] for one in told}
    assert by_name["cursorPaging.limit"] == {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}
    assert by_name["scheduleIds"] == {
        "type": "array",
        "items": {"type": "string", "format": "uuid"},
        "maxItems": MOST_IDS,
    }
    assert by_name["from"].items() >= {"type": "string", "format": "date-time"}.items()
    assert by_name["allDay"] == {"type": "boolean"}


def test_a_field_of_an_answer_that_may_be_unknown_is_optional_and_never_null() -> None:
    told = schema("EventMessage")
    assert set(told["required"]) == {"scheduleId", "calendarType", "start", "end", "allDay"}
    assert told["properties"]["title"]["type"] == "string"
    answers = {name: one for name, one in DOCUMENT["components"]["schemas"].items() if name.endswith("Message")}
    assert answers
    assert '"null"' not in json.dumps(answers)


def test_a_field_of_a_body_that_may_be_left_out_may_be_null() -> None:
    told = schema("ImportSide")
    assert "required" not in told
    assert all({"type": "null"} in field["anyOf"] for field in told["properties"].values())
    assert schema("CalendarRefs")["properties"]["calendars"]["anyOf"][1] == {"type": "null"}


def test_every_field_is_described() -> None:
    for name, told in DOCUMENT["components"]["schemas"].items():
        for field, its in told.get("properties", {}).items():
            named = its.get("$ref", "").rpartition("/")[2]
            assert its.get("description") or schema(named)["description"], f"{name}.{field}"


@every_operation
def test_every_declared_error_is_told_under_its_status(operation: Operation[Any]) -> None:
    told = described(operation)["responses"]
    for declared in operation.errors:
        listed = told[str(declared.error.status)]
        assert declared.when in {one["when"] for one in listed["x-errors"]}
        assert f"`{declared.code}`" in listed["description"]


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
async def test_both_are_served_to_anybody_and_once(client: httpx2.AsyncClient, path: str) -> None:
    del client.headers["Authorization"]
    answer = await client.get(ROOT + path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    tag = answer.headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await client.get(ROOT + path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await client.get(ROOT + path, headers={"If-None-Match": '"other"'})).content == answer.content


async def test_what_is_served_is_the_document(client: httpx2.AsyncClient) -> None:
    answer = await client.get(f"{ROOT}/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == DOCUMENT


def test_the_reference_in_the_repository_is_made_of_it() -> None:
    page = Path(api_page.PAGE).read_text(encoding="utf-8")
    assert page == api_page.api(), "run `python -m scripts.reference`"
    for operation in OPERATIONS:
        assert f"### {operation.name}\n" in page
