from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.addresses import why_no_database, why_refused

REFUSED = [
    "127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "0.1.2.3", "::", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.51.100.7",
    "203.0.113.9", "198.18.0.1", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::", "2001::1", "2a00:1450::5efe:10.0.0.1",
    "2a00:1450::200:5efe:7f00:1",
]  # fmt: skip
REACHABLE = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::200e"]


@pytest.mark.parametrize("address", REFUSED)
def test_it_refuses_what_is_not_plainly_public(address: str) -> None:
    assert why_refused(address)


@pytest.mark.parametrize("address", REACHABLE)
def test_it_lets_public_addresses_pass(address: str) -> None:
    assert why_refused(address) == ""


def test_a_network_that_was_allowed_may_be_reached_and_its_neighbours_may_not() -> None:
    allowed = [ip_network("10.2.0.0/16"), ip_network("fd00:1::/32")]

    assert why_refused("10.2.3.4", allowed=allowed) == ""
    assert why_refused("fd00:1::5", allowed=allowed) == ""
    assert why_refused("10.3.0.1", allowed=allowed) == "private"
    assert why_refused("::ffff:10.2.3.4", allowed=allowed), "the form is what is refused"


@given(st.ip_addresses(v=4))
def test_no_address_that_python_calls_private_gets_through(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast:
        assert why_refused(str(address))


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_gets_through_inside_an_ipv6_one(inner: IPv4Address) -> None:
    number = int(inner)
    for outer in (0xFFFF << 32 | number, number, 0x64FF9B << 96 | number, (0x2002 << 112) | number << 80):
        assert why_refused(str(IPv6Address(outer)))


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        why_refused("hooks.example")


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::",
        "fe80::1%eth0", "febf::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1", "::ffff:169.254.169.254", "::ffff:0:169.254.169.254",
        "::169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1", "2a00:1450::5efe:169.254.169.254",
    ],
)  # fmt: skip
def test_no_database_is_where_clouds_keep_their_metadata_in_whichever_form(address: str) -> None:
    assert why_no_database(address)
    assert why_no_database(address, allowed=[ip_network("0.0.0.0/0"), ip_network("::/0")])


@pytest.mark.parametrize(
    "address", ["10.2.3.4", "192.168.1.9", "127.0.0.1", "::1", "fd12:3456::7", "8.8.8.8", "::ffff:10.2.3.4"]
)
def test_a_database_may_be_anywhere_else(address: str) -> None:
    assert why_no_database(address) == ""


def test_databases_are_in_the_networks_that_are_named_and_in_no_others() -> None:
    allowed = [ip_network("10.2.0.0/16"), ip_network("fd12::/16")]

    assert why_no_database("10.2.3.4", allowed=allowed) == ""
    assert why_no_database("::ffff:10.2.3.4", allowed=allowed) == ""
    assert why_no_database("fd12::9", allowed=allowed) == ""
    assert why_no_database("10.3.0.1", allowed=allowed) == "outside of LIFTMON_MONITORED_DATABASE_NETWORKS"
