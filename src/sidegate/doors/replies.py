"""The one table from a verdict to a reply of the authentication protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sidegate.config import TcpEndpoint
from sidegate.decisions.words import Allow, CannotTell, Protocol, Reason, Refuse, Verdict
from sidegate.wire import dovecot_auth as wire
from sidegate.wire.text import one_line

MAX_TEXT = 400
"""Characters of a reason: a POP3 reply has 512 bytes at most (RFC 2449)."""

_MAX_SHOWN_LOGIN = 254

_WRONG_PASSWORD = b"[AUTHENTICATIONFAILED] "


def wants_wrong_password_code(program: str) -> bool:
    """K-9 and Thunderbird for Android take any other code for a fault of the server."""
    name = program.casefold()
    return name.startswith("k-9") or ("thunderbird" in name and "android" in name)


ACCOUNT = "{account}"
"""What stands for the account's address in a configured upstream name."""


class FrontUpstreams(NamedTuple):
    """Where a front goes on to, and under which name. Its text form never holds the password."""

    servers: Mapping[Protocol, TcpEndpoint]
    user: str
    password: str
    submission_xclient: bool

    def __repr__(self) -> str:
        return f"FrontUpstreams(servers={dict(self.servers)!r}, user={self.user!r})"

    def of(self, protocol: Protocol, account: str) -> wire.Elsewhere | None:
        """The server for a protocol; `None` where there is none."""
        server = self.servers.get(protocol)
        if server is None:
            return None
        if self.submission_xclient and protocol is Protocol.SUBMISSION:
            return wire.Elsewhere(*server, user=account, password="")
        user = self.user.replace(ACCOUNT, account)
        return wire.Elsewhere(*server, user=user, password=self.password)


class Replies:
    """The replies, with this installation's texts. A refusal's is the same for every reason."""

    def __init__(
        self, *, refusal_text: str, disabled_text: str, upstreams: FrontUpstreams | None = None
    ) -> None:
        self._upstreams = upstreams
        self._refusal = one_line(refusal_text, MAX_TEXT).encode()
        self._disabled = one_line(disabled_text, MAX_TEXT).encode()

    def reply(
        self, verdict: Verdict, request: wire.AuthRequest, protocol: Protocol | None, login: str
    ) -> bytes | None:
        """The reply's line; `None` where only a dropped connection says it."""
        match verdict:
            case Allow() if self._upstreams is not None and protocol is not None:
                return self._go_on(self._upstreams, request, protocol, verdict.account)
            case Allow():
                return wire.ok(request.id, verdict.account)
            case CannotTell():
                return self.cannot_tell(request)
            case Refuse(reason=Reason.ACCOUNT_DISABLED):
                # The decision gives this reason behind a right secret alone.
                return self._no(request, login, b"user_disabled", self._disabled)
            case Refuse():
                return self._no(request, login, b"", self._refusal_for(request, protocol))

    @staticmethod
    def _go_on(
        upstreams: FrontUpstreams, request: wire.AuthRequest, protocol: Protocol, account: str
    ) -> bytes | None:
        there = upstreams.of(protocol, account)
        if there is None:
            return Replies.cannot_tell(request)
        return wire.ok_elsewhere(request.id, account, there)

    @staticmethod
    def cannot_tell(request: wire.AuthRequest) -> bytes | None:
        """A temporary failure.

        Postfix takes every FAIL for a wrong password, whatever its code, and answers
        "temporary" only where the connection drops. It and Exim are who sends
        `nologin`; Dovecot's login processes never do.
        """
        return None if request.no_login else wire.fail(request.id, code=b"temp_fail")

    def _refusal_for(self, request: wire.AuthRequest, protocol: Protocol | None) -> bytes:
        if protocol is Protocol.IMAP and wants_wrong_password_code(request.program):
            return _WRONG_PASSWORD + self._refusal
        # Dovecot makes `[ALERT]` of a reason by itself: what most programs show.
        return self._refusal

    @staticmethod
    def _no(request: wire.AuthRequest, login: str, code: bytes, reason: bytes) -> bytes:
        user = one_line(login, _MAX_SHOWN_LOGIN)
        return wire.fail(request.id, user=user, code=code, reason=reason)
