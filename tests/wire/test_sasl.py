"""PLAIN and LOGIN: what is right, and that nothing else ever raises anything else."""

import base64
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.wire import sasl

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def b64(*parts: bytes) -> bytes:
    return base64.b64encode(b"\0".join(parts))


@given(login=NAMES, secret=NAMES, authzid=NAMES | st.just(""))
def test_plain_round_trip(login: str, secret: str, authzid: str) -> None:
    message = b64(authzid.encode(), login.encode(), secret.encode())
    assert sasl.plain(message) == (login, secret, authzid)


@given(login=NAMES, secret=NAMES)
def test_login_round_trip(login: str, secret: str) -> None:
    assert sasl.login(b64(login.encode()), b64(secret.encode())) == (login, secret, "")


@given(st.binary() | st.binary().map(base64.b64encode), st.binary() | st.binary().map(b64))
def test_any_bytes_give_credentials_or_malformed(one: bytes, two: bytes) -> None:
    for read in (partial(sasl.plain, one), partial(sasl.login, one, two)):
        try:
            credentials = read()
        except sasl.Malformed:
            continue
        assert credentials.login
        assert credentials.secret
        assert "\0" not in "".join(credentials)


BAD = {
    "not base64": b"!!!",
    "white space in base64": b"AGEA Yg==",
    "line break at the end": b64(b"", b"a", b"b") + b"\n",
    "no padding": b64(b"", b"a", b"b").rstrip(b"="),
    "excess after the padding": b64(b"", b"a", b"b") + b"AAAA",
    "empty": b"",
    "two parts": b64(b"a", b"b"),
    "four parts": b64(b"", b"a", b"b", b""),
    "no login": b64(b"", b"", b"b"),
    "no secret": b64(b"", b"a", b""),
    "login that is no UTF-8": b64(b"", b"\xff", b"b"),
    "secret that is no UTF-8": b64(b"", b"a", b"\xc3"),
    "authzid that is no UTF-8": b64(b"\xff", b"a", b"b"),
    "surrogate": b64(b"", b"a", b"\xed\xa0\x80"),
    "login too long": b64(b"", b"a" * (sasl.MAX_NAME + 1), b"b"),
    "authzid too long": b64(b"a" * (sasl.MAX_NAME + 1), b"a", b"b"),
    "secret too long": b64(b"", b"a", b"b" * (sasl.MAX_SECRET + 1)),
}


@pytest.mark.parametrize("message", BAD.values(), ids=BAD.keys())
def test_malformed_plain(message: bytes) -> None:
    with pytest.raises(sasl.Malformed):
        sasl.plain(message)


def test_nul_in_login() -> None:
    with pytest.raises(sasl.Malformed):
        sasl.login(b64(b"a\0"), b64(b"b"))
    with pytest.raises(sasl.Malformed):
        sasl.login(b64(b"a"), b64(b"\0b"))


def test_the_longest_are_read() -> None:
    message = b64(b"", b"a" * sasl.MAX_NAME, b"b" * sasl.MAX_SECRET)
    assert sasl.plain(message).secret == "b" * sasl.MAX_SECRET


def test_no_text_form_holds_the_secret() -> None:
    credentials = sasl.plain(b64(b"", b"alice@example.test", b"hush-hush"))
    assert "hush-hush" not in f"{credentials} {credentials!r}"
    with pytest.raises(sasl.Malformed) as caught:
        sasl.plain(b64(b"hush-hush", b"hush-hush"))
    assert "hush" not in str(caught.value)
