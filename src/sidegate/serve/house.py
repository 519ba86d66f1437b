"""Everything that runs in one process: started in order, watched, stopped in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from sidegate import texts
from sidegate.accounts import code_orders, notices, password_reset
from sidegate.accounts.bell import Bell
from sidegate.accounts.code_sending import CodeSending
from sidegate.accounts.context import Context
from sidegate.accounts.directory_watch import DirectoryWatch
from sidegate.accounts.enforcing import enforced
from sidegate.accounts.job_runner import Handler, JobRunner
from sidegate.accounts.jobs import Housekeeping
from sidegate.accounts.mail_sign_in import MailSignIn
from sidegate.accounts.mailboxes import OwnMailboxes, Place
from sidegate.accounts.mailboxes_there import DirectoryMailboxes
from sidegate.accounts.new_networks import NewNetworks
from sidegate.accounts.notice_jobs import NoticeHandler
from sidegate.accounts.observing import Observing
from sidegate.accounts.open_sessions import Processes, SessionWatch
from sidegate.accounts.password_reset_jobs import ResetHandler
from sidegate.accounts.sending import SendingLimits
from sidegate.config import Config, Endpoint, UnixEndpoint, is_loopback_host
from sidegate.decisions.directory import Question
from sidegate.decisions.mail import Presence
from sidegate.decisions.ports import Mailboxes, SignIn
from sidegate.decisions.words import Protocol
from sidegate.directory.doveadm import Doveadm
from sidegate.doors.dovecot import DovecotDoor
from sidegate.doors.meter import Meter
from sidegate.doors.replies import FrontUpstreams
from sidegate.mailserver import sessions
from sidegate.mailserver.dovecot_conf import Listeners
from sidegate.mailserver.places import Places
from sidegate.mailserver.server import MailServer
from sidegate.serve.certificate import CertificateFiles
from sidegate.serve.http_door import http_door, numbers
from sidegate.serve.http_server import HttpServer
from sidegate.serve.mail_out import mail_sender
from sidegate.serve.portal_server import portal_application
from sidegate.serve.sending import code_sending
from sidegate.storage.background import Background
from sidegate.storage.fast_reader import FastReader
from sidegate.storage.writer import Writer

log = logging.getLogger(__name__)

PARTS = frozenset({"portal", "doors", "mailserver"})
"""What `--only` names."""

_DOOR_STOP_SECONDS = 1
"""Callers of the HTTP door have their answers by then: it ended what waited."""

_PROCESSES = Processes(started_at=sessions.started_at, end=sessions.end)
_HER_PROCESSES = Processes(started_at=sessions.mail_process_started_at, end=sessions.end)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and where."""

    context: Context
    parts: frozenset[str]
    places: Places | None
    """Where the private mail server lives; `None` where there is none."""
    certificate: CertificateFiles

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.context.config


