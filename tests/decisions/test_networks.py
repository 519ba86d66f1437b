"""Networks as people write them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.decisions.networks import NoNetwork, holds, parse, stored, written

ADDRESSES = st.ip_addresses().map(str)


@pytest.mark.parametrize(
    ("text", "as_written"),
    [
        ("", ""),
        (" , ;\n", ""),
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.0/24,2001:DB8::/32", "192.0.2.0/24, 2001:db8::/32"),
        ("192.0.2.7\r\n 192.0.2.7/32 ; 2001:db8::1", "192.0.2.7, 2001:db8::1"),
    ],
)
def test_lists_are_read_and_written(text: str, as_written: str) -> None:
    networks = parse(text)
    assert written(networks) == as_written
    assert stored(as_written) == networks


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("office", None),
        ("192.0.2.256", None),
        ("192.0.2.0/33", None),
        ("192.0.2", None),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("2001:db8::1/32", "2001:db8::/32"),
    ],
)
def test_what_is_none_is_named(text: str, meant: str | None) -> None:
    with pytest.raises(NoNetwork) as problem:
        parse(f"198.51.100.1, {text}")
    assert problem.value.text == text
    assert problem.value.meant == (ipaddress.ip_network(meant) if meant else None)


@pytest.mark.parametrize(
    ("networks", "address", "inside"),
    [
        ("192.0.2.0/24", "192.0.2.255", True),
        ("192.0.2.0/24", "192.0.3.0", False),
        ("192.0.2.0/24", "::ffff:192.0.2.9", True),
        ("192.0.2.0/24", "2001:db8::1", False),
        ("2001:db8::/32", "2001:db8:ffff::1", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("0.0.0.0/0", "", False),
        ("0.0.0.0/0", "localhost", False),
        ("", "192.0.2.1", False),
    ],
)
def test_where_an_address_lies(networks: str, address: str, inside: bool) -> None:  # noqa: FBT001
    assert holds(parse(networks), address) is inside


@given(ADDRESSES)
def test_an_address_is_in_itself_and_in_no_other(address: str) -> None:
    other = str(
        ipaddress.ip_address(address) + (1 if int(ipaddress.ip_address(address)) == 0 else -1)
    )
    assert not holds(parse(other), address)
    if not address.startswith("::ffff:"):
        assert holds(parse(address), address)
