"""What somebody had typed into a form that came after its area closed: kept, shown again."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.forms import Form, MultipleChoiceField
from django.utils.translation import gettext as _

from sidegate.portal import grants
from sidegate.portal.visitors import PortalRequest

_LONGEST, _MOST = 2000, 50
"""Characters of one field, and values under one name."""


def typed(request: PortalRequest, names: Iterable[str]) -> dict[str, list[str]]:
    """What a form holds under these names."""
    sent = request.POST
    return {name: [value[:_LONGEST] for value in sent.getlist(name)[:_MOST]] for name in names}


def take_back(request: PortalRequest) -> dict[str, list[str]]:
    """What was kept of this page's form, once; tells her where there is anything."""
    if request.method != "GET":
        return {}
    kept = grants.take_back(request)
    if any(value for values in kept.values() for value in values):
        said = _(
            "What you typed is still here, except passwords and codes. "
            "Look it over, and send it again."
        )
        messages.info(request, said)
    return kept


def fill_in(request: PortalRequest, form: Form) -> None:
    """Put what was kept back into the page's form."""
    for name, values in take_back(request).items():
        field = form.fields.get(name)
        if isinstance(field, MultipleChoiceField):
            form.initial[name] = values
        elif field is not None:
            form.initial[name] = values[-1] if values else ""
