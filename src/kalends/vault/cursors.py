"""Cursors of lists: signed, valid for a day, and good on the site alone that they were handed out on."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from kalends.model.errors import Invalid, Rule
from kalends.vault.signing import SignatureRefused, Signer

LIFETIME = timedelta(hours=24)
LONGEST = 196_608


class Cursors:
    """Makes and reads the cursors of one kind of list; `field` is where a request holds them."""

    def __init__(self, signer: Signer, field: str) -> None:
        self._signer = signer
        self._field = field

    def make(self, site_id: str, claims: Mapping[str, Any]) -> str:
        """Return a cursor that carries the claims: the whole query, and where the last page ended."""
        return self._signer.sign({**claims, "site": site_id}, LIFETIME)

    def read(self, site_id: str, cursor: str) -> Mapping[str, Any]:
        """Return what a cursor carries; raises `Invalid`, for another site's cursor too."""
        try:
            claims = self._signer.verify(cursor[: LONGEST + 1])
        except SignatureRefused as refused:
            why = "has expired" if refused.expired else "is not one that was handed out here"
            raise self._refused(f"The cursor {why}.") from None
        if claims["site"] != site_id:
            raise self._refused("The cursor is not one that was handed out here.")
        return claims

    def _refused(self, description: str) -> Invalid:
        return Invalid.one(self._field, description, Rule.OTHER, name="INVALID_CURSOR")
