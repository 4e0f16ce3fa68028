"""A studio: a site with a schedule, and an account at a real CalDAV server that can be connected to it."""

from dataclasses import dataclass
from typing import Any

from tests.cli.operator import Operator
from tests.servers import CalDavServer, Login, component

MEETING = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260101T000000Z
DTSTART:{start}
DTEND:{end}
SUMMARY:{title}
END:VEVENT
END:VCALENDAR
"""
HOSTILE = MEETING.replace("END:VEVENT", "RRULE:FREQ=DAILY;INTERVAL=0\nEND:VEVENT")


def meeting(uid: str, day: int, title: str, text: str = MEETING) -> str:
    return text.format(uid=uid, start=f"202601{day:02}T090000Z", end=f"202601{day:02}T100000Z", title=title)


@dataclass(frozen=True)
class Studio:
    """A site with a schedule and a provider; `connect` are the arguments that connect the login's account to it."""

    operator: Operator
    server: CalDavServer
    login: Login
    calendar: str
    schedule_id: str
    provider_id: str

    @property
    def connect(self) -> tuple[str, ...]:
        to = ("--schedule", self.schedule_id, "--provider", self.provider_id, "--email", self.login.email)
        return ("connection", "connect", *to, "--password-stdin")

    def connected(self) -> Any:
        return self.operator.json(*self.connect, typed=f"{self.login.password}\n")

    def titles(self) -> list[str]:
        listed = self.operator.json("events", "list", "--from", "2026-01-01", "--to", "2026-02-01")
        return [one["title"] for one in listed["events"]]


def open_studio(operator: Operator, radicale: CalDavServer) -> Studio:
    """Make a site, its schedule and provider, and an account with two meetings on the server."""
    operator.environment["KALENDS_STALENESS_LIMIT"] = "P1D"
    operator.environment["KALENDS_WINDOW_BACK_DAYS"] = "3650"
    operator.run("site", "create", "--name", "Studio", "--time-zone", "Europe/Berlin")
    schedule = operator.json("schedule", "create", "--name", "Room")["scheduleId"]
    provider = operator.json("provider", "install", "caldav", "--name", "Ours", "--url", radicale.url)["providerId"]
    login = radicale.login()
    calendar = f"{login.home}work/"
    radicale.make_calendar(calendar, component("d:displayname", text="Work"))
    radicale.put(f"{calendar}one.ics", meeting("one", 5, "First"))
    radicale.put(f"{calendar}two.ics", meeting("two", 6, "[Second]"))
    return Studio(operator, radicale, login, calendar, schedule, provider)
