"""Seeds: files that say what is in a sandbox at its start."""

import json
from datetime import UTC, datetime

import pytest

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.microsoft.bearer import PERSONAL_TENANT
from kalends.sandbox.microsoft.seed import plant, plausible_week, read_seed
from kalends.sandbox.seeds import BadSeed
from tests.sandbox.microsoft.stage import Json, all_day, timed, weekly


def planted(**user: object) -> Json:
    return {"users": [{"email": "a@contoso.example", **user}]}


def test_a_seed_makes_mailboxes_calendars_and_events() -> None:
    said = {
        "users": [
            {
                "email": "a@contoso.example",
                "name": "A",
                "timeZone": "Tokyo Standard Time",
                "events": [timed(), weekly(), all_day(organizer={"emailAddress": {"address": "x@y.z"}})],
                "calendars": [
                    {
                        "name": "Team",
                        "color": "lightRed",
                        "sharedWith": {"b@contoso.example": "write"},
                        "events": [timed()],
                    }
                ],
            },
            {"email": "b@contoso.example"},
            {"email": "c@outlook.com"},
        ]
    }
    state = read_seed(json.dumps(said).encode(), SandboxClock())
    first, second, third = state.mailboxes.values()
    assert len([*first.default.events]) == 3
    assert [one.name for one in second.calendars.values()] == ["Calendar", "Team"]
    assert [*second.calendars.values()][1].can_edit
    assert first.user.tenant_id == second.user.tenant_id != PERSONAL_TENANT
    assert third.user.tenant_id == PERSONAL_TENANT
    assert (first.time_zone, first.user.name, second.user.name) == ("Tokyo Standard Time", "A", "b")


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (b"[", "not JSON"),
        ([], "the file"),
        ({"users": []}, "users"),
        ({"users": [{}]}, "email"),
        ({"people": []}, "people"),
        ({"users": [{"email": "nobody"}]}, "users[0].email"),
        ({"users": [{"email": "a@b.c"}, {"email": "A@b.c"}]}, "users[1].email"),
        (planted(timeZone="Nowhere"), "users[0].timeZone"),
        (planted(events=[5]), "users[0].events[0]"),
        (planted(events=[{"subject": "x"}]), "users[0].events[0]"),
        (planted(events=[timed(summary="x")]), "summary"),
        (planted(calendars=[{"name": "Calendar"}]), "users[0].calendars[0]"),
        (planted(calendars=[{"name": "x", "color": "red"}]), "color"),
        (planted(calendars=[{"name": "x", "sharedWith": {"b@b.c": "read"}}]), "sharedWith"),
        (planted(calendars=[{"name": "x", "sharedWith": {"b@b.c": "owner"}}]), "sharedWith"),
    ],
)
def test_a_seed_that_cannot_be_used_says_where(said: object, where: str) -> None:
    text = said if isinstance(said, bytes) else json.dumps(said).encode()
    with pytest.raises(BadSeed) as raised:
        read_seed(text, SandboxClock())
    assert where in str(raised.value)


@pytest.mark.parametrize("day", range(1, 8))
def test_the_plausible_week_can_be_planted_on_any_day(day: int) -> None:
    state = plant(plausible_week(datetime(2026, 3, day, 12, tzinfo=UTC)), SandboxClock())
    since, until = datetime(2026, 2, 23, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC)
    manager = state.mailboxes[next(iter(state.mailboxes))]
    busy = [one for event in manager.default.events for one in event.instances(since, until)]
    assert len(busy) >= 10
    assert len(state.mailboxes) == 3
