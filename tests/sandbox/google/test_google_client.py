"""Google's own Python client, built from its discovery document, works with the sandbox over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build  # type: ignore[import-untyped]  # it has no types
from googleapiclient.errors import HttpError  # type: ignore[import-untyped]  # it has no types

from kalends.sandbox.serving import serving
from tests.sandbox.google.receiver import receiving
from tests.sandbox.google.stage import OWNER, Json, Stage, timed, weekly

Client = Any
"""What `googleapiclient` makes at run time has no types."""


@pytest.fixture
async def url(stage: Stage) -> AsyncIterator[str]:
    async with serving(stage.validated) as url:
        yield url


async def driven(url: str, drive: Callable[[Client], None]) -> None:
    def work() -> None:
        options = {"api_endpoint": f"{url}/calendar/v3/"}
        credentials = Credentials(token="owner")  # type: ignore[no-untyped-call]  # Google's has no types
        with build("calendar", "v3", credentials=credentials, static_discovery=True, client_options=options) as client:
            drive(client)

    await asyncio.to_thread(work)


def refused(request: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as caught:
        request.execute()
    return caught.value.resp.status, caught.value.error_details[0]["reason"]


def everything(resource: Any, **query: Any) -> tuple[list[Json], str]:
    items: list[Json] = []
    request = resource.list(**query)
    while request is not None:
        page = request.execute()
        items += page["items"]
        request = resource.list_next(request, page)
    return items, page["nextSyncToken"]


async def test_calendars_and_the_list_of_them(url: str) -> None:
    def drive(client: Client) -> None:
        made = client.calendars().insert(body={"summary": "Team", "timeZone": "Europe/London"}).execute()
        (primary, entry), token = everything(client.calendarList(), maxResults=1)
        assert primary["primary"]
        assert (entry["id"], entry["timeZone"]) == (made["id"], "Europe/London")
        client.calendars().patch(calendarId=made["id"], body={"description": "Ours"}).execute()
        assert client.calendars().get(calendarId=made["id"]).execute()["description"] == "Ours"
        client.calendarList().patch(calendarId=made["id"], body={"selected": True}).execute()
        client.calendars().delete(calendarId=made["id"]).execute()
        changed, _ = everything(client.calendarList(), syncToken=token)
        assert [(one["id"], one["deleted"]) for one in changed] == [(made["id"], True)]

    await driven(url, drive)


async def test_pages_sync_tokens_and_410(url: str, stage: Stage) -> None:
    def drive(client: Client) -> None:
        events = client.events()
        made = [events.insert(calendarId="primary", body=timed()).execute()["id"] for _ in range(5)]
        items, token = everything(events, calendarId="primary", maxResults=2)
        assert [one["id"] for one in items] == made
        events.delete(calendarId="primary", eventId=made[0]).execute()
        assert refused(events.delete(calendarId="primary", eventId=made[0])) == (410, "deleted")
        changed, token = everything(events, calendarId="primary", syncToken=token)
        assert [(one["id"], one["status"]) for one in changed] == [(made[0], "cancelled")]
        stage.state.expire_tokens(stage.state.calendars[OWNER.email])
        assert refused(events.list(calendarId="primary", syncToken=token)) == (410, "fullSyncRequired")

    await driven(url, drive)


async def test_ids_and_etags(url: str) -> None:
    def drive(client: Client) -> None:
        events = client.events()
        made = events.insert(calendarId="primary", body=timed(id="abc01")).execute()
        assert refused(events.insert(calendarId="primary", body=timed(id="abc01"))) == (409, "duplicate")
        patch = events.patch(calendarId="primary", eventId="abc01", body={"summary": "New"})
        patch.headers["If-Match"] = made["etag"]
        assert patch.execute()["summary"] == "New"
        assert refused(patch) == (412, "conditionNotMet")

    await driven(url, drive)


async def test_series_instances_import_and_move(url: str) -> None:
    def drive(client: Client) -> None:
        events, team = client.events(), client.calendars().insert(body={"summary": "Team"}).execute()["id"]
        made = events.insert(calendarId="primary", body=weekly(3)).execute()
        first, second, third = events.instances(calendarId="primary", eventId=made["id"]).execute()["items"]
        moved = {**second, **timed(13)}
        events.update(calendarId="primary", eventId=second["id"], body=moved).execute()
        events.delete(calendarId="primary", eventId=third["id"]).execute()
        shown = events.list(calendarId="primary", singleEvents=True, orderBy="startTime").execute()["items"]
        assert [one["id"] for one in shown] == [first["id"], second["id"]]
        assert shown[1]["originalStartTime"] == second["originalStartTime"]
        body = timed(iCalUID="1@elsewhere.example")
        copy = events.import_(calendarId="primary", body=body).execute()
        there = events.move(calendarId="primary", eventId=copy["id"], destination=team).execute()
        assert there["organizer"]["email"] == team

    await driven(url, drive)


async def test_free_times_settings_and_colors(url: str) -> None:
    def drive(client: Client) -> None:
        client.events().insert(calendarId="primary", body=timed()).execute()
        span = {"timeMin": "2026-01-05T00:00:00Z", "timeMax": "2026-01-06T00:00:00Z"}
        said = client.freebusy().query(body={**span, "items": [{"id": "primary"}]}).execute()
        assert len(said["calendars"]["primary"]["busy"]) == 1
        assert client.settings().get(setting="timezone").execute()["value"] == "Europe/Berlin"
        assert client.colors().get().execute()["kind"] == "calendar#colors"

    await driven(url, drive)


async def test_watching_and_stopping(url: str) -> None:
    async with receiving() as receiver:

        def watch(client: Client) -> None:
            body = {"id": "one", "type": "web_hook", "address": receiver.url}
            opened.update(client.events().watch(calendarId="primary", body=body).execute())

        def stop(client: Client) -> None:
            client.events().insert(calendarId="primary", body=timed()).execute()
            client.channels().stop(body={"id": "one", "resourceId": opened["resourceId"]}).execute()

        opened: Json = {}
        await driven(url, watch)
        await receiver.until(["sync"])
        await driven(url, stop)
        assert opened["expiration"].isdigit()


async def test_without_a_good_token_the_client_says_so(url: str, stage: Stage) -> None:
    stage.tokens.known.clear()

    def drive(client: Client) -> None:
        assert refused(client.colors().get()) == (401, "authError")

    with pytest.raises(Exception, match="refresh"):
        await driven(url, drive)
