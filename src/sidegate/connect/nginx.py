"""The lines for an operator's nginx: its mail module, and `auth_http`."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from sidegate.config import Config, UnixEndpoint
from sidegate.connect.lines import Block, Plan
from sidegate.connect.places import Sidegate

TOKEN_FILE = "/etc/nginx/sidegate-token.conf"  # noqa: S105 - where it lies
FILE = "/etc/nginx/nginx.conf"


def plan(sidegate: Sidegate) -> Plan:
    """Everything for an nginx in front of the mail server."""
    config = sidegate.config
    needs_token = not isinstance(config.endpoint(config.listen.http), UnixEndpoint)
    blocks = [Block("The token, in a file that root alone reads", "run", _token(config))]
    lines = tuple(_mail(config, with_token=needs_token))
    ask = Block("nginx asks Sidegate: beside http { … }, not in it", "set", lines, FILE)
    reload = "nginx -t && systemctl reload nginx"
    return Plan(
        "nginx",
        (*(blocks if needs_token else ()), ask, Block("Test, and reload", "run", (reload,))),
        (
            Block(
                f"take the mail {{ … }} block out of {FILE}, give your mail server its ports back",
                "run",
                (reload, f"rm -f {TOKEN_FILE}"),
            ),
        ),
        notes=_NOTES,
    )


_NOTES = (
    "For nginx 1.22 and newer with its mail module (Debian: libnginx-mod-mail).",
    "Where nginx goes on to is [upstream] in sidegate.toml; see docs/operators/nginx.md.",
)


def _token(config: Config) -> tuple[str, ...]:
    header = 'auth_http_header Authorization "Bearer %s";\\n'
    return (
        f"install -m 600 /dev/null {TOKEN_FILE}",
        f"printf '{header}' \"$(cat {config.keys_folder / 'http-token'})\" >{TOKEN_FILE}",
    )


def _mail(config: Config, *, with_token: bool) -> Iterator[str]:
    door = config.endpoint(config.listen.http)
    where = f"{door}:" if isinstance(door, UnixEndpoint) else str(door or "127.0.0.1:2026")
    host = urlsplit(config.server.url).hostname
    name = host if host != "localhost" else "mail.example.test"
    yield "mail {"
    yield f"    server_name {name};"
    yield f"    auth_http {where}/nginx;"
    if with_token:
        yield f"    include {TOKEN_FILE};"
    for line in _REST.format(name=name).splitlines():
        yield f"    {line}" if line else ""
    yield "}"


_REST = """\
auth_http_timeout 30s;

ssl_certificate /etc/ssl/{name}.pem;
ssl_certificate_key /etc/ssl/private/{name}.key;

imap_auth plain login;
imap_capabilities IMAP4rev1 LITERAL+ UIDPLUS IDLE;
pop3_auth plain;
smtp_auth plain login;
proxy_smtp_auth on;
xclient off;

server {{ listen 993 ssl; protocol imap; }}
server {{ listen 143; protocol imap; starttls only; }}
server {{ listen 995 ssl; protocol pop3; }}
server {{ listen 110; protocol pop3; starttls only; }}
server {{ listen 465 ssl; protocol smtp; }}
server {{ listen 587; protocol smtp; starttls only; }}
"""
