"""Somebody with calendars at Microsoft."""

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.preferences import Preferences
from kalends.sandbox.microsoft.rendering import View, render_calendar
from kalends.sandbox.microsoft.state import Mailbox, Oddities, State
from tests.export.accounts import MicrosoftAccount
from tests.microsoft.stage import Stage
from tests.state_machine.person import PRIMARY, Body, Person, Sort, Spell
from tests.state_machine.remote import DAY, SERIES


@dataclass
class MicrosoftPerson(Person):
    """A Microsoft account, its `mailbox`, and the `state` of all."""

    TITLE: ClassVar[str] = "subject"

    stage: Stage
    mailbox: Mailbox = field(kw_only=True)
    state: State = field(kw_only=True)

    @classmethod
    async def new(cls, stage: Stage, number: int, first_day: date) -> "MicrosoftPerson":
        """Make an account that nobody had before: of work, or a personal one."""
        user = User.of(f"person{number}@{('salon.example', 'outlook.com')[number % 2]}", f"Person {number}")
        stage.grants.add_user(user)
        mailbox = stage.state.add_user(user)
        calendars = {PRIMARY: render_calendar(mailbox.default)["id"]}
        return cls(stage, user, user.email, first_day, calendars=calendars, mailbox=mailbox, state=stage.state)

    def owner(self) -> MicrosoftAccount:
        return MicrosoftAccount(self.stage, self.account)

    def times(self, spell: Spell) -> Body:
        if spell.sort is Sort.ALL_DAY:
            days = (("start", spell.day), ("end", spell.day + DAY))
            return {name: {"dateTime": f"{day}T00:00:00", "timeZone": "UTC"} for name, day in days}
        hours = (("start", spell.hour), ("end", spell.hour + 1))
        return {name: {"dateTime": f"{spell.day}T{hour:02}:00:00", "timeZone": "UTC"} for name, hour in hours}

    def body(self, spell: Spell) -> Body:
        match spell.sort:
            case Sort.ALL_DAY:
                return {"isAllDay": True}
            case Sort.FREE:
                return {"showAs": "free"}
            case Sort.DECLINED:
                return {"responseStatus": {"response": "declined", "time": "2026-11-20T00:00:00Z"}}
            case Sort.SERIES | Sort.OVERRIDDEN:
                extent = {"type": "numbered", "startDate": f"{spell.day}", "numberOfOccurrences": SERIES}
                return {"recurrence": {"pattern": {"type": "daily", "interval": 1}, "range": extent}}
            case _:
                return {}

    def instance(self, spell: Spell, number: int) -> str:
        return self._immutable(spell.event_id, spell.day + number * DAY)

    def lasting_id(self, event_id: str) -> str:
        return self._immutable(event_id)

    def _immutable(self, event_id: str, day: date | None = None) -> str:
        calendar, event, _ = self.mailbox.event(event_id)
        return View(calendar, Preferences(immutable_ids=True)).id(event.key, day)

    def team(self, number: int) -> Body:
        """Return a calendar of a name of its own: by that, one is found again whose id has changed."""
        return {"name": f"Team {number}"}

    async def expire_cursors(self, calendar: str) -> None:
        await self.stage.press(f"{self.path(calendar)}/expireDelta", {})

    async def set_pages(self, calendar: str, size: int, empty: int = 0) -> None:
        """Do so for all calendars."""
        del calendar
        await self.stage.press("/oddities", {"mostPerPage": size, "emptyPages": empty})

    async def calm(self) -> None:
        self.state.oddities = Oddities()

    async def withdraw(self) -> None:
        """Take the consent back, and let the hour go by for which access tokens live on."""
        await super().withdraw()
        await self.stage.press("/oauth/expire-access-tokens", {})

    async def change_calendar_id(self, calendar: str) -> None:
        """Have Graph call a calendar otherwise."""
        said = await self.stage.press(f"{self.path(calendar)}/changeId", {})
        self.calendars[calendar] = said["id"]
