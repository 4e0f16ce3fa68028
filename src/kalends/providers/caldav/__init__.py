"""CalDAV (RFC 4791) as a kind of provider: finds an account's calendars, reads what changed there, keeps copies there.

config       what an installation is told            kind       the plugin
discovery    from a URL to principal and homes       session    one connected account
calendars    from homes to calendars                 reading    a pass over one calendar, in pages
planning     which way of listing is believed        listing    which members there are or changed
members      their text                              quirks     what servers do differently
cursor       what is remembered between passes
client       requests, and status to error           errors     what can come of them
bodies, multistatus, hrefs, namespaces               the XML and the names in it

writing            copies in a calendar              export_calendars   calendars that are made for copies
rendering          from a copy to its text           zone_definitions   and to the time zones in it
stored_copies      what a stored text says as a copy
"""

from kalends.providers.caldav.kind import CalDavKind

CALDAV = CalDavKind()
"""The kind for servers that an operator or a site installs by their address."""

__all__ = ["CALDAV", "CalDavKind"]
