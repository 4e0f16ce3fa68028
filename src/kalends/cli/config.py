"""`kalends config`: the settings in force, without what is secret in them."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kalends.cli.options import Json
from kalends.cli.output import Answer, table
from kalends.cli.session import finish, settings_in_force

if TYPE_CHECKING:
    from kalends.settings import Settings


def config(*, json: Json = False) -> None:
    """Print the settings in force and where each comes from; secrets are masked."""

    def work() -> Answer:
        settings = settings_in_force()
        values = masked(settings)
        sources = {name: _source(settings, name) for name in values}
        rows = [(name, value, sources[name]) for name, value in values.items()]
        return Answer({**values, "sources": sources}, [table(("setting", "value", "from"), rows)])

    finish(work, as_json=json)


def masked(settings: "Settings") -> dict[str, Any]:
    """Return setting → value as JSON has it, durations in seconds, with the secrets in them masked."""
    from kalends.settings import MASK, masked_database_url

    values = {name: _plain(getattr(settings, name)) for name in type(settings).model_fields}
    values["database_url"] = masked_database_url(settings.resolved_database_url)
    values["public_url"] = _masked_web_url(settings.public_url)
    for name in ("secret_key", "metrics_token", "google_client_secret"):
        values[name] = None if getattr(settings, name) is None else MASK
    return values


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return int(seconds) if seconds.is_integer() else seconds
    return str(value) if isinstance(value, Path) else value


def _masked_web_url(url: str) -> str:
    from kalends.settings import MASK

    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=f"{parts.username}:{MASK}@{parts.netloc.rpartition('@')[2]}").geturl()


def _source(settings: "Settings", name: str) -> str:
    if os.environ.get(f"KALENDS_{name.upper()}"):
        return "environment"
    from kalends.settings import config_path

    return str(config_path(os.environ)) if name in settings.model_fields_set else "default"
