"""Stands in for curl where a machine has none: the options that the documents use, and nothing else.

As the check's own curl it fails on an answer that is an error of the API (exit code 22).
"""

import argparse
import sys
from urllib.parse import quote

import httpx2

HTTP_ERROR = 22


def main() -> int:
    """Send one request and print its answer."""
    parser = argparse.ArgumentParser(prog="curl")
    parser.add_argument("url")
    parser.add_argument("-G", action="store_true", help="put the data into the query")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data", action="append", default=[])
    parser.add_argument("--data-urlencode", dest="encoded", action="append", default=[])
    asked = parser.parse_args()
    pairs = [*asked.data, *(f"{name}={quote(value, safe='')}" for name, _, value in map(_split, asked.encoded))]
    url, body = asked.url, "&".join(pairs)
    if asked.G:
        url, body = f"{url}{'&' if '?' in url else '?'}{body}", ""
    headers = dict(one.split(": ", 1) for one in asked.headers)
    answer = httpx2.request(
        asked.method or ("POST" if body else "GET"), url, headers=headers, content=body or None, trust_env=False
    )
    print(answer.text)
    return HTTP_ERROR if answer.is_error else 0


def _split(pair: str) -> tuple[str, str, str]:
    return pair.partition("=")


if __name__ == "__main__":
    sys.exit(main())
