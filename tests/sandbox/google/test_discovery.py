"""What holds others to Google's document is itself held to it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.sandbox.google.discovery import Validated, amiss

EVENTS = "/calendar/v3/calendars/primary/events"
GOOD = {"kind": "calendar#events", "items": []}


async def found(verb: str, path: str, *, body: Any = None, answer: Any = GOOD, status: int = 200) -> list[str]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await Response(b"" if answer is None else json.dumps(answer), status)(scope, receive, send)

    validated = Validated(app)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=validated), base_url="http://x") as http:
        await http.request(verb, path, json=body)
    return [one.what for one in validated.violations]


async def test_what_google_knows_passes() -> None:
    query = (
        "?maxResults=5&singleEvents=true&timeMin=2026-01-01T00:00:00Z&eventTypes=default&eventTypes=birthday&alt=json"
    )
    assert await found("GET", EVENTS + query) == []
    event = {"summary": "x", "start": {"date": "2026-01-01"}, "extendedProperties": {"private": {"any": "value"}}}
    assert await found("POST", EVENTS, body=event, answer=event) == []
    assert await found("DELETE", f"{EVENTS}/x", answer=None, status=204) == []
    error = {"error": {"code": 404, "message": "", "errors": [{"domain": "", "reason": "", "message": ""}]}}
    assert await found("GET", EVENTS, answer=error, status=404) == []


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("pagesize=5", "parameter pagesize is unknown"),
        ("maxResults=many", "parameter maxResults is no integer"),
        ("maxResults=0", "parameter maxResults is out of range"),
        ("singleEvents=yes", "parameter singleEvents is no boolean"),
        ("orderBy=size", "parameter orderBy is none of its values"),
        ("timeMin=yesterday", "parameter timeMin is no date-time"),
        ("q=a&q=b", "parameter q is given twice"),
        ("calendarId=x", "parameter calendarId is unknown"),
    ],
)
async def test_a_wrong_parameter_is_found(query: str, what: str) -> None:
    assert await found("GET", f"{EVENTS}?{query}") == [what]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"title": "x"}, "Event.title is unknown"),
        ({"summary": 5}, "Event.summary is no string"),
        ({"sequence": True}, "Event.sequence is no integer"),
        ({"start": {"date": "2026-02-30"}}, "Event.start.date is no date"),
        ({"start": {"zone": "UTC"}}, "Event.start.zone is unknown"),
        ({"attendees": [{"mail": "x"}]}, "Event.attendees[0].mail is unknown"),
        ({"attendees": {}}, "Event.attendees is no array"),
        ({"extendedProperties": {"private": {"a": 1}}}, "Event.extendedProperties.private.a is no string"),
    ],
)
async def test_a_wrong_field_is_found_in_requests_and_answers(body: Mapping[str, Any], what: str) -> None:
    assert await found("POST", EVENTS, body=body, answer={}) == [what]
    assert await found("POST", EVENTS, body={}, answer=body) == [what]


async def test_unknown_methods_and_wrong_forms_are_found() -> None:
    assert await found("GET", "/calendar/v3/shoes") == ["no such method"]
    assert await found("PATCH", EVENTS) == ["no such method"]
    assert await found("POST", f"{EVENTS}/x/move", body={}, answer={}) == ["there is a body"]
    assert await found("DELETE", f"{EVENTS}/x", answer={}) == ["there is an answer"]
    error = {"error": {"code": 400, "message": "", "errors": [{"message": ""}]}}
    assert await found("GET", EVENTS, answer=error, status=400) == ["the error is not of Google's form"]
    assert await found("GET", "/elsewhere") == []


def test_a_log_of_requests_is_held_to_it_too() -> None:
    good = f"{EVENTS}?singleEvents=false&syncToken=x%2Fy&fields=items%28id%29"
    asked = [{"method": "GET", "path": one} for one in (good, f"{EVENTS}?singleEvent=false", "/calendar/v3/shoes", "/")]
    assert [(one.asked, one.what) for one in amiss(asked)] == [
        (f"GET {EVENTS}", "parameter singleEvent is unknown"),
        ("GET /calendar/v3/shoes", "no such method"),
    ]


SERVES = re.compile(
    r"google\.application import create_application|^from scripts\.chromium|/demo/connect/google", re.MULTILINE
)
"""What a test says that serves Google's sandbox, in its own process or as a program."""
HELD = re.compile(r"\b(Validated|amiss)\(")


def test_whoever_serves_the_sandbox_holds_what_it_is_asked_to_the_document() -> None:
    tests = Path(__file__).parents[2]
    serving = {path for path in tests.rglob("*.py") if SERVES.search(path.read_text())} - {Path(__file__)}
    assert len(serving) >= 5
    assert [str(path.relative_to(tests)) for path in serving if not HELD.search(path.read_text())] == []
