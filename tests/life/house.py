"""One installation in memory, put back to its beginning for each history.

Everything runs on one thread and by a clock and randomness of the test's own, so that a
history goes the same way each time. Pages are not looked at, so their templates are empty.
"""

from __future__ import annotations

import gc
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

from argon2 import PasswordHasher
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import override_settings, setup_test_environment, teardown_test_environment

from installation import PASSWORD, START, Installation, _point_django, close_database, install
from life.mail import MailHere
from sidegate.decisions.mail import PasswordCheck
from sidegate.directory.own import OwnDirectory
from sidegate.factors import account_password
from sidegate.serve.django_settings import django_settings
from sidegate.storage.models import Account

ADDRESS, ELSEWHERE = "anna@example.test", "anna@elsewhere.test"
LANGUAGE = "lv"
"""Of her account; the browsers and the installation have another."""
GRACE_DAYS = 14
_TOML = f"[policy]\nrefusal_delay = 0\ngrace_days = {GRACE_DAYS}\n"


class Stream:
    """Randomness that begins anew with each history."""

    def __init__(self) -> None:
        self._random = random.Random(7)  # noqa: S311 - made up, the same each time
        self.at_first = self.state()

    def state(self) -> object:
        return self._random.getstate()

    def go_on(self, state: Any) -> None:  # noqa: ANN401 - Python's own
        self._random.setstate(state)

    def __call__(self, count: int) -> bytes:
        return self._random.randbytes(count)


class Judge(OwnDirectory):
    """The real one; while a password is hashed for a page, something else may happen."""

    meanwhile: Callable[[], None] | None = None

    def check_blocking(
        self, *, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        judged = super().check_blocking(
            account_id=account_id,
            password_hash=password_hash,
            password_version=password_version,
            secret=secret,
        )
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()
        return judged

    def forget(self) -> None:
        """The ids and versions of one history are those of the next."""
        self._known.clear()


class _Empty(dict[str, str]):
    """Every template there is, with nothing in it."""

    def __missing__(self, key: str) -> str:
        return ""


_EMPTY_PAGES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", _Empty())]},
    }
]


class Kept(NamedTuple):
    """How an installation stood."""

    database: sqlite3.Connection
    ms: int
    sent: list[dict[str, str]]
    random: object


@dataclass
class House:
    """The installation, and what a history needs of it."""

    here: Installation
    judge: Judge
    stream: Stream
    file: sqlite3.Connection
    """The database as it is at the beginning."""
    mail: MailHere = field(init=False)
    probe: MailHere = field(init=False)
    """The same door, which leaves nothing behind."""
    lived: dict[tuple[str, str, bool], Any] = field(default_factory=dict)
    """Beginnings of histories that were lived once."""
    _kept: list[sqlite3.Connection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mail = MailHere(self.here.context, leaves=True)
        self.probe = MailHere(self.here.context, leaves=False)
        self.here.context.bell.answered_by(self._send_codes)

    def begin_again(self) -> None:
        """Put everything back."""
        self.put_back(Kept(self.file, START, [], self.stream.at_first))
        self.judge.forget()
        self.judge.meanwhile = None
        self.mail.begin_again()

    def _send_codes(self) -> None:
        """Whatever waits for a phone; the bell rings for messages, too."""
        with connection.cursor() as cursor:
            waits = cursor.execute(
                "SELECT 1 FROM job WHERE kind <> 'notice' AND state = 'waiting'"
            ).fetchone()
        if waits:
            self.here.send_codes()

    def keep(self) -> Kept:
        """How it stands now, to be put back later."""
        copy = sqlite3.connect(":memory:")
        _database().backup(copy)
        kept = Kept(copy, self.here.clock.ms, [*self.here.sender.sent], self.stream.state())
        self._kept.append(copy)
        return kept

    def put_back(self, kept: Kept) -> None:
        kept.database.backup(_database())
        self.here.clock.ms = kept.ms
        self.here.sender.sent[:] = kept.sent
        self.stream.go_on(kept.random)

    def close(self) -> None:
        for copy in self._kept:
            copy.close()
        self.mail.close()
        self.probe.close()
        self.judge.close()


@contextmanager
def nothing_left() -> Iterator[None]:
    """Around looking: whatever the look changed is undone."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def opened(folder: Path) -> Iterator[House]:
    """An installation with one account, in memory."""
    usual, account_password._HASHER = (
        account_password._HASHER,
        PasswordHasher(time_cost=1, memory_cost=8, parallelism=1),
    )
    asynchronous = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    # The mail door's event loop and the database share one thread here, on purpose.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    setup_test_environment(debug=False)
    house = _house(folder)
    try:
        with override_settings(TEMPLATES=_EMPTY_PAGES), _seldom_collected():
            yield house
    finally:
        house.close()
        house.file.close()
        teardown_test_environment()
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        if asynchronous is not None:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = asynchronous
        _leave_memory(folder)
        account_password._HASHER = usual


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Python looks for garbage seldom, and never at what was there before: a tenth of the time."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def _house(folder: Path) -> House:
    here = install(folder, toml=_TOML)
    judge, stream = Judge(), Stream()
    here.context = replace(here.context, judge=judge, random=stream)
    anna = here.add(ADDRESS, PASSWORD)
    Account.objects.filter(pk=anna.pk).update(recovery_address=ELSEWHERE, language=LANGUAGE)
    file = str(settings.DATABASES["default"]["NAME"])
    connection.close()
    beginning = sqlite3.connect(":memory:")
    with closing(sqlite3.connect(file)) as stored:
        stored.backup(beginning)
    wanted = django_settings(here.context.config, here.context)
    wanted["DATABASES"]["default"]["NAME"] = ":memory:"
    _point_django(wanted)
    connection.ensure_connection()
    return House(here, judge, stream, beginning)


def _database() -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection)


def _leave_memory(folder: Path) -> None:
    # Django keeps a database in memory open; the next test brings settings of its own.
    _database().close()
    close_database()
    here = install(folder / "after")
    assert here.context
    close_database()
