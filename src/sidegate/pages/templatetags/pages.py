"""What every page's template uses."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html

from sidegate.accounts import people_time
from sidegate.pages import browsers
from sidegate.pages.context import context

register = template.Library()
register.filter(browsers.in_words)


@register.simple_tag
@cache
def asset(name: str) -> str:
    """The address of a static file, another one when its content is another."""
    found = finders.find(name)
    content = Path(found).read_bytes() if isinstance(found, str) else b""
    return f"{static(name)}?v={hashlib.sha256(content).hexdigest()[:12]}"


@register.simple_tag
def when(milliseconds: int) -> str:
    """A point in time, as a person says it; the exact one for whoever wants it."""
    at, now = people_time.moment(milliseconds), people_time.moment(context().now())
    return _time(at.isoformat(), people_time.exact_words(at), people_time.moment_words(at, now=now))


@register.simple_tag
def day(milliseconds: int) -> str:
    """A date, as a person says it."""
    at, now = people_time.moment(milliseconds), people_time.moment(context().now())
    return _time(at.isoformat(), people_time.exact_words(at), people_time.day_words(at, now=now))


@register.simple_tag
def clock(milliseconds: int) -> str:
    """A time of day."""
    at = people_time.moment(milliseconds)
    return _time(at.isoformat(), people_time.exact_words(at), people_time.clock_words(at))


def _time(exact: str, title: str, words: str) -> str:
    return format_html('<time datetime="{}" title="{}">{}</time>', exact, title, words)


@register.filter
def whole(address: str) -> str:
    """An address in a sentence: its hyphens end no line as long as it fits into one."""
    return format_html('<bdi class="whole">{}</bdi>', address)


@register.inclusion_tag("pages/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """One field: its label, its hint, what is wrong with it, and the control."""
    return {"field": bound}


@register.inclusion_tag("pages/choice.html")
def choice(bound: BoundField) -> dict[str, Any]:
    """A question with radio buttons."""
    return {"field": bound}
