"""Settings that the type checker's Django plug-in reads; nothing runs with them."""

SECRET_KEY = "only for type checking"  # noqa: S105 - never used
INSTALLED_APPS = ["sidegate.storage"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
SIDEGATE_CONTEXT: object = None
