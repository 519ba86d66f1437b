"""A certificate for an operator's own servers, and the authority to trust."""

from __future__ import annotations

from pathlib import Path

import trustme


def make_certificate(folder: Path) -> None:
    """Write certificate.pem, key.pem and authority.pem."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    with (folder / "certificate.pem").open("wb") as file:
        for part in issued.cert_chain_pems:
            file.write(part.bytes())
