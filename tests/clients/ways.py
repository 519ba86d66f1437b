"""Every way a mail program signs in here: program by program, with TLS and with STARTTLS."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from child import Child
from peers import require

PATIENCE = 30.0

imaplib.Commands["ID"] = ("NONAUTH", "AUTH", "SELECTED")


class Outcome(NamedTuple):
    """What a program made of a sign-in."""

    allowed: bool
    said: str = ""
    """What it shows; of Python's libraries, the server's own words."""
    status: int = 0
    seconds: float = 0.0


class Way(NamedTuple):
    """One program, one protocol, one kind of encryption."""

    name: str
    protocol: str
    sign_in: Callable[[Child, str, str], Outcome]


# Python's own libraries ---------------------------------------------------------------------


Connection_co = TypeVar("Connection_co", covariant=True)


class _Connect(Protocol[Connection_co]):
    def __call__(self, child: Child, *, starttls: bool = False) -> Connection_co: ...


def _back_after_reload(connect: _Connect[Connection_co]) -> _Connect[Connection_co]:
    """A login process that a reload is ending says so, and mail programs come back."""

    def connected(child: Child, *, starttls: bool = False) -> Connection_co:
        for _ in range(3):
            try:
                return connect(child, starttls=starttls)
            except (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException) as refused:
                if "hutting down" not in str(refused):
                    raise
        return connect(child, starttls=starttls)

    return connected


@_back_after_reload
def imap(child: Child, *, starttls: bool = False) -> imaplib.IMAP4:
    if not starttls:
        port = child.ports["imaps"]
        return imaplib.IMAP4_SSL("localhost", port, ssl_context=child.tls, timeout=PATIENCE)
    client = imaplib.IMAP4("localhost", child.ports["imap"], timeout=PATIENCE)
    client.starttls(child.tls)
    return client


@_back_after_reload
def pop3(child: Child, *, starttls: bool = False) -> poplib.POP3:
    if not starttls:
        port = child.ports["pop3s"]
        return poplib.POP3_SSL("localhost", port, context=child.tls, timeout=PATIENCE)
    client = poplib.POP3("localhost", child.ports["pop3"], timeout=PATIENCE)
    client.stls(child.tls)
    return client


@_back_after_reload
def smtp(child: Child, *, starttls: bool = False) -> smtplib.SMTP:
    if not starttls:
        port = child.ports["submissions"]
        return smtplib.SMTP_SSL("localhost", port, context=child.tls, timeout=PATIENCE)
    client = smtplib.SMTP("localhost", child.ports["submission"], timeout=PATIENCE)
    client.starttls(context=child.tls)
    return client


def as_text(said: bytes | str) -> str:
    return said.decode() if isinstance(said, bytes) else said


def authenticate(client: smtplib.SMTP, login: str, secret: str, mechanism: str = "PLAIN") -> None:
    """One attempt by one mechanism (`login` would try the next one after a refusal)."""
    client.ehlo_or_helo_if_needed()
    client.user, client.password = login, secret
    answer = client.auth_plain if mechanism == "PLAIN" else client.auth_login
    client.auth(mechanism, answer)


def _imap(child: Child, login: str, secret: str, *, starttls: bool, mechanism: str) -> Outcome:
    client = imap(child, starttls=starttls)
    try:
        if mechanism == "LOGIN":
            client.login(login, secret)
        else:
            client.authenticate("PLAIN", lambda _: f"\0{login}\0{secret}".encode())
        client.select()
    except imaplib.IMAP4.error as error:
        return Outcome(allowed=False, said=as_text(error.args[0]))
    else:
        return Outcome(allowed=True)
    finally:
        try:
            client.logout()
        except imaplib.IMAP4.abort:
            client.shutdown()


def _pop3(child: Child, login: str, secret: str, *, starttls: bool) -> Outcome:
    client = pop3(child, starttls=starttls)
    try:
        client.user(login)
        client.pass_(secret)
        client.stat()
        client.quit()
    except poplib.error_proto as error:
        client.close()
        return Outcome(allowed=False, said=as_text(error.args[0]))
    return Outcome(allowed=True)


def _smtp(child: Child, login: str, secret: str, *, starttls: bool, mechanism: str) -> Outcome:
    with smtp(child, starttls=starttls) as client:
        try:
            authenticate(client, login, secret, mechanism)
        except smtplib.SMTPAuthenticationError as error:
            text = as_text(error.smtp_error)
            return Outcome(allowed=False, said=f"{error.smtp_code} {text}", status=error.smtp_code)
        except smtplib.SMTPServerDisconnected as error:
            return Outcome(allowed=False, said=str(error))
    return Outcome(allowed=True)


# Programs -----------------------------------------------------------------------------------


def run(command: Sequence[str | Path], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, timeout=60
    )


def curl(
    child: Child, login: str, secret: str, url: str, *more: str
) -> subprocess.CompletedProcess[str]:
    # Login and secret by standard input: a command line is for everybody to read.
    words: list[str | Path] = [
        require("curl"),
        "-sS",
        "-v",
        "--cacert",
        child.authority,
        "-K",
        "-",
        *more,
        url,
    ]
    return run(words, stdin=f'user = "{login}:{secret}"\n')


def _curl(child: Child, login: str, secret: str, *, url: str, more: Sequence[str]) -> Outcome:
    done = curl(child, login, secret, url.format(**child.ports), *more)
    return Outcome(done.returncode == 0, said=done.stderr, status=done.returncode)


def _curl_smtp(child: Child, login: str, secret: str, *, url: str, more: Sequence[str]) -> Outcome:
    # A server that was asked to verify an address answers who has signed in.
    return _curl(child, login, secret, url=url, more=[*more, "-X", "NOOP"])


def mbsync(
    child: Child, login: str, secret: str, folder: Path, *, starttls: bool = False
) -> subprocess.CompletedProcess[str]:
    """Fetch the INBOX into folder/mail."""
    (folder / "mail").mkdir(exist_ok=True)
    kind, port = ("STARTTLS", "imap") if starttls else ("IMAPS", "imaps")
    (folder / "rc").write_text(
        f"IMAPStore far\nHost localhost\nPort {child.ports[port]}\n"
        f'User "{login}"\nPass "{secret}"\n'
        f'SSLType {kind}\nCertificateFile "{child.authority}"\nAuthMechs *\n\n'
        f'MaildirStore near\nPath "{folder}/mail/"\nInbox "{folder}/mail/INBOX"\n\n'
        f'Channel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState "*"\n'
    )
    return run([require("mbsync"), "-c", folder / "rc", "c"])


def _mbsync(child: Child, login: str, secret: str, *, starttls: bool) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        done = mbsync(child, login, secret, Path(folder), starttls=starttls)
    return Outcome(done.returncode == 0, said=done.stderr, status=done.returncode)


def msmtp(
    child: Child, login: str, secret: str, *, to: str, message: str, starttls: bool = False
) -> subprocess.CompletedProcess[str]:
    port = child.ports["submission" if starttls else "submissions"]
    with tempfile.TemporaryDirectory() as folder:
        rc = Path(folder) / "rc"
        rc.write_text(
            f"account a\nhost localhost\nport {port}\nfrom {login}\nauth plain\n"
            f'user "{login}"\npassword "{secret}"\n'
            f"tls on\ntls_starttls {'on' if starttls else 'off'}\n"
            f"tls_trust_file {child.authority}\n"
        )
        rc.chmod(0o600)
        return run([require("msmtp"), "-C", rc, "-a", "a", to], stdin=message)


def _msmtp(child: Child, login: str, secret: str, *, starttls: bool) -> Outcome:
    message = f"From: {login}\nTo: {login}\nSubject: by msmtp\n\nhello\n"
    done = msmtp(child, login, secret, to=login, message=message, starttls=starttls)
    return Outcome(done.returncode == 0, said=done.stderr, status=done.returncode)


# The table ----------------------------------------------------------------------------------


def _both(
    name: str, protocol: str, sign_in: Callable[..., Outcome], **given: object
) -> tuple[Way, Way]:
    def way(*, starttls: bool) -> Way:
        def attempt(child: Child, login: str, secret: str) -> Outcome:
            return sign_in(child, login, secret, starttls=starttls, **given)

        return Way(f"{name} {'STARTTLS' if starttls else 'TLS'}", protocol, attempt)

    return way(starttls=False), way(starttls=True)


def _by_curl(protocol: str, tls: str, plain: str, *more: str, path: str = "") -> tuple[Way, Way]:
    sign_in = _curl_smtp if protocol == "submission" else _curl

    def way(name: str, url: str, *options: str) -> Way:
        def attempt(child: Child, login: str, secret: str) -> Outcome:
            return sign_in(child, login, secret, url=url, more=[*more, *options])

        return Way(name, protocol, attempt)

    return (
        way(f"curl {tls}", f"{tls}://localhost:{{{protocol}s}}/{path}"),
        way(f"curl {plain} STARTTLS", f"{plain}://localhost:{{{protocol}}}/{path}", "--ssl-reqd"),
    )


WAYS = (
    *_both("imaplib LOGIN", "imap", _imap, mechanism="LOGIN"),
    *_both("imaplib AUTHENTICATE", "imap", _imap, mechanism="PLAIN"),
    *_both("poplib", "pop3", _pop3),
    *_both("smtplib PLAIN", "submission", _smtp, mechanism="PLAIN"),
    *_both("smtplib LOGIN", "submission", _smtp, mechanism="LOGIN"),
    *_by_curl("imap", "imaps", "imap", path="INBOX"),
    *_by_curl("pop3", "pop3s", "pop3"),
    *_by_curl("submission", "smtps", "smtp"),
    *_both("mbsync", "imap", _mbsync),
    *_both("msmtp", "submission", _msmtp),
)

LIBRARIES = tuple(way for way in WAYS if way.name.startswith(("imaplib", "poplib", "smtplib")))


def everywhere(
    child: Child, login: str, secret: str, ways: Sequence[Way] = WAYS
) -> dict[str, Outcome]:
    """Sign in by every way at once: a refusal takes 2 s, all of them together little more."""
    return all_of(child, {"": (login, secret)}, ways)[""]


def all_of(
    child: Child, attempts: Mapping[str, tuple[str, str]], ways: Sequence[Way] = WAYS
) -> dict[str, dict[str, Outcome]]:
    """The outcomes of several logins and secrets, by every way."""
    # Fewer at once than the pool of slow hashes has places.
    with ThreadPoolExecutor(32) as pool:
        running = {
            name: {way.name: pool.submit(_timed, way, child, *given) for way in ways}
            for name, given in attempts.items()
        }
    return {
        name: {way: one.result() for way, one in outcomes.items()}
        for name, outcomes in running.items()
    }


def _timed(way: Way, child: Child, login: str, secret: str) -> Outcome:
    started = time.monotonic()
    outcome = way.sign_in(child, login, secret)
    return outcome._replace(seconds=time.monotonic() - started)


def let_in(outcomes: dict[str, Outcome]) -> set[str]:
    return {name for name, outcome in outcomes.items() if outcome.allowed}


NAMES = {way.name for way in WAYS}
