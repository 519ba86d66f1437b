"""Where things live: real users and real folders, mostly as root."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sidegate.mailserver import places
from sidegate.mailserver.errors import PlacesError
from sidegate.mailserver.places import find_places

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses a mail user")


@pytest.fixture
def moved(open_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = open_folder()
    monkeypatch.setattr(places, "MOVED", folder)
    return folder


@pytest.fixture
def closed(open_folder: Callable[[], Path]) -> Path:
    """A data folder below a private home."""
    home = open_folder()
    home.chmod(0o700)
    data = home / "data"
    data.mkdir(mode=0o755)
    return data


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_all_lives_in_the_data_folder_where_it_can(open_folder: Callable[[], Path]) -> None:
    data = open_folder()
    found = find_places(data)
    assert (found.mail, found.run, found.moved) == (data / "mail", data / "run", False)
    assert mode(found.mail) == 0o700
    assert mode(found.base) == 0o755
    assert found.mail.stat().st_uid == found.base.stat().st_uid == found.runs_as.uid
    assert find_places(data) == found


@as_root
def test_root_keeps_the_sockets_folder_and_lets_the_mail_user_look(
    open_folder: Callable[[], Path],
) -> None:
    found = find_places(open_folder())
    assert found.user is not None
    assert found.user.uid != 0
    for folder in (found.run, found.conf):
        assert (folder.stat().st_uid, folder.stat().st_gid) == (0, found.user.gid)
        assert mode(folder) == 0o750


@as_root
def test_a_folder_that_the_mail_user_cannot_enter_is_left_for_another(
    closed: Path, moved: Path
) -> None:
    found = find_places(closed)
    assert found.moved
    assert found.mail.parent.parent == found.run.parent.parent == moved
    assert mode(found.mail.parent) == 0o750
    assert not (closed / "mail").exists()
    assert find_places(closed) == found
    # Once chosen, the mail stays where it is.
    closed.parent.chmod(0o755)
    assert find_places(closed) == found


@as_root
def test_what_an_earlier_data_folder_left_is_not_taken_over(closed: Path, moved: Path) -> None:
    first = find_places(closed)
    (closed / places.MARKER).unlink()
    second = find_places(closed)
    assert second.mail != first.mail
    assert second.mail.parent.parent == moved


@as_root
@pytest.mark.usefixtures("moved")
def test_a_copied_data_folder_does_not_share_the_mail(
    closed: Path, open_folder: Callable[[], Path]
) -> None:
    first = find_places(closed)
    copy = open_folder()
    (copy / places.MARKER).write_text((closed / places.MARKER).read_text())
    assert find_places(copy).mail != first.mail


@as_root
@pytest.mark.usefixtures("moved")
def test_mail_that_can_no_longer_be_reached_is_said(open_folder: Callable[[], Path]) -> None:
    data = open_folder()
    (find_places(data).mail / "1").mkdir()
    data.chmod(0o700)
    with pytest.raises(PlacesError, match=r"holds mail, but user .* can no longer enter it"):
        find_places(data)


@as_root
def test_mail_of_another_user_is_said(open_folder: Callable[[], Path]) -> None:
    data = open_folder()
    (data / "mail").mkdir()
    with pytest.raises(PlacesError, match="belongs to another user: chown -R"):
        find_places(data)


@as_root
def test_a_link_in_place_of_the_mail_folder_is_not_followed(
    open_folder: Callable[[], Path],
) -> None:
    data = open_folder()
    (data / "mail").symlink_to("/etc")
    with pytest.raises(PlacesError):
        find_places(data)


@pytest.mark.usefixtures("moved")
@pytest.mark.parametrize("name", ["x" * 90, "with space"])
def test_a_path_that_sockets_cannot_have_gets_a_short_one(
    open_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data = open_folder() / name
    data.mkdir(mode=0o755)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(data.parent))
    found = find_places(data)
    assert found.mail == data / "mail"
    assert found.run.parent.parent != data
    assert len(str(found.run)) < 60
    assert found.moved


@as_root
@pytest.mark.parametrize(
    ("user", "text"), [("root", "never run as root"), ("no-such-user", "there is no such user")]
)
def test_a_user_that_cannot_be_is_said(
    open_folder: Callable[[], Path], user: str, text: str
) -> None:
    with pytest.raises(PlacesError, match=text):
        find_places(open_folder(), user)


@as_root
def test_a_named_user_is_taken(open_folder: Callable[[], Path]) -> None:
    found = find_places(open_folder(), "nobody")
    assert found.user is not None
    assert found.user.uid == pwd.getpwnam("nobody").pw_uid


def test_a_user_without_a_name_is_said(
    open_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999)
    with pytest.raises(PlacesError, match=r"user 3999999 or group .* has no name here"):
        find_places(open_folder())


def test_only_root_names_another_user(
    open_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    monkeypatch.setattr(os, "geteuid", lambda: nobody)
    with pytest.raises(PlacesError, match="only root can run the mail processes as another"):
        find_places(open_folder(), "root")