class House:
    """One running process of Sidegate."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._background = Background()
        self._mail_server: MailServer | None = None
        self._sending: CodeSending | None = None
        self.http_failed = asyncio.Event()
        """An HTTP server ended by itself."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run all parts; on leaving, end them in reverse."""
        async with AsyncExitStack() as stack:
            await self._start(stack)
            yield

    async def missing(self) -> list[str]:
        """What of this process does not work now; empty where all is well."""
        found: list[str] = []
        if not await self._background.answers():
            found.append("database")
        if self._mail_server is not None and not await self._mail_server.ready():
            found.append("private Dovecot")
        return found

    async def warnings(self) -> list[str]:
        """What others run, and does not answer now: this process is well without it."""
        context = self._plan.context
        troubled = context.gateway_troubles.avoided(now=context.now())
        found = [f"gateway {name}" for name in troubled]
        directory = self._plan.context.directory
        if directory is not None:
            seen = await directory.look_up(Question("healthz@invalid", "", "imap", ""))
            if seen.presence is Presence.OUTAGE:
                found.append("directory")
        return found

    async def _start(self, stack: AsyncExitStack) -> None:
        parts = self._plan.parts
        writer = Writer(arrived=NewNetworks(self._plan.context))
        writer.start()
        stack.push_async_callback(asyncio.to_thread, writer.close)
        directory = self._plan.context.directory
        if directory is not None:
            directory.attach()
            stack.push_async_callback(directory.close)
        # Before the writer: what still runs there may record an event.
        stack.push_async_callback(asyncio.to_thread, self._background.close)
        mailboxes = self._mailboxes()
        if "doors" in parts:
            await self._start_doors(stack, writer, mailboxes)
        if "mailserver" in parts and self._plan.places is not None:
            self._mail_server = self._private_server(self._plan.places, mailboxes)
            stack.push_async_callback(self._mail_server.stop)
            await self._mail_server.start()
        if "portal" in parts:
            await self._start_jobs(stack)
            await self._start_notices(stack)
            await self._start_portal(stack)
            if directory is not None:
                watch = DirectoryWatch(
                    self._plan.context, directory=directory, background=self._background
                )
                await _keep_running(stack, watch.run)
        jobs = Housekeeping(
            background=self._background,
            now=self._plan.context.now,
            grace=self._plan.config.policy.grace_days > 0,
        )
        await _keep_running(stack, jobs.run)

    def _mailboxes(self) -> OwnMailboxes:
        places = self._plan.places
        user = places.runs_as if places else None
        return OwnMailboxes(
            place=Place(places.mail, user.uid, user.gid) if places and user else None,
            processes=_processes(self._plan.context),
            background=self._background,
            now=self._plan.context.now,
            unseen=_unseen(self._plan.context),
            enforced=enforced(self._plan.config),
        )

    async def _start_doors(
        self, stack: AsyncExitStack, writer: Writer, mailboxes: OwnMailboxes
    ) -> None:
        ctx, config = self._plan.context, self._plan.config
        reader = FastReader(
            keys=ctx.keys,
            loop=asyncio.get_running_loop(),
            grace=config.policy.grace_days > 0,
        )
        reader.start()
        stack.push_async_callback(asyncio.to_thread, reader.close)
        sign_in = MailSignIn(ctx, reader=reader, writer=writer, background=self._background)
        stack.push_async_callback(sign_in.close)
        meter = Meter()
        language = config.policy.refusal_language
        make = partial(
            DovecotDoor,
            sign_in=meter.measured(sign_in, door="dovecot"),
            mailboxes=_asked_for(ctx, mailboxes),
            now=ctx.now,
            refusal_text=texts.refusal(language, config.app_passwords_url),
            disabled_text=texts.disabled(language, config.server.name),
            refusal_delay=round(config.policy.refusal_delay * 1000),
        )
        door, private = make(), make(upstreams=_front(config))
        for one in (door, private):
            stack.push_async_callback(one.close)
        await self._open_doors(door, private)
        await self._start_http_door(stack, sign_in, meter, writer)
        watch = SessionWatch(
            processes=_processes(ctx),
            background=self._background,
            writer=writer,
            now=ctx.now,
            enforced=enforced(config),
            server=_told(config),
            place=_unseen(ctx) or "",
        )
        await _keep_running(stack, watch.run)

    async def _open_doors(self, door: DovecotDoor, private: DovecotDoor) -> None:
        """Everybody's, and the private Dovecot's."""
        config, places = self._plan.config, self._plan.places
        (config.data / "run").mkdir(mode=0o755, exist_ok=True)
        await door.start(
            _endpoints(config, config.listen.dovecot_client),
            config.endpoint(config.listen.dovecot_master),
            socket_mode=config.listen.socket_mode,
            socket_group=config.listen.socket_group,
        )
        if places is not None:
            client, master = _private_sockets(places)
            group = places.user.group if places.user else ""
            await private.start([client], master, socket_mode=0o660, socket_group=group)

    async def _start_http_door(
        self, stack: AsyncExitStack, sign_in: SignIn, meter: Meter, writer: Writer
    ) -> None:
        ctx, config = self._plan.context, self._plan.config
        endpoint = config.endpoint(config.listen.http)
        if endpoint is None:
            return
        observing = Observing(ctx)
        observing.start()
        stack.push_async_callback(asyncio.to_thread, observing.close)
        door = http_door(
            ctx,
            endpoint=endpoint,
            sign_in=sign_in,
            observer=observing,
            meter=meter,
            gauges=numbers(ctx, background=self._background, writer=writer),
        )
        server = HttpServer(
            door.application,
            endpoint=endpoint,
            trusted_proxies=config.server.trusted_proxies,
            socket_mode=config.listen.socket_mode,
            socket_group=config.listen.socket_group,
            stop_seconds=_DOOR_STOP_SECONDS,
        )
        stack.push_async_callback(server.stop)
        stack.callback(door.close)
        await server.start(failed=self.http_failed.set)

    def _private_server(self, places: Places, mailboxes: OwnMailboxes) -> MailServer:
        client, master = _private_sockets(places)
        return MailServer(
            places=places,
            listeners=_listeners(self._plan.config),
            certificate=self._plan.certificate.certificate,
            key=self._plan.certificate.key,
            client_socket=client.path,
            master_socket=master.path,
            find=mailboxes.find,
            sending=SendingLimits(background=self._background, now=self._plan.context.now),
            hostname=self._plan.config.portal_host or socket.gethostname(),
        )

    async def _start_jobs(self, stack: AsyncExitStack) -> None:
        ctx = self._plan.context
        self._sending = code_sending(ctx, self._background)
        stack.push_async_callback(self._sending.close)
        handlers: dict[str, Handler] = {
            self._sending.kind: self._sending,
            code_orders.NOTICE: self._sending,
        }
        runner = JobRunner(
            handlers=handlers, background=self._background, bell=ctx.bell, now=ctx.now
        )
        stack.push_async_callback(runner.stop)
        runner.start()

    async def _start_notices(self, stack: AsyncExitStack) -> None:
        """A runner of their own: a mail server that hangs delays no code."""
        ctx, sender = self._plan.context, mail_sender(self._plan.config, self._plan.places)
        if sender is None:
            return
        handler = NoticeHandler(ctx, sender=sender)
        stack.callback(handler.close)
        handlers: dict[str, Handler] = {
            notices.JOB: handler,
            password_reset.JOB: ResetHandler(ctx),
        }
        runner = JobRunner(handlers=handlers, background=self._background, bell=Bell(), now=ctx.now)
        stack.push_async_callback(runner.stop)
        runner.start()

    async def _start_portal(self, stack: AsyncExitStack) -> None:
        endpoint = self._plan.config.endpoint(self._plan.config.listen.portal)
        if endpoint is None:
            return
        server = HttpServer(
            portal_application(self._plan.context, self.missing, self.warnings),
            endpoint=endpoint,
            trusted_proxies=self._plan.config.server.trusted_proxies,
        )
        stack.push_async_callback(server.stop)
        await server.start(failed=self.http_failed.set)


