"""`sidegate check`: the certificate that mail programs and browsers are shown."""

from __future__ import annotations

import ipaddress
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sidegate.cli.findings import Finding, ok, problem, warning
from sidegate.config import Config

_SOON = timedelta(days=14)
_RENEW = "renew it and restart Sidegate"


def check_certificate(config: Config) -> Finding:
    """The certificate can be read, matches its key, is valid and names the host."""
    if config.certificate is None or config.certificate_key is None:
        return _self_signed(config)
    try:
        certificate = x509.load_pem_x509_certificate(config.certificate.read_bytes())
        key = load_pem_private_key(config.certificate_key.read_bytes(), password=None)
    except OSError as error:
        text = f"{error.filename}: {error.strerror}"
        return problem("certificate", text, "look at [tls] certificate and key")
    except (ValueError, TypeError):
        return problem(
            "certificate", "certificate or key is no plain PEM file", "look at [tls] in the file"
        )
    if certificate.public_key() != key.public_key():
        return problem("certificate", "the key is that of another one", "look at [tls] key")
    return _dates_and_names(config, certificate) or _key_mode(config.certificate_key)


def _self_signed(config: Config) -> Finding:
    text = "self-signed, in the data folder"
    if config.is_loopback:
        return ok("certificate", text)
    return warning("certificate", text, "set [tls]: mail programs warn of this one")


def _dates_and_names(config: Config, certificate: x509.Certificate) -> Finding | None:
    now, end = datetime.now(UTC), certificate.not_valid_after_utc
    if now < certificate.not_valid_before_utc:
        return problem(
            "certificate", f"not valid before {certificate.not_valid_before_utc}", _RENEW
        )
    if now > end:
        return problem("certificate", f"ended on {end:%Y-%m-%d}", _RENEW)
    hosts = {config.portal_host, *(server.host for server in config.client_settings())}
    unnamed = sorted(host for host in hosts if not names_host(certificate, host))
    if unnamed:
        return problem(
            "certificate",
            f"does not name {', '.join(unnamed)}",
            "get one that names each host that people type",
        )
    if end - now < _SOON:
        return warning("certificate", f"ends on {end:%Y-%m-%d}", _RENEW)
    return None


def _key_mode(key: Path) -> Finding:
    if stat.S_IMODE(key.stat().st_mode) & 0o007:
        return problem("certificate", f"{key} is open to everybody", f"chmod o= {key}")
    return ok("certificate", "matches its key, is valid and names every host")


def names_host(certificate: x509.Certificate, host: str) -> bool:
    """Whether a certificate is good for a host name or address."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return address in names.get_values_for_type(x509.IPAddress)
    wanted = host.lower().rstrip(".")
    wild = "*." + wanted.partition(".")[2]
    return any(name.lower() in (wanted, wild) for name in names.get_values_for_type(x509.DNSName))
