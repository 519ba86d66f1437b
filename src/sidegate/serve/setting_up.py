"""One installation, ready for actions: context made, Django configured, nothing started."""

from __future__ import annotations

import secrets
import time

import django
from django.conf import settings

from sidegate.accounts.context import Context
from sidegate.config import Config
from sidegate.decisions.own_questions import OwnQuestions
from sidegate.directory.dovecot import DovecotDirectory
from sidegate.directory.own import OwnDirectory
from sidegate.serve.django_settings import django_settings
from sidegate.storage.keys import KeyRing, open_keys


def now() -> int:
    """Milliseconds since the Unix epoch, UTC."""
    return time.time_ns() // 1_000_000


def own_questions(keys: KeyRing) -> OwnQuestions:
    """The mark of this installation on what it asks a directory."""
    return OwnQuestions(keys.derived("own-questions"))


def _directory(config: Config, keys: KeyRing) -> DovecotDirectory | None:
    auth = config.endpoint(config.directory.auth)
    userdb = config.endpoint(config.directory.userdb)
    if config.has_own_passwords or auth is None or userdb is None:
        return None
    return DovecotDirectory(auth=auth, userdb=userdb, own=own_questions(keys), now=now)


def setup(config: Config) -> Context:
    """Open the keys and configure Django; once in a process."""
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = open_keys(config.keys_folder, random=secrets.token_bytes)
    context = Context(
        config=config,
        keys=keys,
        judge=OwnDirectory(),
        now=now,
        random=secrets.token_bytes,
        directory=_directory(config, keys),
    )
    settings.configure(**django_settings(config, context))
    django.setup()
    return context
