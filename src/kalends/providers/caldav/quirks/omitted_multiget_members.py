"""Servers that leave members out of the answer to a multiget (RFC 4791 §7.9), which ought to name each that was asked.

It is never believed that what is left out does not exist.
"""

from kalends.providers.quirks import Quirk

QUIRK = Quirk(
    name="omitted_multiget_members",
    summary="It leaves events out when asked for several at once, without a word about them.",
    found_by="The answer to a calendar-multiget has no response at all for a member that was asked for.",
    consequence="What is left out is asked for one by one.",
    known_from=(
        "ownCloud, for members that do not exist: owncloud-archive/calendar issue 935",
        "servers that answer about other members than those asked for: bitfireAT/davx5-ose issue 1098",
    ),
)
