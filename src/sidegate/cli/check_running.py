"""`sidegate check`: what answers while `sidegate serve` runs."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator

from sidegate.cli.findings import Finding, ok, problem, warning
from sidegate.config import Config, Endpoint, TcpEndpoint
from sidegate.storage.keys import HTTP_TOKEN

_PATIENCE = 3.0
_MAIL = ("imap", "imaps", "pop3", "pop3s", "submission", "submissions")
_UNHEALTHY = 503


def check_running(config: Config) -> Iterator[Finding]:
    """The portal's health, the doors, the mail listeners; little where nothing runs."""
    portal = config.endpoint(config.listen.portal)
    if portal is not None:
        health = _health(portal, config)
        yield health
        if health.state == "warning":
            return
    for text in config.listen.dovecot_client:
        yield _door("door for mail servers", config.endpoint(text))
    if config.listen.dovecot_master:
        yield _door("door for mailboxes", config.endpoint(config.listen.dovecot_master))
    http_door = config.endpoint(config.listen.http)
    if http_door is not None:
        yield _http_door(http_door, config)
    if config.mailserver.private:
        yield from _listeners(config)


def _health(portal: Endpoint, config: Config) -> Finding:
    try:
        with _connect(portal) as connected:
            status, body = _ask(connected, config)
    except (ConnectionRefusedError, FileNotFoundError):
        return warning(
            "running", f"nothing answers at {portal}", "start sidegate serve to check its doors too"
        )
    except (OSError, http.client.HTTPException) as error:
        return problem(
            "running", f"{portal}: {_words(error)}", "look at what sidegate serve prints"
        )
    if status == http.client.OK:
        return ok("running", f"{portal} is healthy")
    if status == _UNHEALTHY:
        return problem("running", f"{portal} says {_short(body)}", "see what is missing")
    return problem("running", f"{portal} answers {status}", "does another program listen there?")


def _ask(connected: socket.socket, config: Config) -> tuple[int, bytes]:
    """`GET /healthz`, as whoever reaches the portal by its own name."""
    request = http.client.HTTPConnection(config.portal_host, timeout=_PATIENCE)
    request.sock = connected
    request.request("GET", "/healthz", headers={"Host": config.server.url.partition("://")[2]})
    response = request.getresponse()
    return response.status, response.read(10_000)


def _short(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body))
    except ValueError:
        return "that something is missing"


def _connect(endpoint: Endpoint) -> socket.socket:
    if isinstance(endpoint, TcpEndpoint):
        return socket.create_connection(endpoint, timeout=_PATIENCE)
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(_PATIENCE)
    try:
        connected.connect(str(endpoint.path))
    except OSError:
        connected.close()
        raise
    return connected


def _door(what: str, endpoint: Endpoint | None) -> Finding:
    if endpoint is None:
        return ok(what, "off")
    try:
        with _connect(endpoint) as connected:
            connected.sendall(b"VERSION\t1\t1\n")
            first = connected.recv(200)
    except PermissionError:
        return warning(what, f"{endpoint} is not open to this user", "run this as Sidegate's user")
    except OSError as error:
        return problem(what, f"{endpoint}: {_words(error)}", "look at what sidegate serve prints")
    if first.startswith(b"VERSION\t1\t"):
        return ok(what, f"{endpoint} greets as Dovecot's authentication does")
    return problem(what, f"{endpoint} does not greet", "does another program listen there?")


def _http_door(endpoint: Endpoint, config: Config) -> Finding:
    what, token = "HTTP door", config.keys_folder / HTTP_TOKEN
    try:
        with _connect(endpoint) as connected:
            request = http.client.HTTPConnection("localhost", timeout=_PATIENCE)
            request.sock = connected
            sent = {"Authorization": f"Bearer {token.read_text(encoding='ascii').strip()}"}
            request.request("GET", "/openapi.json", headers=sent)
            status = request.getresponse().status
    except PermissionError:
        return warning(
            what, f"{endpoint} or {token} is not open to this user", "run this as Sidegate's user"
        )
    except (OSError, ValueError, http.client.HTTPException) as error:
        return problem(what, f"{endpoint}: {_words(error)}", "look at what sidegate serve prints")
    if status == http.client.OK:
        return ok(what, f"{endpoint} answers")
    if status == http.client.UNAUTHORIZED:
        return problem(
            what,
            f"{endpoint} wants another token than {token} holds",
            "restart sidegate serve, then give nginx the token again",
        )
    return problem(what, f"{endpoint} answers {status}", "does another program listen there?")


def _listeners(config: Config) -> Iterator[Finding]:
    for name in _MAIL:
        endpoint = config.endpoint(getattr(config.listen, name))
        if endpoint is not None:
            yield _greeting(name, endpoint, tls=name.endswith("s"))


def _greeting(name: str, endpoint: Endpoint, *, tls: bool) -> Finding:
    try:
        with _connect(endpoint) as connected:
            greeting = _first_bytes(connected, tls=tls)
    except OSError as error:
        return problem(name, f"{endpoint}: {_words(error)}", "look at what sidegate serve prints")
    if greeting.startswith((b"* OK", b"+OK", b"220")):
        return ok(name, f"{endpoint} greets")
    return problem(name, f"{endpoint} does not greet", "does another program listen there?")


def _first_bytes(connected: socket.socket, *, tls: bool) -> bytes:
    if not tls:
        return connected.recv(200)
    context = ssl.create_default_context()
    # Whether the certificate is good is another finding; here it is who answers.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(connected) as wrapped:
        return wrapped.recv(200)


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
