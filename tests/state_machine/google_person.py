"""Somebody with calendars at Google."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from kalends.sandbox.google.bearer import User
from tests.export.accounts import GoogleAccount
from tests.google.stage import Stage
from tests.state_machine.person import PRIMARY, Body, Person, Sort, Spell
from tests.state_machine.remote import DAY, SERIES


@dataclass
class GooglePerson(Person):
    """A Google account."""

    TITLE: ClassVar[str] = "summary"

    stage: Stage

    @classmethod
    async def new(cls, stage: Stage, number: int, first_day: date) -> "GooglePerson":
        """Make an account that nobody had before."""
        user = User(str(1000 + number), f"person{number}@gmail.com", f"Person {number}")
        stage.grants.add_user(user)
        stage.state.add_user(user)
        return cls(stage, user, user.email, first_day, calendars={PRIMARY: user.email})

    def owner(self) -> GoogleAccount:
        return GoogleAccount(self.stage, self.account)

    def times(self, spell: Spell) -> Body:
        if spell.sort is Sort.ALL_DAY:
            return {"start": {"date": f"{spell.day}"}, "end": {"date": f"{spell.day + DAY}"}}
        return {
            name: {"dateTime": f"{spell.day}T{hour:02}:00:00Z", "timeZone": "UTC"}
            for name, hour in (("start", spell.hour), ("end", spell.hour + 1))
        }

    def body(self, spell: Spell) -> Body:
        match spell.sort:
            case Sort.ALL_DAY:
                return {"transparency": "opaque"}
            case Sort.FREE:
                return {"transparency": "transparent"}
            case Sort.DECLINED:
                return {"attendees": [{"email": self.email, "responseStatus": "declined"}]}
            case Sort.SERIES | Sort.OVERRIDDEN:
                return {"recurrence": [f"RRULE:FREQ=DAILY;COUNT={SERIES}"]}
            case _:
                return {}

    def instance(self, spell: Spell, number: int) -> str:
        return f"{spell.event_id}_{spell.day + number * DAY:%Y%m%d}T{spell.hour:02}0000Z"

    def team(self, number: int) -> Body:
        del number
        return {"summary": "Team"}

    async def expire_cursors(self, calendar: str) -> None:
        await self.stage.press(f"{self.path(calendar)}/expireSyncTokens", {})

    async def set_pages(self, calendar: str, size: int, empty: int = 0) -> None:
        await self.stage.press(f"{self.path(calendar)}/listing", {"mostPerPage": size, "emptyPages": empty})

    async def calm(self) -> None:
        for name in self.calendars:
            await self.stage.press(f"{self.path(name)}/listing", {})
