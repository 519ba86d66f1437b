"""The HTTP door, put together from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from sidegate import texts
from sidegate.accounts import code_limits
from sidegate.accounts.context import Context
from sidegate.config import Config, Endpoint, UnixEndpoint
from sidegate.decisions.ports import Observer, SignIn, Unavailable
from sidegate.decisions.sends import hardly_used
from sidegate.decisions.words import Protocol
from sidegate.directory.own import OwnDirectory
from sidegate.doors.http import HttpDoor, HttpParts
from sidegate.doors.http_answers import texts as shown_texts
from sidegate.doors.http_metrics import Gauge, Gauges
from sidegate.doors.http_nginx import Upstreams
from sidegate.doors.meter import Meter
from sidegate.serve.setting_up import own_questions
from sidegate.storage.background import Background
from sidegate.storage.keys import open_http_token
from sidegate.storage.mail_models import MailSession
from sidegate.storage.writer import Writer


def http_door(
    ctx: Context,
    *,
    endpoint: Endpoint,
    sign_in: SignIn,
    observer: Observer,
    meter: Meter,
    gauges: Gauges,
) -> HttpDoor:
    """The door for one endpoint; a Unix socket needs no token."""
    config = ctx.config
    language = config.policy.refusal_language
    token = open_http_token(config.keys_folder, random=ctx.random)
    return HttpDoor(
        HttpParts(
            sign_in=sign_in,
            observer=observer,
            texts=shown_texts(
                refusal=texts.refusal(language, config.app_passwords_url),
                disabled=texts.disabled(language, config.server.name),
                cannot_tell=texts.cannot_tell(language),
            ),
            upstreams=_upstreams(config),
            meter=meter,
            gauges=gauges,
            now=ctx.now,
            refusal_delay=round(config.policy.refusal_delay * 1000),
            token="" if isinstance(endpoint, UnixEndpoint) else token,
            version=_version(),
            own_questions=own_questions(ctx.keys) if ctx.directory is not None else None,
        )
    )


def numbers(ctx: Context, *, background: Background, writer: Writer) -> Gauges:
    """What this process knows beside what its doors count."""

    async def gauges() -> Mapping[str, Gauge]:
        found = {"events_waiting": Gauge("Events that are still to be written.", writer.waiting())}
        if isinstance(ctx.judge, OwnDirectory):
            found["hashes"] = Gauge("Account passwords being judged or waiting.", ctx.judge.judging)
        try:
            stored = await background.run(lambda: _stored_numbers(ctx))
        except Unavailable:
            stored = {"database_answers": Gauge("Whether the database answers.", 0)}
        return found | stored

    return gauges


def _stored_numbers(ctx: Context) -> dict[str, Gauge]:
    """What all replicas know."""
    seen = code_limits.seen(now=ctx.now())
    by_prefix = seen.by_prefix
    return {
        "database_answers": Gauge("Whether the database answers.", 1),
        "mail_sessions": Gauge(
            "Open mail sessions that are known, on all hosts.", MailSession.objects.count()
        ),
        "codes_day": Gauge("Codes that were to be sent within 24 hours.", seen.codes),
        "codes_day_most": Gauge("How many may be.", ctx.config.codes.daily_most),
        "codes_day_spent": Gauge("What they cost, by [codes] prices.", seen.spent),
        "codes_day_sent": Gauge(
            "Codes of 24 hours that were sent and may no longer be used, or were used.",
            label="prefix",
            values={prefix: of.sent for prefix, of in by_prefix.items()},
        ),
        "codes_day_used": Gauge(
            "Codes of 24 hours that were used.",
            label="prefix",
            values={prefix: of.used for prefix, of in by_prefix.items()},
        ),
        "codes_stopped": Gauge(
            "Whether codes to new numbers of a prefix are stopped: too few were used.",
            label="prefix",
            values={prefix: hardly_used(of) for prefix, of in by_prefix.items()},
        ),
    }


def _upstreams(config: Config) -> Upstreams:
    servers = {
        Protocol.IMAP: config.nginx_upstream("imap"),
        Protocol.POP3: config.nginx_upstream("pop3"),
        Protocol.SUBMISSION: config.nginx_upstream("submission"),
    }
    return Upstreams(
        servers={protocol: server for protocol, server in servers.items() if server is not None},
        user=config.upstream.user,
        password=config.upstream.password,
    )


def _version() -> str:
    try:
        return version("sidegate")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
