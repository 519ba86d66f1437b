"""What a program calls itself, out of its IMAP ID."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.wire.program import MAX_PROGRAM, device_of, program_of

KNOWN = {
    b'"name" "Thunderbird" "version" "128.0"': "Thunderbird 128.0",
    b'"version" "128.0" "NAME" "Thunderbird"': "Thunderbird 128.0",
    b'"name" "iPhone Mail" "version" "21F90" "os" "iOS"': "iPhone Mail 21F90",
    b'"name" NIL "vendor" "Example"': "Example",
    b'"name" "with \\"quotes\\" and \\\\"': 'with "quotes" and \\',
    b'"name" "two\r\nlines\tand more"': "two lines and more",
    b'("name" "in parentheses")': "in parentheses",
    b'"version" "1"': "",
    b'"name" ""': "",
    b'"name"': "",
    b"NIL": "",
    b'"name" "\xff\xfe"': "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}",
    b'"name" "never closed': "never",
}


@pytest.mark.parametrize(("client_id", "program"), KNOWN.items())
def test_known_forms(client_id: bytes, program: str) -> None:
    assert program_of(client_id) == program


@given(st.binary() | st.binary().map(lambda value: b'"name" "' + value + b'" "version" "1"'))
def test_any_bytes_give_one_bounded_printable_line(client_id: bytes) -> None:
    program = program_of(client_id)
    assert len(program) <= MAX_PROGRAM
    assert program.isprintable()
    assert program == program.strip()


def test_a_long_one_is_cut() -> None:
    assert len(program_of(b'"name" "' + b"x" * 100_000 + b'"')) <= MAX_PROGRAM


DEVICES = {
    "iPhone Mail 21F90": "iphone",
    "iPad Mail 21F90": "ipad",
    "Mac OS X Mail 16.0": "mac",
    "com.samsung.android.email": "android",
    "K-9 Mail 6.8": "android",
    "Microsoft Outlook 16": "windows",
    "Thunderbird 128.0": "",
    "Curiosity 1": "",
    "": "",
}


@pytest.mark.parametrize(("program", "device"), DEVICES.items())
def test_the_device_that_a_program_runs_on(program: str, device: str) -> None:
    assert device_of(program) == device


@given(st.text())
def test_any_name_leads_to_a_device_or_none(program: str) -> None:
    assert device_of(program) in {"windows", "mac", "iphone", "ipad", "android", ""}
