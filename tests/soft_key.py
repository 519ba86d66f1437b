"""A passkey in software, for tests without a browser (tests/browser has Chromium's own).

It signs whatever it is told to say, right or wrong.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "===")


@dataclass
class SoftKey:
    """One passkey. Its fields may be changed before it answers."""

    credential_id: bytes = b"a passkey of the tests"
    origin: str = "http://localhost:8025"
    party: str = "localhost"
    counter: int = 0
    """What it says; it goes up where a test makes it."""
    flags: int = PRESENT | VERIFIED
    cross_origin: bool = False
    format: str = "none"
    handle: bytes | None = None
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: dict[str, Any], **more: object) -> str:
        """Answer `navigator.credentials.create`."""
        self.handle = unb64(options["user"]["id"])
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data = self._data(self.flags | ATTESTED) + attested + self._public()
        client_data = self._client_data("webauthn.create", options["challenge"])
        statement = self.statement(hashlib.sha256(client_data).digest())
        attestation = {"fmt": self.format, "attStmt": statement, "authData": data}
        response = {
            "clientDataJSON": b64(client_data),
            "attestationObject": b64(cbor2.dumps(attestation)),
            "transports": ["internal", "hybrid"],
        }
        return self._answer(response, {"credProps": {"rk": True}}, more)

    def statement(self, client_data_hash: bytes) -> dict[str, Any]:
        """What it says of its make; nothing, as it is asked."""
        del client_data_hash
        return {}

    def get(self, options: dict[str, Any], **more: object) -> str:
        """Answer `navigator.credentials.get`."""
        data = self._data(self.flags)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signed = data + hashlib.sha256(client_data).digest()
        response = {
            "clientDataJSON": b64(client_data),
            "authenticatorData": b64(data),
            "signature": b64(self.private.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": b64(self.handle) if self.handle else None,
        }
        return self._answer(response, {}, more)

    def _data(self, flags: int) -> bytes:
        party = hashlib.sha256(self.party.encode()).digest()
        return party + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _public(self) -> bytes:
        numbers = self.private.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        }
        return json.dumps(said).encode()

    def _answer(
        self, response: dict[str, Any], extensions: dict[str, Any], more: dict[str, object]
    ) -> str:
        answer = {
            "id": b64(self.credential_id),
            "rawId": b64(self.credential_id),
            "type": "public-key",
            "response": response,
            "clientExtensionResults": extensions,
        }
        return json.dumps(answer | more)


class KeyThatTells(SoftKey):
    """An old security key (FIDO U2F) whose make is told, and well signed."""

    def statement(self, client_data_hash: bytes) -> dict[str, Any]:
        point = self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        party = hashlib.sha256(self.party.encode()).digest()
        signed = b"\0" + party + client_data_hash + self.credential_id + point
        signature = self.private.sign(signed, ec.ECDSA(hashes.SHA256()))
        return {"sig": signature, "x5c": [self._certificate()]}

    def _certificate(self) -> bytes:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A maker of keys")])
        began = datetime(2026, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder(name, name, self.private.public_key(), 1)
        lasting = builder.not_valid_before(began).not_valid_after(began + timedelta(days=9999))
        signed = lasting.sign(self.private, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.DER)
