"""What is not believed at once: that a calendar is suddenly empty, and answers that never end."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kalends.model.calendar import Page
from kalends.providers.errors import Unavailable
from kalends.store.readings import Doubt

FEWEST_OF_ALL = 3
"""Groups of a calendar that is emptied, from which on it is doubted: to delete one or two is what people do."""
FEWEST_OF_MOST = 10
"""Groups that are missing while others are left, from which on it is doubted."""
MOST = 0.9
MAX_PAGES = 10_000
"""Pages of one reading; what is stored by then counts, and the next reading goes on from there."""


def is_sudden(gone: int, left: int) -> bool:
    """Tell whether so much of a calendar is missing that a server at fault is as likely as a person who deleted it.

    `gone` groups would be deleted, and `left` would be there afterwards, new ones among them: a calendar whose events
    were all replaced is not empty.
    """
    if left == 0:
        return gone >= FEWEST_OF_ALL
    return gone >= FEWEST_OF_MOST and gone > MOST * (gone + left)


def is_ripe(doubt: Doubt | None, now: datetime, wait: timedelta) -> bool:
    """Tell whether a doubt is old enough to be put to the proof, at once where our clock was set back since."""
    return doubt is not None and (now - doubt.since >= wait or now < doubt.since)


@dataclass(slots=True)
class Endlessness:
    """Sees to it that a reading comes to its end, whatever the server answers."""

    _pages: int = 0
    _seen: set[int] = field(default_factory=set)

    def check(self, page: Page) -> None:
        """Take note of a page; raises `Unavailable` where it was there before, or is one too many.

        Pages without content may come in any number up to that: providers that filter after paging send them.
        """
        self._pages += 1
        if self._pages > MAX_PAGES:
            raise Unavailable(f"the answer has more than {MAX_PAGES} pages")
        if not (page.changed or page.unchanged or page.removed):
            return
        content = hash((tuple((one.key, one.version) for one in page.changed), page.unchanged, page.removed))
        if content in self._seen:
            raise Unavailable("the provider gives the same page again")
        self._seen.add(content)
