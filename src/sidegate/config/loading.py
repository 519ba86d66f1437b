"""From the file to the checked configuration, and the file of the first start."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import Field
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from sidegate.config.checks import check_together
from sidegate.config.errors import ConfigError, NotAllowed, NotBuilt, shown
from sidegate.config.gateways import GATEWAY, KINDS, SCREEN, GatewayOptions
from sidegate.config.kinds import is_name
from sidegate.config.model import Config
from sidegate.config.options import options, sections
from sidegate.config.rows import Option, rows

Made = TypeVar("Made")

FILE_NAME = "sidegate.toml"


def load_config(data: Path, file: Path | None = None) -> Config:
    """Read and check the configuration of a data folder.

    A file that was not asked for by name may be absent: then everything has its
    default. Raises `ConfigError`, whose text is one line.
    """
    folder = Path(os.path.abspath(data))  # noqa: PTH100 - keeps symbolic links as they were given
    path = Path(os.path.abspath(file)) if file else folder / FILE_NAME  # noqa: PTH100
    tables = _read(path, required=file is not None)
    if "nginx" in tables and "upstream" not in tables:
        tables["upstream"] = tables.pop("nginx")  # its first name
    known = [*(section.name for section in sections()), GATEWAY]
    _refuse_unknown(path, tables, known, "section")
    values: dict[str, Any] = {
        section.name: _section(path, section, tables) for section in sections()
    }
    config = Config(data=folder, file=path, gateways=_gateways(path, tables), **values)
    check_together(config)
    return config


def _read(path: Path, *, required: bool) -> dict[str, Any]:
    text = ""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except FileNotFoundError:
        if not required:
            return {}
        raise ConfigError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: line {line}: this is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        # The parser names line and column, except at the end.
        lines = text.split("\n")
        end = f"at line {len(lines)}, column {len(lines[-1]) + 1}"
        said = str(error).replace("at end of document", end)
        raise ConfigError(f"{path}: this is not TOML: {said}") from None


def _section(path: Path, section: Field[Any], tables: Mapping[str, Any]) -> object:
    table = _table(path, section.name, tables.get(section.name, {}))
    return _made(path, section.name, cast("type", section.default_factory), table)


def _table(path: Path, name: str, found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: {name} is a section: write [{name}] and its keys below")
    return found


def _made(path: Path, section: str, made: type[Made], table: Mapping[str, Any]) -> Made:
    """The typed form of one table."""
    known = {row.key: row for row in rows(section, made)}
    _refuse_unknown(path, table, list(known), f"key of [{section}]")
    for row in known.values():
        if row.required and row.key not in table:
            raise ConfigError(
                f"{path}: [{section}] {row.key} is missing; allowed: {row.kind.allowed}"
            )
    return made(**{key: _value(path, known[key], raw) for key, raw in table.items()})


def _gateways(path: Path, tables: Mapping[str, Any]) -> dict[str, GatewayOptions]:
    """What is said of each gateway, by its name."""
    made = {}
    for name, found in _table(path, GATEWAY, tables.get(GATEWAY, {})).items():
        if not is_name(name) or name == SCREEN:
            raise ConfigError(
                f"{path}: no gateway can be called {shown(name)}; "
                'allowed: small letters, digits, - and _, a letter first, and not "screen"'
            )
        section = f"{GATEWAY}.{name}"
        table = dict(_table(path, section, found))
        kind = table.pop("kind", name)
        if kind not in KINDS:
            raise ConfigError(
                f"{path}: [{section}] kind = {shown(kind)} is not allowed; "
                f"allowed: {', '.join(KINDS)}"
            )
        options = _made(path, section, KINDS[kind], table)
        problem = options.problem()
        if problem is not None:
            raise ConfigError(f"{path}: [{section}] {problem}")
        made[name] = options
    return made


def _value(path: Path, row: Option, raw: object) -> object:
    try:
        return row.kind.read(raw)
    except NotAllowed as why:
        _refuse_value(path, row, raw, why)


def _refuse_value(path: Path, row: Option, raw: object, why: NotAllowed) -> NoReturn:
    found = "this value" if row.kind.secret else shown(raw)
    said = "is not built in this version" if isinstance(why, NotBuilt) else "is not allowed"
    reason = f" ({why})" if str(why) else ""
    raise ConfigError(
        f"{path}: [{row.section}] {row.key} = {found} {said}{reason}; allowed: {row.kind.allowed}"
    ) from None


def _refuse_unknown(path: Path, found: Iterable[str], known: list[str], what: str) -> None:
    for name in found:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f'did you mean "{near[0]}"? ' if near else ""
            raise ConfigError(
                f"{path}: {shown(name)} is no {what}; {hint}allowed: {', '.join(known)}"
            )


def write_default_config(file: Path) -> bool:
    """Write every option with its default and its help; False where the file exists.

    Only its owner may read it: a database password may come to stand in it.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor, no path
        stream.write(default_text())
    return True


def default_text() -> str:
    """The file of the first start."""
    blocks = []
    for section in sections():
        lines = [(f"[{section.name}]", section.metadata.get("help", ""))]
        lines += [(f"{row.key} = {_toml(row.default)}", row.help) for row in options(section)]
        blocks.append("\n".join(_with_comment(*line) for line in lines))
    return "\n\n".join(blocks) + "\n"


def _with_comment(text: str, comment: str) -> str:
    return f"{text:<36} # {comment}" if comment else text


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
