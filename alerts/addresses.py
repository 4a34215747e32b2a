"""Which addresses a webhook may reach, and which a database may have. Pure.

A person types a URL, and the server connects from inside the network: what only the inside may reach is refused. That is every
address that is not plainly one of the public internet, and every IPv6 address that carries an IPv4 address in it, since something
on the way may take it out again.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

# What ``is_global`` lets through, or did in some release of Python that we run on.
_REFUSED = tuple(
    (ip_network(text), why)
    for text, why in (
        ("0.0.0.0/8", "of this host"),
        ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
        ("100.64.0.0/10", "of a carrier's own network"),
        ("168.63.129.16/32", "of a cloud's metadata"),
        ("192.0.0.0/24", "reserved"),
        ("192.88.99.0/24", "of a relay between IPv4 and IPv6"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::ffff:0:0/96", "IPv4 written as IPv6"),
        ("::ffff:0:0:0/96", "IPv4 written as IPv6"),
        ("::/96", "IPv4 written as IPv6"),
        ("64:ff9b::/96", "IPv4 behind a translator (NAT64)"),
        ("64:ff9b:1::/48", "IPv4 behind a translator (NAT64)"),
        ("2001::/32", "IPv4 in a tunnel (Teredo)"),
        ("2002::/16", "IPv4 in a tunnel (6to4)"),
        ("100::/64", "reserved"),
        ("3fff::/20", "reserved for documents"),
        ("5f00::/16", "of segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
_ISATAP = {0x00005EFE, 0x02005EFE}
# Databases are usually private, or on this very host; these are never one.
_NO_DATABASE = tuple(
    (ip_network(text), why)
    for text, why in (
        ("0.0.0.0/8", "no address of a host"),
        ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
        ("168.63.129.16/32", "of a cloud's metadata"),
        ("100.100.100.200/32", "of a cloud's metadata"),
        ("192.0.0.0/24", "of a cloud's metadata, or reserved"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "no address of a host"),
        ("fd00:ec2::/32", "of a cloud's metadata"),
        ("fd20:ce::/32", "of a cloud's metadata"),
        ("fe80::/10", "link-local, where clouds keep their metadata"),
        ("ff00::/8", "multicast"),
    )
)
# Behind their first 96 bits stands an IPv4 address.
_TRANSLATED = tuple(ip_network(text) for text in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96"))


def why_refused(text: str, *, allowed: Iterable[Network] = ()) -> str:
    """What an address is that may not be reached (``loopback``, ``private``); "" for one that may.

    ``text`` is as `socket.getaddrinfo` gives it, also with a zone (``fe80::1%eth0``). Raises ValueError for what is no address.
    """
    address = ip_address(text.partition("%")[0])
    if any(address.version == network.version and address in network for network in allowed):
        return ""
    if address.is_loopback:
        return "loopback"
    if address.is_unspecified:
        return "of this host"
    for network, why in _REFUSED:
        if address.version == network.version and address in network:
            return why
    if isinstance(address, IPv6Address) and (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return "IPv4 in a tunnel (ISATAP)"
    if address.is_private:
        return "private"
    return "" if address.is_global else "reserved"


def why_no_database(text: str, *, allowed: Iterable[Network] = ()) -> str:
    """What an address is that no database is asked at; "" for one that may be. ``allowed``: these alone, if there are any, and
    never what is refused anyway. Raises ValueError for what is no address."""
    address = ip_address(text.partition("%")[0])
    carried = _carried(address) if isinstance(address, IPv6Address) else []
    for one in (address, *carried):
        for network, why in _NO_DATABASE:
            if one.version == network.version and one in network:
                return why
    # An IPv4 address is the same one when it is written as IPv6.
    seen = (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
    networks = list(allowed)
    if networks and not any(seen.version == network.version and seen in network for network in networks):
        return "outside of LIFTMON_MONITORED_DATABASE_NETWORKS"
    return ""


def _carried(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that something on the way may take out of it."""
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    # ::1 and :: are themselves, and not 0.0.0.1 in another form.
    if int(address) > 0xFFFF and any(address in network for network in _TRANSLATED):
        found.append(low)
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        found.append(low)
    return [one for one in found if one is not None]