def _processes(ctx: Context) -> Processes:
    return _PROCESSES if ctx.directory is None else _HER_PROCESSES


def _told(config: Config) -> Doveadm | None:
    doveadm = config.doveadm
    return Doveadm(url=doveadm.url, api_key=doveadm.api_key) if doveadm.url else None


def _unseen(ctx: Context) -> str | None:
    """What sessions are remembered under whose processes are not seen; `None`: all are seen.

    A Dovecot of another host may tell several of us of its sessions: each can end them.
    """
    url = ctx.config.doveadm.url
    if not url and ctx.directory is None:
        return None
    shared = url and not is_loopback_host(urlsplit(url).hostname or "localhost")
    return url if shared else socket.gethostname()


def _asked_for(ctx: Context, mailboxes: OwnMailboxes) -> Mailboxes:
    if ctx.directory is None:
        return mailboxes
    return DirectoryMailboxes(directory=ctx.directory, sessions=mailboxes)


async def _keep_running(stack: AsyncExitStack, work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(work())

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)


def _private_sockets(places: Places) -> tuple[UnixEndpoint, UnixEndpoint]:
    run = places.run
    return UnixEndpoint(run / "private-client.sock"), UnixEndpoint(run / "private-master.sock")


def _front(config: Config) -> FrontUpstreams | None:
    """Where the private Dovecot goes on to; `None` where it keeps the mail itself."""
    if not config.mailserver.front:
        return None
    servers = {
        Protocol.IMAP: config.front_upstream("imap"),
        Protocol.POP3: config.front_upstream("pop3"),
        Protocol.SUBMISSION: config.front_upstream("submission"),
    }
    return FrontUpstreams(
        servers={protocol: server for protocol, server in servers.items() if server is not None},
        user=config.upstream.user,
        password=config.upstream.password,
        submission_xclient=config.upstream.submission_xclient,
    )


def _endpoints(config: Config, values: tuple[str, ...]) -> list[Endpoint]:
    found = (config.endpoint(value) for value in values)
    return [endpoint for endpoint in found if endpoint is not None]


def _listeners(config: Config) -> Listeners:
    listen = config.listen
    addresses = {
        name: config.endpoint(value)
        for name, value in {
            "imap": listen.imap,
            "imaps": listen.imaps,
            "pop3": listen.pop3,
            "pop3s": listen.pop3s,
            "submission": listen.submission,
            "submissions": listen.submissions,
        }.items()
    }
    return Listeners(
        **{
            name: (endpoint.host, endpoint.port)
            for name, endpoint in addresses.items()
            if endpoint is not None
            and not isinstance(endpoint, UnixEndpoint)
            and (not config.mailserver.front or getattr(config.upstream, name.removesuffix("s")))
        }
    )
