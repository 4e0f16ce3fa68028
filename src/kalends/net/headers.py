"""The header fields of an answer."""

from collections.abc import Iterable, Iterator, Mapping


class Headers(Mapping[str, str]):
    """Header fields by name, whatever its case; repeated ones are joined with commas (RFC 9110 §5.3).

    What is no UTF-8 is read as ISO 8859-1, in which every byte stands for something.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._fields: dict[str, str] = {}
        for raw_name, raw_value in fields:
            name, value = _text(raw_name).lower(), _text(raw_value)
            self._fields[name] = f"{self._fields[name]}, {value}" if name in self._fields else value

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
