"""A missing peer."""

import pytest

from peers import require


def test_missing_peer_skips_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-peer is missing"):
        require("no-such-peer")


def test_missing_peer_fails_in_continuous_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install no-such-peer"):
        require("no-such-peer")


def test_server_programs_are_found_outside_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert require("dovecot").name == "dovecot"
    assert require("postgres").is_absolute()
