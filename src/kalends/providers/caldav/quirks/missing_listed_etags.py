"""Servers that list members without their etags."""

from kalends.providers.quirks import Quirk

QUIRK = Quirk(
    name="missing_listed_etags",
    summary="It lists events without saying which version of them it has.",
    found_by="A listing names a member and gives no getetag for it.",
    consequence="Such an event is fetched whenever it is listed, and its text tells whether it changed.",
    known_from=("SmarterMail: reported for Twenty (twentyhq/twenty issue 25648)",),
)
