"""Apple: iCloud's calendars by CalDAV (RFC 4791) at one place, built in.

Apple publishes no description of it. What other clients have found, and the tests hold us to, is told in
`tests/icloud`: accounts begin at one host and live on another, which may change.
"""

from kalends.model.provider import CalendarType
from kalends.providers.caldav import CalDavKind

REQUESTS_PER_MINUTE = 240
"""To one account: fast enough for an import, and no faster than somebody with several devices."""

APPLE = CalDavKind(
    kind="apple",
    built_in_id="9f084ae8-b3a6-4eb6-a29d-bc682c04b5fc",
    calendar_type=CalendarType.I_CAL,
    default_name="Apple",
    fixed_url="https://caldav.icloud.com",
    one_domain=True,
    requests_per_minute=REQUESTS_PER_MINUTE,
    advice=(
        "Apple takes an app-specific password here, not the password of the Apple Account: "
        "one is made at account.apple.com under Sign-In and Security."
    ),
)
"""iCloud calendars, under the id that the contract publishes for them."""
