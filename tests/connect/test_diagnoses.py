"""What `connect --check` says of each thing that goes wrong, in plain words."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from connect.house import open_folder
from installation import Installation
from sidegate.accounts.trial import Trial
from sidegate.config import load_config
from sidegate.connect import checks, dovecot
from sidegate.connect.places import Sidegate
from sidegate.connect.proving import one_address
from sidegate.connect.sockets import trouble
from sidegate.storage.models import Event

DAY = 24 * 3600 * 1000
PROXY = "192.0.2.1"


def signed_in(house: Installation, addresses: list[str], *, ago: int = 1000) -> None:
    """One sign-in from each address, by three accounts in turn."""
    accounts = [house.add(f"a{number}@example.test") for number in range(3)]
    for number, address in enumerate(addresses):
        Event.objects.create(
            at=house.context.now() - ago,
            kind="mail-allowed",
            account=accounts[number % 3],
            address=address,
        )


@pytest.mark.parametrize(
    ("addresses", "ago", "warned"),
    [
        ([PROXY] * 20, 1000, True),
        ([PROXY] * 19, 1000, False),
        ([PROXY] * 20 + ["192.0.2.2"], 1000, False),
        ([PROXY] * 20, DAY + 1000, False),
        ([PROXY, PROXY], 1000, False),
    ],
    ids=["one for all", "too few", "two", "long ago", "very few"],
)
def test_all_sign_ins_from_one_address(
    installation: Installation, addresses: list[str], ago: int, *, warned: bool
) -> None:
    signed_in(installation, addresses, ago=ago)
    found = list(one_address(now=installation.context.now()))
    assert [one.state for one in found] == ["warning"] * warned
    if warned:
        assert found[0].text == f"all 20 sign-ins of the last day came from {PROXY}"
        assert "let it pass the client's address on" in found[0].todo


def test_one_account_at_home_is_no_proxy(installation: Installation) -> None:
    anna = installation.add("anna@example.test")
    for _ in range(30):
        at = installation.context.now()
        Event.objects.create(at=at, kind="mail-allowed", account=anna, address=PROXY)
    assert list(one_address(now=installation.context.now())) == []


@pytest.mark.parametrize("version", [(2, 2, 36), (1, 2, 17)])
def test_a_version_that_is_too_old(
    installation: Installation, tmp_path: Path, version: tuple[int, int, int]
) -> None:
    old = dovecot.Dovecot(dovecot.ordinary(version))
    sidegate = Sidegate(load_config(tmp_path), "root")
    trial = Trial(installation.context, "anna@example.test")
    found = list(checks.dovecot(old, sidegate, None, trial, only=[]))
    name = ".".join(map(str, version))
    assert [(one.state, one.text) for one in found] == [("problem", f"Dovecot {name} is too old")]
    assert found[0].todo == "2.3 or newer"
    assert any(f"Dovecot {name} is too old" in note for note in dovecot.plan(old, sidegate).notes)


def test_a_socket_in_tmp_is_not_there_for_a_service_with_private_tmp() -> None:
    for folder in ("/tmp", "/var/tmp"):  # noqa: S108 - where no socket may be
        path = Path(folder, "sidegate", "auth-client")
        said = trouble(path, user="dovenull", base=Path("/run/dovecot"))
        assert said == f"{path}: a service with PrivateTmp has a {folder} of its own, without it"


def test_a_socket_outside_the_chroot() -> None:
    path, chroot = Path("/run/sidegate/auth-client"), Path("/var/spool/postfix")
    said = trouble(path, user="postfix", base=chroot, chroot=chroot)
    assert said == f"{path} is not inside {chroot}, and the processes that ask see nothing else"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may hand files to others")
def test_permissions_and_who_listens() -> None:
    with open_folder() as folder:
        path = folder / "auth-client"

        def why() -> str:
            return trouble(path, user="nobody", base=folder)

        assert why().startswith(f"there is no {path}: does Sidegate run")
        path.write_text("")
        assert why() == f"{path} is no socket"
        path.unlink()
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
            path.chmod(0o600)
            assert why() == f"user nobody may not connect to {path} (srw------- root:root)"
            path.chmod(0o666)
            folder.chmod(0o700)
            assert why() == f"user nobody may not enter {folder} (drwx------ root:root)"
            folder.chmod(0o755)
            assert why() == f"nobody listens at {path}: Sidegate does not run"
            bound.listen()
            answering = threading.Thread(target=_answer, args=(bound,))
            answering.start()
            assert why() == f"whoever listens at {path} is not Sidegate"
            answering.join()


def _answer(bound: socket.socket) -> None:
    other, _ = bound.accept()
    with other:
        other.recv(100)
        other.sendall(b"220 mail.example.test\r\n")
