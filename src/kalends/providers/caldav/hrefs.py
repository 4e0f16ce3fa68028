"""URLs and hrefs: one way of writing each, so that the same thing has the same name in every answer.

RFC 4918 §8.3 lets a server write hrefs as absolute paths or as whole URLs, and servers percent-encode as they please,
at times differently in different answers. Paths are compared and kept in one normal form; what is asked for is asked
for as the server wrote it, since not all that is compared as equal is equivalent (RFC 3986 §2.2).
"""

import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlsplit

from kalends.net.url import DEFAULT_PORTS, HttpUrl

LONGEST_KEPT = 1_000
"""Bytes that a path or URL may have to be kept as a key: indexes of databases do not take much longer ones."""

_UNRESERVED_IN_SEGMENT = "-._~!$&'()*+,;=:@"
_NORMAL = re.compile(rf"[/A-Za-z0-9{re.escape(_UNRESERVED_IN_SEGMENT)}]*")
_IN_A_URL = "".join(map(chr, range(0x21, 0x7F))).translate({ord(character): None for character in "#\\"})


def normal_path(path: str) -> str:
    """Return the path with everything percent-encoded that RFC 3986 §3.3 does not allow in a segment, and nothing else.

    An encoded slash stays encoded: it is part of a name.
    """
    if _NORMAL.fullmatch(path):
        return path
    return "/".join(quote(unquote_to_bytes(segment), safe=_UNRESERVED_IN_SEGMENT) for segment in path.split("/"))


def origin_of(url: str) -> str:
    """Return `scheme://host[:port]` in canonical form, without the scheme's own port. Raises `net.errors.BadUrl`."""
    parsed = HttpUrl.parse(url)
    return f"{parsed.scheme}://{parsed.authority}"


def host_of(url: str) -> str:
    """Return the host of a URL, for messages: paths may name people and events. Raises `net.errors.BadUrl`."""
    return HttpUrl.parse(url).host


def raw_path(href: str, base: str) -> str:
    """Return the path that an href names, as it is written; a relative one is seen from the path `base`."""
    scheme, separator, rest = href.partition("://")
    if separator and scheme.lower() in DEFAULT_PORTS:
        return "/" + rest.partition("/")[2]
    return href if href.startswith("/") else base.rpartition("/")[0] + "/" + href


_parent = lru_cache(maxsize=16)(normal_path)
"""A collection's members share their parent, so it is brought into its normal form once."""


def sendable(path: str) -> str:
    """Return a path as it is written, with only that percent-encoded which no URL can hold."""
    return quote(path, safe=_IN_A_URL)


def path_of(url: str) -> str:
    """Return the normal path of a URL or absolute path, with a slash at its end: a collection's name for itself."""
    path = normal_path(raw_path(url, "/"))
    return path if path.endswith("/") else path + "/"


def same_place(url: str, other: str) -> bool:
    """Tell whether two URLs or absolute paths have the same path, however they spell it; hosts are not compared."""
    return path_of(url) == path_of(other)


def name_in(href: str, collection: str) -> str | None:
    """Return the normal name of a collection's direct member, "" for the collection itself, None for anything else.

    `collection` is a path as `path_of` returns it; it names itself with or without the slash at its end. Hosts are not
    compared: servers behind a proxy write their own.
    """
    parent, _, last = raw_path(href.strip(), collection).rpartition("/")
    path = f"{_parent(parent)}/{normal_path(last)}"
    if path in {collection, collection[:-1]}:
        return ""
    name = path.removeprefix(collection)
    return None if name == path or "/" in name or name in {".", ".."} else name


def member_key(href: str, collection: str) -> str | None:
    """Return the key of a collection's member, its normal path; None where the href is no direct member."""
    name = name_in(href, collection)
    return collection + name if name else None


def is_self(href: str, collection: str) -> bool:
    """Tell whether an href names the collection itself."""
    return name_in(href, collection) == ""


def absolute(href: str, base_url: str) -> str:
    """Return the URL that an href in the answer from `base_url` stands for; the path stays as the server wrote it.

    Raises `net.errors.BadUrl`.
    """
    scheme, separator, _ = href.strip().partition("://")
    whole = bool(separator) and scheme.lower() in DEFAULT_PORTS
    return origin_of(href.strip() if whole else base_url) + raw_path(href.strip(), urlsplit(base_url).path or "/")


def normal_url(url: str) -> str:
    """Return the URL with origin and path in normal form, without query and fragment. Raises `net.errors.BadUrl`."""
    return origin_of(url) + normal_path(urlsplit(url).path or "/")
