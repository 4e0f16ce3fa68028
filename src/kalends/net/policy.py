"""What the operator allows beyond the public internet: settings of the process that nothing a site stores can widen."""

import re
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import urlsplit

from kalends.net.address import IPAddress, IPNetwork, is_public
from kalends.net.url import canonical_host, literal


@dataclass(frozen=True, slots=True)
class AllowRule:
    """One entry of `KALENDS_NET_ALLOW`.

    `subject` is a canonical host name, allowed wherever it leads, or a network, allowed under whatever name.
    `port` None means every port.
    """

    subject: str | IPNetwork
    port: int | None = None

    @classmethod
    def parse(cls, entry: str) -> "AllowRule":
        """Read `host`, `host:port`, an IP address, `address:port`, `[v6]:port` or a CIDR. Raises `ValueError`."""
        try:
            return cls(ip_network(entry))
        except ValueError:
            if "://" in entry:
                raise ValueError(_is_a_url(entry)) from None
            if "/" in entry:
                raise ValueError(f"{entry!r} is not a network: write it as 10.0.0.0/8, without host bits") from None
        try:
            parts = urlsplit(f"//{entry}")
            port = parts.port
            host = canonical_host(parts.netloc if port is None else parts.netloc.rpartition(":")[0])
        except ValueError:
            raise ValueError(f"{entry!r} is not a host, host:port, IP address or network") from None
        address = literal(host)
        return cls(host if address is None else ip_network(address), port)

    def covers(self, host: str, port: int, address: IPAddress) -> bool:
        """Tell whether the rule allows to dial an address as this canonical host and port."""
        if self.port not in {None, port}:
            return False
        return host == self.subject if isinstance(self.subject, str) else address in self.subject


@dataclass(frozen=True, slots=True)
class NetPolicy:
    """Where requests may go. By default: public addresses and nothing else.

    `allow` opens further addresses, and is the only thing that lets credentials go over plain http (there).
    `trusted_hosts` are canonical hosts that may be given credentials whatever domain the account's server is in.
    """

    allow: tuple[AllowRule, ...] = ()
    trusted_hosts: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, allow: str = "", trusted: str = "") -> "NetPolicy":
        """Read the settings: entries with commas or white space between them.

        Raises `ValueError` with a message for the operator.
        """
        return cls(
            tuple(AllowRule.parse(entry) for entry in _entries(allow)),
            frozenset(_trusted_host(entry) for entry in _entries(trusted)),
        )

    def allows(self, host: str, port: int, address: IPAddress) -> bool:
        """Tell whether the operator has allowed this address for this canonical host and port by name."""
        return any(rule.covers(host, port, address) for rule in self.allow)

    def may_dial(self, host: str, port: int, address: IPAddress) -> bool:
        """Tell whether a connection to this address may be opened."""
        return is_public(address) or self.allows(host, port, address)


def _entries(text: str) -> list[str]:
    return [entry for entry in re.split(r"[,\s]+", text) if entry]


def _trusted_host(entry: str) -> str:
    try:
        return canonical_host(entry)
    except ValueError:
        if "://" in entry:
            raise ValueError(_is_a_url(entry)) from None
        raise ValueError(f"{entry!r} is not a host: write it without scheme, port and path") from None


def _is_a_url(entry: str) -> str:
    host = entry.partition("://")[2].rpartition("@")[2].partition("/")[0]
    shown = re.sub(r"//[^/]*@", "//***@", entry)
    return f"{shown!r} is not a host but a URL: write only its host, {host or 'example.org'}"
