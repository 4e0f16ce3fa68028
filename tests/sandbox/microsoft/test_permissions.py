"""Who may ask for what: tokens, scopes, application permissions, mailboxes."""

from tests.sandbox.microsoft.stage import GUEST, OWNER, STRANGER, Stage, timed

DENIED = (403, "ErrorAccessDenied")


async def test_a_token_is_needed_and_has_to_be_known(stage: Stage) -> None:
    answer = await stage.http.get("/v1.0/me")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert "invalid_token" in answer.headers["WWW-Authenticate"]
    assert await stage.refused("GET", "/me", token="nobody") == (401, "InvalidAuthenticationToken")


async def test_scopes_open_what_they_name(stage: Stage) -> None:
    made = await stage.create(body={"contentType": "text", "content": "Private"})
    for token in ("Calendars.Read", "Calendars.ReadBasic", "User.Read"):
        stage.tokens.add(token, token)
    assert (await stage.get("/me/calendars", token="Calendars.Read"))["value"]
    read = await stage.get(f"/me/events/{made['id']}", token="Calendars.Read")
    assert read["bodyPreview"] == "Private"
    basic = await stage.get(f"/me/events/{made['id']}", token="Calendars.ReadBasic")
    assert "body" not in basic
    assert "bodyPreview" not in basic
    assert basic["subject"] == "Meeting"
    assert await stage.refused("GET", "/me/calendars", token="User.Read") == DENIED
    assert await stage.refused("GET", "/me", token="Calendars.Read") == (403, "Authorization_RequestDenied")
    for verb, path, body in (
        ("POST", "/me/events", timed()),
        ("POST", "/me/calendars", {"name": "Team"}),
        ("PATCH", f"/me/events/{made['id']}", {"subject": "x"}),
        ("DELETE", f"/me/events/{made['id']}", None),
    ):
        assert await stage.refused(verb, path, body, token="Calendars.Read") == DENIED


async def test_somebody_reads_their_own_mailbox_by_name_and_no_other(stage: Stage) -> None:
    for named in (OWNER.id, OWNER.email, OWNER.email.upper()):
        assert (await stage.get(f"/users/{named}/calendar"))["owner"]["address"] == OWNER.email
    assert await stage.refused("GET", f"/users/{GUEST.id}/calendar") == DENIED
    assert await stage.refused("GET", f"/users/{STRANGER.id}/calendar") == (404, "ErrorInvalidUser")
    assert await stage.refused("GET", "/users/nobody@contoso.example/calendar") == (404, "ErrorInvalidUser")


async def test_an_application_by_itself_reads_every_mailbox_of_its_tenant(stage: Stage) -> None:
    stage.tokens.add_app("app", "Calendars.ReadWrite", "User.Read.All")
    for user in (OWNER, GUEST):
        path = f"/users/{user.email}"
        assert (await stage.get(path, token="app"))["id"] == user.id
        made = await stage.post(f"{path}/events", timed(), token="app")
        assert [one["id"] for one in await stage.view(path, token="app")] == [made["id"]]
        rows, link = await stage.round(path=path, token="app")
        assert len(rows) == 1
        assert f"/users/{user.email}/calendarView/delta" in link
    assert await stage.refused("GET", f"/users/{STRANGER.id}/calendar", token="app") == (404, "ErrorInvalidUser")
    assert await stage.refused("GET", "/me/calendar", token="app") == (400, "BadRequest")


async def test_an_application_needs_the_permissions_that_an_administrator_gave(stage: Stage) -> None:
    stage.tokens.add_app("none")
    stage.tokens.add_app("reader", "Calendars.Read")
    path = f"/users/{OWNER.id}"
    assert await stage.refused("GET", f"{path}/calendar", token="none") == DENIED
    assert (await stage.get(f"{path}/calendar", token="reader"))["isDefaultCalendar"]
    assert await stage.refused("POST", f"{path}/events", timed(), token="reader") == DENIED
    assert await stage.refused("GET", path, token="reader") == (403, "Authorization_RequestDenied")


async def test_an_account_may_have_no_mailbox(stage: Stage) -> None:
    await stage.press(f"/users/{OWNER.email}/mailbox", {"on": False})
    for path in ("/me/calendars", "/me/calendar", "/me/events"):
        assert await stage.refused("GET", path) == (404, "MailboxNotEnabledForRESTAPI")
    assert (await stage.get("/me"))["id"] == OWNER.id
    await stage.press(f"/users/{OWNER.email}/mailbox", {"on": True})
    assert (await stage.get("/me/calendars"))["value"]


async def test_a_calendar_may_be_read_only(stage: Stage) -> None:
    await stage.press(f"/users/{OWNER.email}/calendars/primary/access", {"canEdit": False})
    assert not (await stage.get("/me/calendar"))["canEdit"]
    assert await stage.refused("POST", "/me/events", timed()) == DENIED


async def test_unknown_paths_and_methods_are_refused(stage: Stage) -> None:
    for verb, path in (
        ("GET", "/me/messages"),
        ("GET", "/users"),
        ("GET", "/me/calendars/a/b/c/d/e/f/g/h/i/j/k"),
        ("PUT", "/me/calendar"),
        ("DELETE", "/me/calendar"),
        ("POST", "/me/calendarView"),
        ("GET", "/groups"),
    ):
        assert await stage.refused(verb, path) == (400, "BadRequest"), (verb, path)
