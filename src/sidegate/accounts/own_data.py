"""What is kept about an account, as its owner takes it with her (GDPR, articles 15 and 20).

The shape stands in docs/owners/your-data.md and is stable: what is added leaves `VERSION` as it
is, what changes its meaning or goes raises it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Model

from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.notices import tell_of_change
from sidegate.events.catalogue import Kind
from sidegate.storage import (
    former_models,
    mail_models,
    models,
    recovery_models,
    second_step_models,
)
from sidegate.storage.models import Account
from sidegate.wire.times import rfc3339

FORMAT = "sidegate-own-data"
VERSION = 1

_BATCH = 500
"""Rows that are read at a time: events may be very many."""
_LISTS = frozenset({"scopes", "networks", "transports"})
_TIMES = ("at", "since", "until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One table, and which of its columns are told."""

    name: str
    """What the file calls it."""
    model: type[Model]
    told: tuple[str, ...]
    secret: tuple[str, ...] = ()
    """Digests, keys and handles: who has the file must not get further by it."""
    ours: tuple[str, ...] = ()
    """Our own numbers, which say nothing of her that the rest does not."""


ACCOUNT = Part(
    name="account",
    model=Account,
    told=(
        "address", "name", "language", "seen_language", "time_zone", "recovery_address",
        "enabled", "is_operator", "created_at", "password_changed_at", "password_given",
        "two_step_since", "locked_at",
    ),
    secret=("password_hash", "passkey_handle"),
    ours=("id", "password_version", "steps_removed"),
)  # fmt: skip
PARTS = (
    Part(
        name="recovery_address_asked",
        model=models.RecoveryChange,
        told=("address", "asked_at", "expires_at", "tries"),
        secret=("digest",),
    ),
    Part(
        name="recovery_addresses_before",
        model=former_models.FormerAddress,
        told=("address", "until"),
        ours=("id",),
    ),
    Part(
        name="phones",
        model=models.Phone,
        told=("number", "channel", "name", "added_at", "last_used_at", "preferred_at"),
        ours=("id",),
    ),
    Part(
        name="phones_before",
        model=former_models.FormerPhone,
        told=(
            "number", "channel", "name", "added_at", "last_used_at", "preferred_at", "until",
        ),
        ours=("id",),
    ),
    Part(
        name="authenticator_apps",
        model=second_step_models.Totp,
        told=("name", "added_at", "last_used_at"),
        secret=("secret",),
        ours=("id", "last_step"),
    ),
    Part(
        name="passkeys",
        model=second_step_models.Passkey,
        told=("name", "transports", "user_verified", "discoverable", "added_at", "last_used_at"),
        secret=("credential_id", "public_key"),
        ours=("id", "sign_count"),
    ),
    Part(
        name="backup_codes",
        model=second_step_models.BackupCode,
        told=("made_at", "used_at"),
        secret=("digest",),
        ours=("id",),
    ),
    Part(
        name="app_passwords",
        model=models.AppPassword,
        told=(
            "id", "app", "device", "label", "made_for", "scopes", "networks", "sender",
            "daily_most", "created_at", "expires_at", "paused_at", "revoked_at", "last_used_at",
            "last_used_address", "last_used_protocol", "last_used_program",
        ),
        secret=("digest",),
        ours=("key_id", "sent_day", "sent_count"),
    ),
    Part(
        name="browsers",
        model=models.WebSession,
        told=("program", "address", "created_at", "seen_at", "expires_at"),
        secret=("key_digest", "handle", "data"),
    ),
    Part(
        name="browsers_not_asked",
        model=second_step_models.TrustedBrowser,
        told=("program", "address", "made_at", "expires_at", "last_used_at"),
        secret=("digest",),
        ours=("id", "password_version"),
    ),
    Part(
        name="browsers_known",
        model=second_step_models.KnownBrowser,
        told=("first_at", "seen_at"),
        secret=("digest",),
        ours=("id",),
    ),
    Part(
        name="recoveries",
        model=recovery_models.Recovery,
        told=("program", "address", "began_at", "ended_at", "outcome"),
        secret=("browser_digest", "stop_digest"),
        ours=("id", "password_version"),
    ),
    Part(
        name="mail_programs",
        model=mail_models.Sighting,
        told=(
            "program", "protocol", "network", "last_address", "mechanism", "credential",
            "first_at", "last_at", "count",
        ),
        ours=("id",),
    ),
    Part(
        name="mail_program_refused",
        model=mail_models.RightRefused,
        told=("at", "program", "protocol", "address", "told_at"),
    ),
    Part(
        name="mail_connections",
        model=mail_models.MailSession,
        told=("protocol", "address", "app_password", "opened_at"),
        ours=(
            "id", "host", "process_id", "process_started", "grace_window", "password_version",
            "told_at",
        ),
    ),
    Part(
        name="exceptions",
        model=mail_models.GraceWindow,
        told=(
            "name", "program", "protocol", "network", "address", "given_at", "until", "ended_at",
        ),
        ours=("id",),
    ),
    Part(
        name="networks",
        model=mail_models.FamiliarNetwork,
        told=("network", "at"),
        ours=("id",),
    ),
    Part(
        name="codes_sent",
        model=models.CodeSend,
        told=("at", "network", "prefix", "outcome"),
        secret=("number",),  # a keyed digest
        ours=("id", "price", "job"),
    ),
    Part(
        name="codes_wrong",
        model=second_step_models.CodeTry,
        told=("at", "network"),
        ours=("id",),
    ),
    Part(
        name="events",
        model=models.Event,
        told=(
            "id", "at", "kind", "address", "protocol", "program", "reason", "app_password",
            "detail",
        ),
    ),
)  # fmt: skip
NOT_TOLD: dict[type[Model], str] = {
    models.Challenge: "the digest of a code, good for minutes; codes_sent and events tell of it",
    models.Job: "a message on its way, sealed until it is sent; codes_sent and events tell of it",
    models.LockLink: "the digest of a link that stands in a message of hers",
    recovery_models.PasswordReset: "the digest of such a link, good for 30 minutes",
}
"""What belongs to an account and is not in the file, and why."""


