"""The page on which somebody lets an app in, clicked by plain HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kalends.sandbox import consent
from tests.sandbox.google.oauth_app import (
    ASKED,
    BACK,
    EMAIL,
    EVENTS,
    LISTS,
    OWNER,
    TRAINER,
    Asking,
    asking,
    came_back,
)


@pytest.fixture(name="app")
async def _app() -> AsyncIterator[Asking]:
    async with asking() as app:
        yield app


async def test_the_page_names_the_app_the_accounts_and_a_box_for_each_calendar_scope(app: Asking) -> None:
    answer = await app.ask()
    form = await app.page()
    assert "Bookings &lt;b&gt;&amp;&lt;/b&gt; Co" in answer.text
    assert "<b>" not in answer.text
    assert OWNER.email in answer.text
    assert "sandbox" in answer.text
    assert form.accounts == [OWNER.id, TRAINER.id]
    assert form.scopes == [EVENTS, LISTS] == form.ticked
    assert form.buttons == ["continue", "cancel"]
    assert form.method == "post"


async def test_the_page_runs_no_script_loads_nothing_and_goes_into_no_frame(app: Asking) -> None:
    answer = await app.ask()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    for word in ("<script", "<img", "<link", " src=", "url(", "@import", " style="):
        assert word not in answer.text


async def test_continue_gives_a_code_the_granted_scopes_and_the_state(app: Asking) -> None:
    back = await app.code(state="a b&c=d")
    assert back["code"].startswith("4/")
    assert back["state"] == "a b&c=d"
    assert set(back["scope"].split()) == {"openid", "email", EMAIL, LISTS, EVENTS}
    assert (back["authuser"], back["prompt"]) == ("0", "consent")
    assert "hd" not in back


async def test_somebody_of_a_workspace_comes_back_with_its_domain(app: Asking) -> None:
    back = await app.code(account=TRAINER.id)
    assert (back["hd"], back["authuser"]) == ("studio.example", "1")


async def test_what_was_unticked_is_not_granted(app: Asking) -> None:
    back = await app.code(untick=[EVENTS])
    assert set(back["scope"].split()) == {"openid", "email", EMAIL, LISTS}
    assert (await app.redeem(back["code"])).json()["scope"].split() == [LISTS, EMAIL, "openid"]


async def test_what_was_not_asked_for_cannot_be_ticked(app: Asking) -> None:
    form = await app.page(scope=f"openid {LISTS}")
    form.ticked.append(EVENTS)
    assert EVENTS not in came_back(await app.press(form))["scope"].split()


async def test_one_scope_alone_is_answered_by_yes_or_no(app: Asking) -> None:
    form = await app.page(scope=EVENTS)
    assert form.scopes == []
    assert came_back(await app.press(form))["scope"] == EVENTS


async def test_unticking_everything_denies_access(app: Asking) -> None:
    form = await app.page(scope=f"{LISTS} {EVENTS}")
    assert came_back(await app.press(form, untick=[LISTS, EVENTS])) == {"error": "access_denied", "state": "kept"}


async def test_cancel_denies_access(app: Asking) -> None:
    assert came_back(await app.press(await app.page(), "cancel")) == {"error": "access_denied", "state": "kept"}
    assert app.grants.consented(OWNER, app.client) == frozenset()


async def test_a_form_is_taken_once(app: Asking) -> None:
    form = await app.page()
    came_back(await app.press(form))
    again = await app.press(form)
    assert again.status_code == 400
    assert "location" not in again.headers
    assert "used already" in again.text


@pytest.mark.parametrize("form_token", ["", "made-up"])
async def test_a_form_that_was_never_shown_is_refused(app: Asking, form_token: str) -> None:
    form = await app.page()
    form.hidden["form"] = form_token
    assert (await app.press(form)).status_code == 400


async def test_a_form_runs_out(app: Asking) -> None:
    form = await app.page()
    app.clock.advance(timedelta(minutes=30))
    assert (await app.press(form)).status_code == 400


async def test_so_many_forms_wait_and_no_more(app: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "MOST_FORMS", 2)
    first, second, third = [await app.page() for _ in range(3)]
    assert (await app.press(first)).status_code == 400
    came_back(await app.press(second))
    came_back(await app.press(third))


async def test_an_account_that_is_not_there_cannot_be_chosen(app: Asking) -> None:
    assert (await app.press(await app.page(), account="999")).status_code == 400


async def test_another_button_is_refused(app: Asking) -> None:
    assert (await app.press(await app.page(), "other")).status_code == 400


@pytest.mark.parametrize("hint", [TRAINER.email, TRAINER.email.upper(), TRAINER.id])
async def test_login_hint_chooses_the_account(app: Asking, hint: str) -> None:
    assert (await app.page(login_hint=hint)).chosen == [TRAINER.id]


async def test_a_hint_at_nobody_changes_nothing(app: Asking) -> None:
    assert (await app.page(login_hint="nobody@example.org")).chosen == [OWNER.id]


@pytest.mark.parametrize("domain", ["studio.example", "STUDIO.example", "*"])
async def test_hd_leaves_the_accounts_of_the_domain(app: Asking, domain: str) -> None:
    form = await app.page(hd=domain)
    assert form.accounts == [TRAINER.id]
    assert (await app.press(form, account=OWNER.id)).status_code == 400


async def test_without_an_account_one_can_only_cancel(app: Asking) -> None:
    form = await app.page(hd="elsewhere.example")
    assert (form.accounts, form.buttons) == ([], ["cancel"])
    assert came_back(await app.press(form, "cancel"))["error"] == "access_denied"


@pytest.mark.parametrize(
    "parameters",
    [
        {"client_id": ""},
        {"client_id": "1-made-up.apps.googleusercontent.com"},
        {"redirect_uri": ""},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "https://127.0.0.1/callback"},
        {"redirect_uri": "http://127.0.0.1@evil.example/callback"},
        {"redirect_uri": "http://user@127.0.0.1/callback"},
        {"redirect_uri": "http://127.0.0.1.evil.example/callback"},
        {"redirect_uri": "http://localhost:9000/callback#here"},
        {"redirect_uri": "http://localhost:port/callback"},
        {"redirect_uri": "javascript:alert(1)"},
    ],
    ids=lambda parameters: "-".join([*parameters, *parameters.values()]),
)
async def test_an_unknown_app_or_address_gets_a_page_never_a_redirect(app: Asking, parameters: dict[str, str]) -> None:
    answer = await app.ask(**parameters)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("uri", ["http://localhost/x?a=1", "http://127.9.9.9:1/x", "http://[::1]:5/x"])
async def test_any_loopback_address_is_right_unless_some_are_registered(app: Asking, uri: str) -> None:
    assert (await app.ask(redirect_uri=uri)).status_code == 200
    strict = app.grants.add_client("Strict", redirect_uris=[BACK, "https://bookings.example/back"])
    assert (await app.ask(client_id=strict.id, redirect_uri=uri)).status_code == 400
    assert (await app.ask(client_id=strict.id, redirect_uri=BACK + "/")).status_code == 400
    assert (await app.ask(client_id=strict.id)).status_code == 200
    assert (await app.ask(client_id=strict.id, redirect_uri="https://bookings.example/back")).status_code == 200


async def test_the_redirect_keeps_what_its_address_asks(app: Asking) -> None:
    answer = await app.press(await app.page(redirect_uri=BACK + "?a=1%202"))
    assert answer.headers["location"].startswith(BACK + "?a=1%202&state=kept&code=4")


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": ""}, "invalid_request"),
        ({"scope": "openid https://www.googleapis.com/auth/calendar.made.up"}, "invalid_scope"),
        ({"prompt": "perhaps"}, "invalid_request"),
        ({"prompt": "none consent"}, "invalid_request"),
        ({"access_type": "sometimes"}, "invalid_request"),
        ({"include_granted_scopes": "perhaps"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "a" * 129}, "invalid_request"),
        ({"code_challenge": "a" * 42 + "!"}, "invalid_request"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join([*value, *value.values()])[:60],
)
async def test_other_errors_go_back_to_the_app(app: Asking, parameters: dict[str, str], error: str) -> None:
    back = came_back(await app.ask(**parameters))
    assert (back["error"], back["state"]) == (error, "kept")
    assert "code" not in back


async def test_a_parameter_may_come_once(app: Asking) -> None:
    answer = await app.http.get(
        "/o/oauth2/v2/auth", params=[("client_id", app.client.id), ("client_id", app.client.id), ("redirect_uri", BACK)]
    )
    assert answer.status_code == 400
    assert "single value: client_id" in answer.text


async def test_what_is_too_long_or_cannot_be_read_is_refused(app: Asking) -> None:
    assert (await app.ask(state="s" * 8_193)).status_code == 400
    assert (await app.ask(**{f"more{number}": "1" for number in range(60)})).status_code == 200
    assert (await app.ask(**{f"more{number}": "1" for number in range(101)})).status_code == 400
    asked = f"client_id={app.client.id}&redirect_uri={BACK}&response_type=code&scope=openid"
    assert (await app.http.get(f"/o/oauth2/v2/auth?{asked}")).status_code == 200
    assert (await app.http.get(f"/o/oauth2/v2/auth?{asked}&login_hint=%ff")).status_code == 400
    assert (await app.http.post("/signin/oauth/consent", data={"form": "f" * 70_000})).status_code == 413


async def test_prompt_none_asks_nobody(app: Asking) -> None:
    assert came_back(await app.ask(prompt="none"))["error"] == "interaction_required"
    assert came_back(await app.ask(prompt="none", login_hint=OWNER.email))["error"] == "consent_required"
    await app.code()
    back = came_back(await app.ask(prompt="none", login_hint=OWNER.email))
    assert (back["prompt"], back["authuser"]) == ("none", "0")
    assert (await app.redeem(back["code"])).status_code == 200
    assert came_back(await app.ask(prompt="none", login_hint=TRAINER.email))["error"] == "consent_required"


async def test_prompt_none_does_not_widen_what_was_granted(app: Asking) -> None:
    await app.code(untick=[EVENTS])
    assert came_back(await app.ask(prompt="none", login_hint=OWNER.email))["error"] == "consent_required"


async def test_who_consented_already_is_not_asked_again(app: Asking) -> None:
    await app.code()
    assert came_back(await app.ask(login_hint=OWNER.email))["prompt"] == "none"
    assert (await app.page()).accounts == [OWNER.id, TRAINER.id], "whose account it is has still to be asked"
    for prompt in ("consent", "select_account", "select_account consent"):
        assert (await app.page(login_hint=OWNER.email, prompt=prompt)).chosen == [OWNER.id]
    wider = f"{ASKED} https://www.googleapis.com/auth/calendar"
    assert (await app.page(login_hint=OWNER.email, scope=wider)).chosen == [OWNER.id]


async def test_the_only_account_is_meant_without_a_hint() -> None:
    async with asking(users=[OWNER]) as app:
        await app.code()
        assert came_back(await app.ask())["code"]


@pytest.mark.parametrize("value", ["true", "false"])
async def test_enable_granular_consent_changes_nothing_for_a_new_client(app: Asking, value: str) -> None:
    assert (await app.page(enable_granular_consent=value)).scopes == [EVENTS, LISTS]
