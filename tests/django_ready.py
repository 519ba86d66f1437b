"""Configures Django as `serve` does, before a test module imports a model."""

import os
import tempfile
from pathlib import Path
from typing import Any

os.environ["TZ"] = "UTC"  # the default of [codes] countries: none, wherever the tests run

import django
from django.conf import settings

from sidegate.accounts.context import Context
from sidegate.config import load_config
from sidegate.serve.django_settings import django_settings
from sidegate.storage.keys import KeyRing

if not settings.configured:
    _nothing: Any = None
    _config = load_config(Path(tempfile.gettempdir()) / "sidegate-no-such-folder")
    _keys = KeyRing(keys={"1": bytes(32)}, newest="1")
    _context = Context(_config, _keys, _nothing, _nothing, _nothing)
    settings.configure(**django_settings(_config, _context))
    django.setup()
