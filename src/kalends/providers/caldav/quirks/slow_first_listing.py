"""Servers that take longer for the listing of a whole calendar than any request may usually take."""

from kalends.providers.quirks import Quirk, Quirks

QUIRK = Quirk(
    name="slow_first_listing",
    summary="It takes very long to list a calendar for the first time.",
    found_by="The listing of a whole calendar ran into the time limit, or took longer than a server may keep silent.",
    consequence="Whole listings are waited for up to ten minutes. Everything else keeps the usual limits.",
    known_from=(
        "ownCloud, over ten minutes for some thousand events: owncloud/core issue 16786",
        "Radicale, with a cold cache; two minutes per calendar in Kozea/Radicale issue 691",
        "Baikal: sabre-io/Baikal issue 642; aluxnimm/outlookcaldavsynchronizer issue 151",
    ),
)

PATIENCE = 600.0
"""Seconds."""


def limit(quirks: Quirks) -> float | None:
    """Return for how many seconds a whole listing is waited for, None for as long as for any other request."""
    return PATIENCE if QUIRK in quirks else None
