"""A sandbox as somebody meets it who only wants to run it: what to serve, who is there, and an app's registration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.applications import Starlette


@dataclass(frozen=True)
class StandIn:
    """A sandbox to be served, in which one app is registered.

    `users` are the people with an account there: `email`, and what else an account is known by.
    """

    application: Starlette
    users: Sequence[Mapping[str, str]]
    client_id: str
    client_secret: str = field(repr=False)
