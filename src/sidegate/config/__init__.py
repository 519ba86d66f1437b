"""The configuration: one table of options, the file it is read from, and what follows from it."""

from sidegate.config.endpoints import (
    Endpoint,
    TcpEndpoint,
    UnixEndpoint,
    is_loopback_host,
    parse_endpoint,
)
from sidegate.config.errors import ConfigError
from sidegate.config.loading import load_config, write_default_config
from sidegate.config.model import ClientServer, Config, MailRelay

__all__ = [
    "ClientServer",
    "Config",
    "ConfigError",
    "Endpoint",
    "MailRelay",
    "TcpEndpoint",
    "UnixEndpoint",
    "is_loopback_host",
    "load_config",
    "parse_endpoint",
    "write_default_config",
]
