"""The Django application that owns every table."""

from django.apps import AppConfig


class StorageConfig(AppConfig):
    """All models of Sidegate."""

    name = "sidegate.storage"
    label = "storage"
    default_auto_field = "django.db.models.BigAutoField"
