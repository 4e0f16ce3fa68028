"""Servers whose sync-collection names no member to the empty token, although there are some."""

from kalends.providers.quirks import Quirk

QUIRK = Quirk(
    name="empty_first_listings",
    summary="Asked for all events by sync-collection, it names none.",
    found_by="sync-collection with an empty token names no member, and PROPFIND names some.",
    consequence="The first listing is by etag; the token that came with the empty one is used from then on.",
    known_from=("Stalwart: stalwartlabs/stalwart issue 2783",),
)