def take(ctx: Context, *, account: Account, origin: Origin) -> Iterator[str]:
    """Her data as a JSON object, in pieces that are read as they are asked for.

    That it was taken is an event, and told to her, before the first piece.
    """
    kind = Kind.DATA_DOWNLOADED
    with transaction.atomic():
        note(ctx, kind=kind, account_id=account.pk, origin=origin)
        tell_of_change(ctx, account=account, kind=kind, origin=origin)
    return _pieces(ctx, account)


def _pieces(ctx: Context, account: Account) -> Iterator[str]:
    head = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": rfc3339(ctx.now()),
        "service": {"name": ctx.config.server.name, "url": ctx.config.server.url},
        "account": next(_batches(ACCOUNT, {"pk": account.pk}))[0],
    }
    yield _json(head).removesuffix("}")
    for part in PARTS:
        yield f',\n"{part.name}": ['
        between = "\n"
        for batch in _batches(part, {"account": account}):
            yield between + ",\n".join(map(_json, batch))
            between = ",\n"
        yield "]"
    yield "}\n"


def _batches(part: Part, whose: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table, oldest first, without holding the database in between."""
    rows = part.model._default_manager.filter(**whose).order_by("pk")  # noqa: SLF001 - Django's name for it
    last: Any = None
    while True:
        further = rows if last is None else rows.filter(pk__gt=last)
        batch = list(further.values("pk", *part.told)[:_BATCH])
        if batch:
            yield [{name: _value(name, row[name]) for name in part.told} for row in batch]
        if len(batch) < _BATCH:
            return
        last = batch[-1]["pk"]


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - as the columns are
    if name in _LISTS:
        return [one.strip() for one in value.split(",") if one]
    if name == "detail":
        return json.loads(value)
    return rfc3339(value or None) if name.rpartition("_")[2] in _TIMES else value


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
