"""The settings of the demo: the operator's own, but for what makes it a demo."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from kalends.demo.sandboxes import RunningSandbox
from kalends.settings import Settings, load

TOKEN_LIFETIME = timedelta(days=7)
"""Longer than usual, so that a pasted command still works tomorrow."""


def demo_settings(data_dir: Path, *, port: int | None = None) -> Settings:
    """Return the settings in force, with an embedded database in the demo's folder whatever else is set.

    Unless it is set, tokens are valid for a week. Raises `SettingsError`.
    """
    chosen = load(data_dir=data_dir, database_url=f"sqlite:///{data_dir / 'kalends.db'}", port=port)
    if "token_lifetime" in chosen.model_fields_set:
        return chosen
    return chosen.model_copy(update={"token_lifetime": TOKEN_LIFETIME})


def reaching(
    settings: Settings, address: str, public_url: str | None, sandboxes: Sequence[RunningSandbox] = ()
) -> Settings:
    """Return the settings of a demo whose calendar server is at `address`, and which clients reach at a URL.

    Sandboxes are taken for what they stand in for.
    """
    addresses = (settings.net_allow, address, *(sandbox.address for sandbox in sandboxes))
    changed: dict[str, Any] = {
        "net_allow": ",".join(filter(None, addresses)),
        "public_url": public_url or settings.public_url,
    }
    for sandbox in sandboxes:
        changed |= sandbox.settings
    return settings.model_copy(update=changed)
