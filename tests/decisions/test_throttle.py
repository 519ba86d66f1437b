"""The throttle's table, its property, and the networks that are counted."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.decisions.throttle import Counters, Limits, network_of, tells_who_asks, throttled

LIMITS = Limits(pair=10, familiar_pair=40, login=100, network=200)

# pair, login, network, familiar -> throttled
TABLE = [
    (0, 0, 0, False, False),
    (9, 99, 199, False, False),
    (10, 0, 0, False, True),
    (0, 100, 0, False, True),
    (0, 0, 200, False, True),
    (10, 100, 200, True, False),
    (39, 10_000, 10_000, True, False),
    (40, 0, 0, True, True),
]


@pytest.mark.parametrize(("pair", "login", "network", "familiar", "expected"), TABLE)
def test_the_table(
    pair: int,
    login: int,
    network: int,
    familiar: bool,  # noqa: FBT001 - a column of the table
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert throttled(Counters(pair, login, network, familiar), LIMITS) is expected


def test_the_numbers_are_those_of_the_documentation() -> None:
    assert Limits() == LIMITS


COUNT = st.integers(0, 10**6)


@given(COUNT, COUNT, COUNT)
def test_failures_elsewhere_never_throttle_a_familiar_pair(
    pair: int, login: int, network: int
) -> None:
    calm = throttled(Counters(pair, 0, 0, familiar=True), LIMITS)
    assert throttled(Counters(pair, login, network, familiar=True), LIMITS) is calm


@given(COUNT, COUNT, COUNT)
def test_being_familiar_never_makes_it_worse(pair: int, login: int, network: int) -> None:
    if throttled(Counters(pair, login, network, familiar=True), LIMITS):
        assert throttled(Counters(pair, login, network, familiar=False), LIMITS)


NETWORKS = [
    ("192.0.2.7", "192.0.2.0/24"),
    ("192.0.2.255", "192.0.2.0/24"),
    ("10.1.2.3", "10.1.2.0/24"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
    ("::ffff:192.0.2.7", "192.0.2.0/24"),
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.2", "127.0.0.2"),
    ("::1", "::1"),
    ("::1%lo", "::1"),
    ("::ffff:127.0.0.1", "127.0.0.1"),
    ("fe80::1%eth0", "fe80::/64"),
    ("", "unknown"),
    ("192.0.2.7 ", "unknown"),
    ("192.0.2", "unknown"),
    ("mail.example.test", "unknown"),
    ("192.0.2.7\0", "unknown"),
]


@pytest.mark.parametrize(("address", "network"), NETWORKS)
def test_the_networks(address: str, network: str) -> None:
    assert network_of(address) == network
    single = {"127.0.0.1", "127.0.0.2", "::1", "unknown"}
    assert tells_who_asks(network) is (network not in single)


@given(st.ip_addresses().map(str) | st.text(max_size=80) | st.just("::1%" + "x" * 300))
def test_any_address_counts_somewhere_that_can_be_stored(address: str) -> None:
    network = network_of(address)
    assert 0 < len(network) <= 50
    assert network.isascii()
    assert network.isprintable()


@given(st.ip_addresses(v=4), st.integers(0, 255))
def test_neighbours_share_a_network(address: ipaddress.IPv4Address, last: int) -> None:
    neighbour = ipaddress.ip_address((int(address) & ~255) | last)
    if not address.is_loopback:
        assert network_of(str(address)) == network_of(str(neighbour))
