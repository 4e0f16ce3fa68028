"""The scopes that the consent page knows: what each of them lets an app do, and how Google writes them.

See https://developers.google.com/identity/protocols/oauth2/scopes, for OpenID Connect and for Google Calendar.
"""

from collections.abc import Collection, Iterable

OPENID = "openid"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
SIGN_IN = frozenset({OPENID, EMAIL, PROFILE})
"""What tells an app who somebody is. People cannot untick these one by one."""

_SHORT = {"email": EMAIL, "profile": PROFILE}
AUTH = "https://www.googleapis.com/auth/"
"""What all scopes of Google begin with, but `openid`."""

PURPOSES = {
    OPENID: "Know who you are",
    EMAIL: "See your e-mail address",
    PROFILE: "See your name",
    **{
        AUTH + name: purpose
        for name, purpose in {
            "calendar": "See, change, share and delete all calendars that you can open",
            "calendar.readonly": "See all calendars that you can open",
            "calendar.events": "See and change events on all your calendars",
            "calendar.events.readonly": "See events on all your calendars",
            "calendar.events.owned": "See and change events on calendars that you own",
            "calendar.events.owned.readonly": "See events on calendars that you own",
            "calendar.events.public.readonly": "See events on public calendars",
            "calendar.events.freebusy": "See when you are busy on calendars that you can open",
            "calendar.freebusy": "See when you are busy",
            "calendar.calendarlist": "See, add and remove calendars in your list",
            "calendar.calendarlist.readonly": "See the list of your calendars",
            "calendar.calendars": "See and change names and time zones of calendars, and make calendars",
            "calendar.calendars.readonly": "See names and time zones of calendars",
            "calendar.acls": "See and change who may open calendars that you own",
            "calendar.acls.readonly": "See who may open calendars that you own",
            "calendar.settings.readonly": "See your calendar settings",
            "calendar.app.created": "Make calendars, and see and change only those that it made",
        }.items()
    },
}
"""Scope → what it lets an app do, for people."""


def parse(text: str) -> frozenset[str]:
    """Return the scopes of a parameter `scope`, parted by spaces, under their full names.

    Whoever asks for an e-mail address or a profile is given `openid` too, as by Google.
    """
    scopes = frozenset(_SHORT.get(word, word) for word in text.split())
    return scopes | {OPENID} if scopes & SIGN_IN else scopes


def unknown(scopes: Collection[str]) -> Collection[str]:
    """Return those scopes that Google would call invalid, sorted."""
    return sorted(scope for scope in scopes if scope not in PURPOSES)


def written(scopes: Iterable[str]) -> str:
    """Return scopes as the token endpoint writes them: full names, parted by spaces."""
    return " ".join(sorted(scopes))


def written_for_redirect(scopes: Collection[str]) -> str:
    """Return scopes as the redirect carries them: `email` and `profile` stand there under both their names."""
    short = [word for word, scope in _SHORT.items() if scope in scopes]
    return " ".join([*short, *sorted(scopes)])


def can_be_unticked(scopes: Collection[str]) -> frozenset[str]:
    """Return the scopes that somebody may leave out: all but those for signing in.

    An app that asks for one scope and nothing else is answered by yes or no (Google, "granular permissions").
    """
    return frozenset(scopes) - SIGN_IN if len(scopes) > 1 else frozenset()
