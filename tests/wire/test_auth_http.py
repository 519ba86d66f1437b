from __future__ import annotations

from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.wire import auth_http
from sidegate.wire.sasl import Malformed

ASKED = [(b"auth-method", b"plain"), (b"auth-protocol", b"imap")]


def request(login: bytes, secret: bytes) -> auth_http.NginxRequest:
    return auth_http.parse([*ASKED, (b"auth-user", login), (b"auth-pass", secret)])


def test_what_nginx_sends() -> None:
    asked = auth_http.parse(
        [
            (b"host", b"x"),
            (b"Auth-Method".lower(), b"PLAIN"),
            (b"auth-protocol", b"smtp"),
            (b"auth-user", b"a%40example.test"),
            (b"auth-pass", b"%25%20"),
            (b"auth-login-attempt", b"1"),
            (b"client-ip", b"203.0.113.9"),
            (b"client-host", b"host.example.test"),
            (b"auth-ssl", b"on"),
        ]
    )
    assert (asked.method, asked.protocol, asked.address) == ("plain", "smtp", "203.0.113.9")
    assert asked.tls
    assert auth_http.credentials(asked) == ("a@example.test", "% ")


@pytest.mark.parametrize("twice", ["auth-user", "auth-pass", "client-ip", "auth-protocol"])
def test_a_header_that_is_there_twice(twice: str) -> None:
    headers = [*ASKED, (twice.encode(), b"a"), (twice.encode(), b"a")]
    with pytest.raises(auth_http.NotAsked, match=f"{twice} is there twice"):
        auth_http.parse(headers)


def test_no_text_form_holds_the_secret() -> None:
    asked = request(b"login", b"zebra")
    shown = f"{asked!r} {asked} {auth_http.credentials(asked)!r}"
    assert "zebra" not in shown


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_whatever_was_typed_arrives(login: str, secret: str) -> None:
    try:
        given_bytes = login.encode(), secret.encode()
    except UnicodeEncodeError:
        return
    asked = request(*(quote_from_bytes(value, safe="").encode() for value in given_bytes))
    if "\0" in login + secret:
        with pytest.raises(Malformed):
            auth_http.credentials(asked)
    else:
        assert auth_http.credentials(asked) == (login, secret)


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_any_bytes_are_read_or_malformed(login: bytes, secret: bytes) -> None:
    try:
        found = auth_http.credentials(request(login, secret))
    except Malformed:
        return
    assert found.login
    assert found.secret


@given(st.text(max_size=60))
def test_nothing_that_splits_a_header_is_sent(value: str) -> None:
    try:
        headers = auth_http.go_on(address="127.0.0.1", port=1, user=value, password=value)
    except ValueError:
        return
    for _, sent in headers:
        assert not set(sent) & {*range(0x20), 0x7F}
        assert sent == sent.strip(b" \t")
        assert sent


def test_without_a_password_nginx_keeps_what_it_was_given() -> None:
    headers = dict(
        auth_http.go_on(address="::1", port=143, user="žane@example.test", password=None)
    )
    assert headers == {
        b"Auth-Status": b"OK",
        b"Auth-Server": b"::1",
        b"Auth-Port": b"143",
        b"Auth-User": "žane@example.test".encode(),
    }
