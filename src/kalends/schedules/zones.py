"""Which time zone a schedule is in, and whether it follows the site's (`timeZone`, `businessTimeZoneEnabled`)."""

from typing import NamedTuple

from kalends.model.errors import Invalid, Rule

FIELD = "schedule.timeZone"


class Zone(NamedTuple):
    """The zone of a schedule, and whether it changes with the site's."""

    name: str
    follows_site: bool


def chosen_zone(site_zone: str, before: Zone, *, given: str | None, follows: bool | None) -> Zone:
    """Return the zone of a schedule that was in `before`, where a request gives a zone, or says whether to follow.

    A zone other than the site's, given alone, ends the following; the site's own, given alone, leaves it as it was. To
    follow and to be elsewhere contradict each other: that is refused, for either would be dropped unseen. Raises
    `Invalid`.
    """
    if follows:
        if given not in {None, site_zone}:
            raise Invalid.one(
                FIELD,
                f"must be the site's time zone, {site_zone}, or absent, where businessTimeZoneEnabled is true",
                Rule.OTHER,
                name="BUSINESS_TIME_ZONE",
            )
        return Zone(site_zone, follows_site=True)
    if follows is False:
        return Zone(given or before.name, follows_site=False)
    if given is None:
        return before
    return Zone(given, follows_site=before.follows_site and given == site_zone)
