"""A self-signed certificate for trying Sidegate out."""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=30)


class CertificateFiles(NamedTuple):
    """PEM files: the certificate, and its key (0600)."""

    certificate: Path
    key: Path


def self_signed(folder: Path, *, hosts: list[str], now: int) -> CertificateFiles:
    """The certificate of a folder; made anew where there is none or it ends in 30 days.

    `hosts` are names and addresses it is good for; `now` is in milliseconds.
    """
    files = CertificateFiles(folder / "certificate.pem", folder / "key.pem")
    moment = datetime.fromtimestamp(now / 1000, UTC)
    if not _still_good(files, moment):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        _write(files.key, _pem_key(key), mode=0o600)
        pem = _certificate(key, hosts, moment).public_bytes(serialization.Encoding.PEM)
        _write(files.certificate, pem, mode=0o644)
    return files


def _still_good(files: CertificateFiles, moment: datetime) -> bool:
    if not files.certificate.exists() or not files.key.exists():
        return False
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    return certificate.not_valid_after_utc - moment > _RENEW_BEFORE


def _certificate(
    key: ec.EllipticCurvePrivateKey, hosts: list[str], moment: datetime
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(hours=1))
        .not_valid_after(moment + _VALID)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .sign(key, hashes.SHA256())
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
