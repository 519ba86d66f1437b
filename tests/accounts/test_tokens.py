"""Tokens of links and cookies: what is stored of them stays what it is, or each one given dies."""

import base64
import hmac
from dataclasses import replace

from installation import Installation
from sidegate.accounts import tokens
from sidegate.storage.keys import KeyRing

OLD, NEW = b"\1" * 32, b"\2" * 32


def expected(key: bytes, *parts: bytes) -> bytes:
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(key, message, "sha256")


def test_what_is_stored_and_what_is_looked_for(installation: Installation) -> None:
    anna = installation.add()
    ctx = replace(installation.context, keys=KeyRing({"1": OLD, "2": NEW}, "2"))
    assert tokens.digest(ctx, purpose=b"p", token="abc") == expected(NEW, b"p", b"abc")
    number = anna.pk.to_bytes(8, "big")
    bound = tokens.digests(ctx, purpose=b"p", token="abc", account=anna)
    assert bound == [expected(key, b"p", number, b"abc") for key in (OLD, NEW)]
    assert tokens.digest(ctx, purpose=b"p", token="abc", account=anna) == bound[1]
    # What somebody brings may be no text at all (half of a pair of surrogates).
    assert tokens.digests(ctx, purpose=b"p", token="\ud800")[1] == expected(NEW, b"p", b"?")


def test_a_new_one_is_what_was_drawn(installation: Installation) -> None:
    ctx = replace(installation.context, random=lambda count: b"\xff" * count)
    assert (tokens.new(ctx), tokens.new(ctx, size=16)) == ("_" * 32, "_" * 21 + "w")
    assert base64.urlsafe_b64decode(tokens.new(ctx, size=16) + "==") == b"\xff" * 16
