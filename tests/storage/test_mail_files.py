from __future__ import annotations

from pathlib import Path

import pytest

from sidegate.storage import mail_files as module
from sidegate.storage.mail_files import mail_files


def maildir(folder: Path) -> Path:
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    return folder


def test_messages_and_what_dovecot_keeps_but_not_what_it_rebuilds(tmp_path: Path) -> None:
    inbox = maildir(tmp_path / "anna" / "Maildir")
    sent = maildir(inbox / ".Sent")
    (inbox / "cur" / "1:2,S").write_bytes(b"one")
    (inbox / "new" / "2").write_bytes(b"two")
    (inbox / "tmp" / "3").write_bytes(b"half")
    (sent / "cur" / "4:2,").write_bytes(b"four")
    (inbox / "dovecot-uidlist").write_bytes(b"uids")
    (inbox / "dovecot.index.log").write_bytes(b"rebuilt")
    (inbox / "cur" / "link").symlink_to("/etc/passwd")
    assert dict(mail_files(tmp_path)) == {
        "anna/Maildir/cur/1:2,S": b"one",
        "anna/Maildir/new/2": b"two",
        "anna/Maildir/.Sent/cur/4:2,": b"four",
        "anna/Maildir/dovecot-uidlist": b"uids",
    }


def test_a_message_that_moves_while_we_look_is_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = maildir(tmp_path / "Maildir")
    (inbox / "new" / "1").write_bytes(b"one")
    (inbox / "cur" / "2:2,").write_bytes(b"two")
    really_read = module._read

    def read(path: Path) -> bytes | None:
        # A mail program reads both in the moment between seeing and opening.
        for old, new in (("new/1", "cur/1:2,S"), ("cur/2:2,", "cur/2:2,S")):
            if (inbox / old).exists() and path == inbox / old:
                (inbox / old).rename(inbox / new)
        return really_read(path)

    monkeypatch.setattr(module, "_read", read)
    assert dict(mail_files(tmp_path)) == {
        "Maildir/cur/1:2,S": b"one",
        "Maildir/cur/2:2,S": b"two",
    }
