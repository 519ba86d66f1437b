"""A mail program that waits for an app password: what her pages say of it."""

from __future__ import annotations

from typing import NamedTuple

from django.http import QueryDict

from sidegate.accounts import app_passwords, right_but_refused
from sidegate.pages.context import context
from sidegate.portal.activity_words import protocol_name
from sidegate.storage.models import Account


class Waiting(NamedTuple):
    """A program that was refused though it has the right account password."""

    at: int
    facts: list[str]
    link: str
    """To the page that makes an app password for it."""


def waiting_for(account: Account) -> Waiting | None:
    """The newest such program, as far as no app password was made since."""
    found = right_but_refused.latest(account, now=context().now())
    if found is None:
        return None
    facts = [found.program, protocol_name(found.protocol), found.address]
    return Waiting(
        found.at, [fact for fact in facts if fact], right_but_refused.link_for(found.program)
    )


def preselected(query: QueryDict) -> dict[str, str]:
    """What such a link selects; anything else in it is ignored."""
    known = {"app": app_passwords.APPS, "device": app_passwords.DEVICES}
    return {name: str(query[name]) for name, keys in known.items() if query.get(name) in keys}
