"""The operator's pages."""

from django.urls import path

from sidegate.console import overview

urlpatterns = [path("operator", overview.page, name="operator")]
