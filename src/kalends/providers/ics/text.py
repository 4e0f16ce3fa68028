"""Bytes → UTF-8, whatever a server sends and says that it sends."""

import codecs

from kalends.providers import content

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PIECE = 1 << 20
_LAST_RESORT = "cp1252"


def as_utf8(body: bytes, claimed: str) -> bytes:
    """Return a text as UTF-8 without a byte order mark; `claimed` is the character set that its server names.

    What is UTF-8 counts as such, whatever it is called; a byte order mark counts more than a name. Bytes that the
    named set does not have are replaced: one odd character costs no event.
    """
    if body.startswith(_UTF_16):
        return body.decode("utf-16", "replace").encode()
    body = body.removeprefix(codecs.BOM_UTF8)
    if _is_utf8(body):
        return body
    named = claimed if content.is_readable_charset(claimed) and not claimed.startswith("utf") else _LAST_RESORT
    return body.decode(named, "replace").encode()


def _is_utf8(body: bytes) -> bool:
    """Tell by pieces, because the text of a large feed takes four times its bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    try:
        for start in range(0, len(body), _PIECE):
            decoder.decode(view[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
