"""Sends notices: the handler of their jobs."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from sidegate.accounts.context import Context
from sidegate.accounts.job_runner import Again, Pauses
from sidegate.accounts.notice_words import words
from sidegate.accounts.notices import Notice, unpacked
from sidegate.accounts.queue import payload_of
from sidegate.decisions.ports import MailSender, NotTaken, Unavailable
from sidegate.senders.mail import Letter, compose
from sidegate.storage.jobs import Ended, Taken
from sidegate.storage.sealed import CannotUnseal

log = logging.getLogger(__name__)

SENT = "sent"
FAILED = "failed"
THREADS = 2
"""Messages on their way at a time."""


class NoticeHandler:
    """Implements `job_runner.Handler`. At least once: a message sent twice has one Message-ID."""

    pauses = Pauses(first=5_000, most=600_000)

    def __init__(self, ctx: Context, *, sender: MailSender) -> None:
        self._ctx = ctx
        self._sender = sender
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="notices")

    def close(self) -> None:
        """Begin nothing more; what waits is sent by whoever takes it next."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def work(self, job: Taken) -> Ended | Again:
        """Send one."""
        try:
            notice = unpacked(payload_of(self._ctx, job))
        except CannotUnseal:
            log.warning("notice %d cannot be read: the key that sealed it is gone", job.id)
            return Ended(FAILED, why="sealed")
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._threads, self._send, notice)
        except Unavailable as problem:
            if job.tries == 1:
                log.warning("notice %d waits: %s", job.id, problem)
            return Again("away")
        except NotTaken as problem:
            log.warning("notice %d was not taken: %s", job.id, problem)
            return Ended(FAILED, why="not taken")
        return Ended(SENT)

    def ended(self, job: Taken, ended: Ended) -> None:
        """Nothing follows."""

    def _send(self, notice: Notice) -> None:
        config = self._ctx.config
        said = words(notice, service=config.server.name, url=config.server.url)
        letter = Letter(
            sender_name=config.server.name,
            sender=config.from_address,
            to=notice.to,
            subject=said.subject,
            body=said.body,
            language=notice.language,
            at=self._ctx.now(),
            message_id=notice.message_id,
        )
        self._sender.send(to=notice.to, content=compose(letter))
