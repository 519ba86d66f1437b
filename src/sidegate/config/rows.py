"""Rows of the table of options: how a dataclass field says its kind, default and help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, field, fields
from typing import Any, NamedTuple, TypeVar, cast

from sidegate.config.kinds import Kind

Value = TypeVar("Value")


class Option(NamedTuple):
    """One row of the table."""

    section: str
    key: str
    kind: Kind[Any]
    default: object
    """As the file would say it; `None` where the key must be said."""
    help: str

    @property
    def required(self) -> bool:
        """The file must say it."""
        return self.default is None


def option(kind: Kind[Value], default: object, text: str = "") -> Value:
    """A key with the default that the file would say."""
    return _row(kind, default, text, value=kind.read(default))


def required(kind: Kind[Value], text: str = "") -> Value:
    """A key that has no default: the file must say it."""
    return _row(kind, None, text, value=MISSING)


def _row(kind: Kind[Value], default: object, text: str, *, value: object) -> Value:
    said = {"default_factory": dict} if value == {} else {"default": value}
    made: Value = field(
        **cast("Any", said),
        repr=not kind.secret,
        metadata={"kind": kind, "default": default, "help": text},
    )
    return made


def rows(section: str, made: type[Any]) -> Iterator[Option]:
    """The rows of one dataclass of options, in the order of the file."""
    for key in fields(made):
        row = key.metadata
        yield Option(section, key.name, row["kind"], row["default"], row["help"])
