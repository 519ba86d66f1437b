"""Passkeys and security keys (W3C Web Authentication, levels 2 and 3).

What a browser is asked, and what its answer proves. Attestation is none: which make of key
somebody owns is nobody's business here.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

CHALLENGE_BYTES = 32
HANDLE_BYTES = 32
LIFETIME = 5 * 60_000
"""Milliseconds for which a challenge is good, and a browser waits."""
LONGEST_ANSWER = 16_384
"""Characters of a browser's answer; attestation none needs a tenth of it."""
LONGEST_ID = 1023
"""Bytes of a credential id (WebAuthn level 2, section 4)."""

_DEFAULT_PORTS = {"https": 443, "http": 80}
# "none", and "packed" by the key's own signature: browsers leave these two (level 3, 5.1.3).
_FORMATS = (AttestationFormat.NONE, AttestationFormat.PACKED)
_MALFORMED = "malformed"


class RelyingParty(NamedTuple):
    """Who asks: passkeys are bound to its id, answers to its origin."""

    id: str
    origin: str
    name: str


class Known(NamedTuple):
    """A passkey as a browser is told of it."""

    credential_id: bytes
    transports: str


class Refusal(StrEnum):
    """Why an answer does not count."""

    INVALID = "invalid"
    """Not for this site, this challenge, this account or this key; or not well-formed."""
    NOT_VERIFIED = "not-verified"
    """The owner was not verified (PIN, finger, face) where she had to be."""
    COUNTER_BACK = "counter-back"
    """The signature is right, its counter is not past the last one: there may be a copy."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A new passkey's public half."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: str
    """Parted by commas."""
    user_verified: bool
    discoverable: bool


@dataclass(frozen=True, slots=True)
class Used:
    """A passkey was used; what to keep of it."""

    sign_count: int
    user_verified: bool


class Answer(NamedTuple):
    """What a browser says that it answers, before anything of it is proved."""

    challenge: bytes
    credential_id: bytes
    user_handle: bytes | None


def relying_party(*, url: str, name: str) -> RelyingParty | None:
    """The one behind the portal's address; `None` where that names no host but an IP address."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if not host or _is_address(host):
        return None
    port = parts.port if parts.port != _DEFAULT_PORTS.get(parts.scheme) else None
    origin = f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")
    return RelyingParty(host, origin, name)


def creation_options(
    *,
    party: RelyingParty,
    challenge: bytes,
    user_handle: bytes,
    address: str,
    name: str,
    known: Sequence[Known],
) -> dict[str, Any]:
    """What `navigator.credentials.create` is given, as JSON (level 3, 5.1.8).

    A passkey that can sign in by itself where the key has room for one, any key otherwise.
    """
    selection = AuthenticatorSelectionCriteria(
        resident_key=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user_handle,
        user_name=address,
        user_display_name=name or address,
        challenge=challenge,
        timeout=LIFETIME,
        authenticator_selection=selection,
        exclude_credentials=_descriptors(known),
    )
    return options_to_json_dict(options) | {"extensions": {"credProps": True}}


def request_options(
    *, party: RelyingParty, challenge: bytes, known: Sequence[Known], verified: bool
) -> dict[str, Any]:
    """What `navigator.credentials.get` is given, as JSON (level 3, 5.1.9).

    `verified` asks for the owner's verification. Without any known ones the browser offers
    whichever passkeys it holds for the site.
    """
    requirement = UserVerificationRequirement
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=LIFETIME,
        allow_credentials=_descriptors(known),
        user_verification=requirement.REQUIRED if verified else requirement.DISCOURAGED,
    )
    return options_to_json_dict(options)


def read(answer: str) -> Answer | None:
    """What an answer to a request says of itself; `None` where it is none."""
    try:
        parsed = parse_authentication_credential_json(_bounded(answer))
        client_data = parse_client_data_json(parsed.response.client_data_json)
    except Exception:  # noqa: BLE001 - its parsers raise whatever bytes make them raise
        return None
    return Answer(client_data.challenge, parsed.raw_id, parsed.response.user_handle)


def read_new(answer: str) -> bytes | None:
    """The challenge that a registration says it answers; `None` where it is none."""
    try:
        parsed = parse_registration_credential_json(_bounded(answer))
        return parse_client_data_json(parsed.response.client_data_json).challenge
    except Exception:  # noqa: BLE001 - the same
        return None


def registered(*, party: RelyingParty, challenge: bytes, answer: str) -> Registered | Refusal:
    """Judge what a browser answers to `creation_options` (level 3, 7.1)."""
    try:
        parsed = parse_registration_credential_json(_bounded(answer))
        _same_page(parsed.response.client_data_json)
        _plain(parsed.response.attestation_object)
        verified = verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
        )
    except Exception:  # noqa: BLE001 - the same
        return Refusal.INVALID
    if len(verified.credential_id) > LONGEST_ID:
        return Refusal.INVALID
    transports = [transport.value for transport in parsed.response.transports or []]
    return Registered(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=",".join(dict.fromkeys(transports)),
        user_verified=verified.user_verified,
        discoverable=_discoverable(answer),
    )


def used(
    *,
    party: RelyingParty,
    challenge: bytes,
    answer: str,
    public_key: bytes,
    sign_count: int,
    verified: bool,
) -> Used | Refusal:
    """Judge what a browser answers to `request_options` (level 3, 7.2).

    `public_key` and `sign_count` are the stored ones of the passkey that the answer names;
    `verified` tells whether its owner must have been verified.
    """
    try:
        parsed = parse_authentication_credential_json(_bounded(answer))
        _same_page(parsed.response.client_data_json)
        proved = verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            # Judged below: a counter says something only under a right signature.
            credential_current_sign_count=0,
        )
    except Exception:  # noqa: BLE001 - the same
        return Refusal.INVALID
    if verified and not proved.user_verified:
        return Refusal.NOT_VERIFIED
    if not counts_on(stored=sign_count, said=proved.new_sign_count):
        return Refusal.COUNTER_BACK
    return Used(proved.new_sign_count, proved.user_verified)


def counts_on(*, stored: int, said: int) -> bool:
    """Whether a counter goes on; a passkey that keeps none says 0 for ever (level 3, 6.1.1)."""
    return said > stored or said == stored == 0


def _same_page(client_data_json: bytes) -> None:
    # The library leaves this to its caller: no page of another site may hold ours in a frame.
    if parse_client_data_json(client_data_json).cross_origin:
        raise ValueError(_MALFORMED)


def _plain(attestation_object: bytes) -> None:
    # The other formats bring certificates and times along, for whoever asked for them.
    if parse_attestation_object(attestation_object).fmt not in _FORMATS:
        raise ValueError(_MALFORMED)


def _discoverable(answer: str) -> bool:
    """The browser's own word for it (level 3, 10.1.3); it opens nothing."""
    told = json.loads(answer).get("clientExtensionResults")
    properties = told.get("credProps") if isinstance(told, dict) else None
    return isinstance(properties, dict) and properties.get("rk") is True


def _bounded(answer: str) -> str:
    if len(answer) > LONGEST_ANSWER:
        raise ValueError(_MALFORMED)
    return answer


def _descriptors(known: Sequence[Known]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=one.credential_id,
            transports=[AuthenticatorTransport(name) for name in one.transports.split(",") if name],
        )
        for one in known
    ]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
