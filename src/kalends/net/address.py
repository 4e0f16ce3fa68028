"""Which IP addresses belong to the public internet.

The tables are our own rather than `ipaddress.is_global`, whose answer differs between Python releases and counts
multicast as global. Source: the IANA special-purpose address registries of both families (RFC 6890).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_CLOSED_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # public by its number, but a cloud's own metadata and DNS service
        "169.254.0.0/16",  # link-local, with the metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, with Teredo and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",  # documentation
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


def plain(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv4-mapped IPv6 address stands for, any other address as it is."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: IPAddress) -> bool:
    """Tell whether an address is a public unicast one.

    Of the IPv6 forms that carry an IPv4 address, the mapped one and NAT64 (RFC 6052, the well-known prefix: networks
    without IPv4 reach the rest of the world through it) count as what they carry. The others are never public.
    """
    address = plain(address)
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _CLOSED_V4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(IPv4Address(address.packed[-4:]))
    return address in _GLOBAL_UNICAST and not any(address in block for block in _CLOSED_V6)
