"""Our own account passwords: Argon2id in a bounded pool of threads."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor

from sidegate.decisions.mail import PasswordCheck
from sidegate.factors import account_password
from sidegate.factors.digests import KEY_BYTES, keyed_digest, same

_REMEMBERED = 10_000


class OwnDirectory:
    """Judges account passwords by their hash; at most `workers` + `waiting` at a time.

    When the pool is full the answer is `BUSY`, at once (rule 10). A password that
    verified is recognised again in memory, by a digest under a key of this process that
    is bound to the current hash, so that a thousand programs may reconnect at once.
    """

    def __init__(self, *, workers: int = 2, waiting: int = 32) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="hash")
        self._places = threading.BoundedSemaphore(workers + waiting)
        self._key = secrets.token_bytes(KEY_BYTES)
        self._known: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._judging = 0
        self._nobody = account_password.hash_of_nobody(secrets.token_bytes(48))

    async def check(
        self, *, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        """Judge without holding the event loop."""
        if self._recognised(account_id, password_version, secret):
            return PasswordCheck.RIGHT
        judged = self._submit(account_id, password_hash, password_version, secret)
        return await asyncio.wrap_future(judged) if judged else PasswordCheck.BUSY

    async def check_when_idle(
        self, *, account_id: int, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        """Judge only where nobody else's password is judged or waits for it; else `BUSY`."""
        if self._recognised(account_id, password_version, secret):
            return PasswordCheck.RIGHT
        if self._judging:
            return PasswordCheck.BUSY
        judged = self._submit(account_id, password_hash, password_version, secret)
        return await asyncio.wrap_future(judged) if judged else PasswordCheck.BUSY

    def check_blocking(
        self, *, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        """Judge in the same bounded pool, waiting for it."""
        judged = self._submit(account_id, password_hash, password_version, secret)
        return judged.result() if judged else PasswordCheck.BUSY

    def hash(self, secret: str) -> str:
        """The Argon2id hash to store."""
        return account_password.hash_password(secret)

    @property
    def judging(self) -> int:
        """How many secrets are being judged, or wait for it."""
        return self._judging

    def close(self) -> None:
        """Let running hashes end; nothing new is taken."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(
        self, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> Future[PasswordCheck] | None:
        """Begin to judge; `None` where the pool is full."""
        if not self._places.acquire(blocking=False):
            return None
        with self._lock:
            self._judging += 1
        judged = self._pool.submit(self._judge, account_id, password_hash, password_version, secret)
        # Also where it is cancelled before it began.
        judged.add_done_callback(lambda _: self._judged())
        return judged

    def _judged(self) -> None:
        with self._lock:
            self._judging -= 1
        self._places.release()

    def _judge(
        self, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        # An unknown account spends the same hash (rule 3), and so does one without a password.
        right = account_password.verify(password_hash=password_hash or self._nobody, secret=secret)
        if not right or account_id is None or not password_hash:
            return PasswordCheck.WRONG
        self._remember(account_id, password_version, secret)
        return PasswordCheck.RIGHT

    def _digest(self, account_id: int, password_version: int, secret: str) -> bytes:
        parts = (
            account_id.to_bytes(8, "big"),
            password_version.to_bytes(8, "big"),
            secret.encode("utf-8", "surrogatepass"),
        )
        return keyed_digest(key=self._key, purpose=b"recognise", parts=parts)

    def _recognised(self, account_id: int | None, password_version: int, secret: str) -> bool:
        if account_id is None:
            return False
        with self._lock:
            known = self._known.get(account_id)
        return known is not None and same(known, self._digest(account_id, password_version, secret))

    def _remember(self, account_id: int, password_version: int, secret: str) -> None:
        with self._lock:
            self._known[account_id] = self._digest(account_id, password_version, secret)
            self._known.move_to_end(account_id)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
