"""ICS feeds as a kind of provider: a calendar published as one iCalendar text (RFC 5545) at a web address.

kind         the plugin                            session      one connected feed
address      the feed's URL, and how it is shown   fetching     one download, and what can come of it
text         bytes in any character set → UTF-8    splitting    a text → its events, unread
identity     which event of a text is which        reading      a pass over a feed, in pages
cursor       what is remembered between passes
"""

from kalends.providers.ics.kind import IcsKind

ICS = IcsKind()
"""The kind for feeds, whatever serves them."""

__all__ = ["ICS", "IcsKind"]
