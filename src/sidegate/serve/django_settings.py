"""Django's settings, made from the configuration: nothing is set anywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf.locale import LANG_INFO

import sidegate
from sidegate.accounts.context import Context
from sidegate.config import Config
from sidegate.config.options import languages
from sidegate.pages.lifetimes import IDLE
from sidegate.storage.database import database_settings

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "sidegate.pages.static_files.StaticFiles",
    "sidegate.pages.headers.SecurityHeaders",
    "sidegate.portal.middleware.Sessions",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "sidegate.portal.middleware.SignedIn",
)
_CONTEXT_PROCESSORS = (
    "django.template.context_processors.request",
    "django.contrib.messages.context_processors.messages",
    "sidegate.portal.frame.frame",
)
_MOST_POSTED = 64 * 1024
_STATIC_SECONDS = 24 * 60 * 60


def django_settings(config: Config, context: Context) -> dict[str, Any]:
    """Everything that `django.conf.settings.configure` is given."""
    secure = config.is_https
    prefix = "__Host-" if secure else ""
    return {
        "SIDEGATE_CONTEXT": context,
        "SECRET_KEY": context.keys.derived("django").hex(),
        "DEBUG": False,
        "ALLOWED_HOSTS": [config.portal_host, *_LOOPBACK_NAMES],
        "ROOT_URLCONF": "sidegate.serve.urls",
        "INSTALLED_APPS": [
            "django.contrib.staticfiles",
            "heroicons",
            "sidegate.storage",
            "sidegate.pages",
            "sidegate.portal",
            "sidegate.console",
        ],
        "MIDDLEWARE": list(_MIDDLEWARE),
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": list(_CONTEXT_PROCESSORS)},
            }
        ],
        "DATABASES": {"default": database_settings(url=config.database.url, data=config.data)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "SESSION_ENGINE": "sidegate.pages.sessions",
        "SESSION_COOKIE_AGE": IDLE // 1000,
        "SESSION_COOKIE_NAME": f"{prefix}sidegate",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_NAME": f"{prefix}sidegate-csrf",
        "CSRF_COOKIE_SECURE": secure,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_FAILURE_VIEW": "sidegate.portal.errors.csrf_failure",
        "CSRF_TRUSTED_ORIGINS": [config.server.url.rstrip("/")],
        "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
        "DATA_UPLOAD_MAX_MEMORY_SIZE": _MOST_POSTED,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_HSTS_SECONDS": 31_536_000 if secure else 0,
        "STATIC_URL": "/static/",
        "WHITENOISE_USE_FINDERS": True,
        # The address of a file has its digest in it.
        "WHITENOISE_MAX_AGE": _STATIC_SECONDS,
        "WHITENOISE_ALLOW_ALL_ORIGINS": False,
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "USE_I18N": True,
        "LANGUAGE_CODE": "en",
        "LANGUAGES": _languages(),
        "LOCALE_PATHS": [Path(sidegate.__file__).parent / "locale"],
        "LOGGING_CONFIG": None,
    }


def _languages() -> list[tuple[str, str]]:
    """Each by its own name, English first: whoever looks for hers knows that one."""
    named = [(code, _own_name(code)) for code in languages()]
    return sorted(named, key=lambda one: (one[0] != "en", one[1]))


def _own_name(code: str) -> str:
    name: str = LANG_INFO[code]["name_local"]
    return name[:1].upper() + name[1:]
