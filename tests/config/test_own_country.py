"""The operator's own country: the default of `[codes] countries`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sidegate.config import load_config
from sidegate.config.own_country import own_countries


@pytest.mark.parametrize(
    ("zone", "countries"),
    [
        ("Europe/Riga", ["LV"]),
        (":Europe/Riga", ["LV"]),
        ("/usr/share/zoneinfo/Europe/Riga", ["LV"]),
        ("America/Argentina/Buenos_Aires", ["AR"]),
        ("UTC", []),
        ("Etc/UTC", []),
        ("EST5EDT", []),
        ("Antarctica/Troll", []),  # nobody has a phone number of it
        ("No/Where", []),
    ],
)
def test_the_country_of_a_time_zone(tmp_path: Path, zone: str, countries: list[str]) -> None:
    assert own_countries(environment={"TZ": zone}, root=tmp_path) == countries


def test_where_the_machine_says_its_zone(tmp_path: Path) -> None:
    assert own_countries(environment={}, root=tmp_path) == []
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/timezone").write_text("Europe/Vilnius\n")
    assert own_countries(environment={}, root=tmp_path) == ["LT"]
    (tmp_path / "etc/localtime").write_bytes(b"TZif2")  # a copy names no zone
    assert own_countries(environment={}, root=tmp_path) == ["LT"]
    (tmp_path / "etc/localtime").unlink()
    (tmp_path / "etc/localtime").symlink_to("../usr/share/zoneinfo/Europe/Riga")
    assert own_countries(environment={"TZ": ""}, root=tmp_path) == ["LV"]
    assert own_countries(environment={"TZ": "UTC"}, root=tmp_path) == []


@pytest.mark.parametrize(("zone", "said"), [("Europe/Riga", '["LV"]'), ("UTC", "[]")])
def test_the_first_file_names_it(zone: str, said: str) -> None:
    program = "from sidegate.config.loading import default_text\nprint(default_text())"
    text = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TZ": zone},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert f"\ncountries = {said} " in text


@pytest.mark.parametrize(
    ("codes", "allowed", "own"),
    [
        ('countries = ["LV"]', set(), "LV"),  # what is shown on the screen goes nowhere
        ('sms = "a"\ncountries = ["LV", "LT"]', {"LV", "LT"}, "LV"),
        ('voice = ["screen", "a"]\ncountries = ["LT"]', {"LT"}, "LT"),
        ('sms = "a"\ncountries = ["LV", "*"]', set(), "LV"),
        ('sms = "a"\ncountries = ["*"]', set(), None),
        ('sms = "a"\ncountries = []', set(), None),  # no time zone told which
    ],
)
def test_whose_numbers_may_be_added(
    tmp_path: Path, codes: str, allowed: set[str], own: str | None
) -> None:
    gateway = '[gateway.a]\nkind = "exec"\ncommand = ["/b"]\n'
    (tmp_path / "sidegate.toml").write_text(f"[codes]\n{codes}\n{gateway}")
    config = load_config(tmp_path)
    assert set(config.phone_countries) == allowed
    assert config.own_country == own
