"""Servers that hand members over by multiget only, and refuse a GET for one of them."""

from kalends.providers.quirks import Quirk

QUIRK = Quirk(
    name="refused_gets",
    summary="It refuses to hand over a single event, and hands it over when asked as if for several.",
    found_by="A GET for a member is refused, and a calendar-multiget for that member alone brings it.",
    consequence="Single events are asked for by multiget too. When a calendar is read in full, GET is tried again.",
    known_from=(
        "Feishu: reported for Full Calendar (obsidian-full-calendar-remastered/plugin-full-calendar pull request 351)",
    ),
)

REFUSED = frozenset({403, 405, 501})
"""Statuses by which GET is refused; others are about the member."""
