"""An operator's own Dovecot asks Sidegate by its Lua passdb."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from child import running
from clients.browser import accepts
from clients.ways import LIBRARIES, all_of, let_in
from connect import pages
from connect.connected import EVERYTHING, VERSIONS, House
from connect.her_dovecot import ALIAS, ANNA, BERT, CAROL, MASTER, MASTERS_PASSWORD
from connect.load import nobody_is_told_wrong, tried, under_load
from connect.lua_house import asking_by_lua, printed
from sidegate.connect.sign_ins import PROTOCOLS, Outcome, Target, sign_in
from sidegate.decisions.throttle import Limits

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root")

ONE_EACH = tuple(way for way in LIBRARIES if way.name.endswith(" TLS"))
EACH = {way.name for way in ONE_EACH}
TRAP = {
    "2.3": "passdb {\n  driver = static\n  args = password=*\n}\n",
    "2.4": "passdb static {\n  password = *\n}\n",
}
TEXT = "use an app password: http://localhost:"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("2.3 own accounts", marks=pytest.mark.long),
        "2.3 its own directory",
        pytest.param("2.4 own accounts", marks=pytest.mark.long),
        pytest.param("2.4 its own directory", marks=pytest.mark.long),
    ],
)
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    version, _, accounts = request.param.partition(" ")
    with asking_by_lua(directory=accounts != "own accounts", version=version) as made:
        yield made


def keeps_accounts(house: House) -> bool:
    return "sidegate-client" not in (house.child.data / "sidegate.toml").read_text()


def known(house: House, address: str) -> None:
    """Somebody signs in to the portal, by which her directory's account appears here."""
    assert accepts(house.child, address, house.dovecot.passwords[address])


def test_who_comes_in(house: House) -> None:
    known(house, ANNA)
    anna = house.person(ANNA)
    assert house.enters(ANNA, anna.password, ONE_EACH) == EACH
    anna.turn_on()
    key = anna.app_password()
    assert house.enters(ANNA, key.secret) == EVERYTHING
    assert house.enters("Anna@EXAMPLE.test", key.secret, ONE_EACH) == EACH
    refused = {
        "account password": (ANNA, anna.password),
        "another case": ("Anna@EXAMPLE.test", anna.password),
        "wrong": (BERT, 'a "wrong" \\ password'),
        "unknown": ("nobody@example.test", "a wrong password"),
    }
    if not keeps_accounts(house):
        refused["alias"] = (ALIAS, anna.password)
        refused["disabled there"] = (CAROL, house.dovecot.passwords[CAROL])
    for why, outcomes in all_of(house.mail, refused, ONE_EACH).items():
        assert let_in(outcomes) == set(), why
        said = {one.said for one in outcomes.values()}
        assert why == "disabled there" or all(TEXT in one for one in said), (why, said)
    traps = {word: (ANNA, word) for word in ("*", "go-on", "refused", "")}
    for word, outcomes in all_of(house.mail, traps, ONE_EACH).items():
        assert let_in(outcomes) == set(), word
    assert house.enters(BERT, house.dovecot.passwords[BERT], ONE_EACH) == EACH
    # The portal's own question about somebody with 2-step comes back by Lua, and goes on.
    assert accepts(house.child, ANNA, anna.password)
    assert not accepts(house.child, ANNA, "a wrong password")


def target(house: House, protocol: str = "imap") -> Target:
    return Target("test", protocol, "127.0.0.1", house.dovecot.ports[f"{protocol}s"], tls=True)


def test_what_sidegate_is_told(house: House) -> None:
    known(house, BERT)
    bert = house.person(BERT)
    bert.turn_on()
    key = bert.app_password()
    wanted = []
    for number, protocol in enumerate(("imap", "pop3", "submission"), start=31):
        source = f"127.0.0.{number}"
        assert sign_in(target(house, protocol), BERT, key.secret, source=source).allowed
        program = "sidegate-check" if protocol == "imap" else ""
        wanted.append(("mail-allowed", source, protocol, program))
    began = time.monotonic()
    assert not sign_in(target(house), BERT, "no \u2603 password", source="127.0.0.34").allowed
    assert 1.9 < time.monotonic() - began < 3.5  # once Sidegate's delay, and none of Dovecot's
    wanted.append(("mail-refused", "127.0.0.34", "imap", "sidegate-check"))
    time.sleep(0.5)  # events are written behind the reply
    told = json.loads(house.child.command("events", "--account", BERT, "--json").stdout)
    mail = [one for one in told if one["kind"].startswith("mail-")]
    seen = [(one["kind"], one["address"], one["protocol"], one["program"]) for one in mail]
    assert [one for one in seen if one[1].startswith("127.0.0.3")] == wanted
    for secret in (key.secret, bert.password):
        assert secret not in house.dovecot.log
        assert secret not in "".join(house.child.output)
    bert.turn_off()


def test_master_users_and_lookups_go_on(house: House) -> None:
    master = f"{ANNA}*{MASTER}"
    assert house.enters(master, MASTERS_PASSWORD, ONE_EACH) == EACH
    assert house.enters(master, "a wrong password", ONE_EACH) == set()
    assert f"{house.dovecot.folder}/mail/{ANNA}" in house.dovecot.doveadm("user", ANNA)


def test_too_many_wrong_passwords_are_temporary_and_an_app_password_goes_on(house: House) -> None:
    known(house, ANNA)
    anna = house.person(ANNA)
    anna.turn_on()
    key = anna.app_password()

    def all_at_once(secrets: list[str], source: str = "127.0.0.66") -> list[Outcome]:
        """By each protocol in its turn, from where nobody else here comes from."""
        with ThreadPoolExecutor(12) as pool:
            tries = [
                pool.submit(sign_in, target(house, PROTOCOLS[n % 3]), ANNA, secret, source=source)
                for n, secret in enumerate(secrets)
            ]
        return [one.result() for one in tries]

    guesses = all_at_once([f"guess {number}" for number in range(Limits().pair)])
    assert all(TEXT in one.text for one in guesses), guesses
    for outcome in all_at_once([anna.password] * 3):
        assert outcome.temporary, outcome
        assert TEXT not in outcome.text, outcome
    assert all(one.allowed for one in all_at_once([key.secret] * 3)), "it goes on (rule 5)"
    elsewhere = all_at_once([anna.password] * 3, source="127.0.0.67")
    assert all(TEXT in one.text for one in elsewhere), "there it is judged as before"


def test_check_proves_it(house: House) -> None:
    known(house, ANNA)
    house.person(ANNA).turn_on()
    status, said = check(house)
    assert status == 0, said
    assert "ok       enforced: every sign-in service of this Dovecot asks Sidegate" in said
    assert said.count("app password: let in, by Sidegate") == 6
    assert said.count("client address: 127.0.0.2, as it is") == 6
    assert said.count("account password: refused; the program is told") == 6
    assert "the password *: refused" in said


def test_check_of_the_installation_knows_the_loop(house: House) -> None:
    said = house.child.command("check", check=False).stdout
    told = "your directory asks Sidegate by its Lua script, and is not asked back"
    assert (told in said) is not keeps_accounts(house), said
    if keeps_accounts(house):
        return
    script = house.dovecot.folder / "sidegate.lua"
    right = script.read_text()
    script.write_text(right.replace("local FROM_DIRECTORY = true", "local FROM_DIRECTORY = false"))
    house.dovecot.reload()
    assert (
        "asks Sidegate, which asks your directory"
        in house.child.command("check", check=False).stdout
    )
    # Even so nobody's question goes round for ever.
    assert house.enters(BERT, house.dovecot.passwords[BERT], ONE_EACH) == EACH
    script.write_text(right)
    house.dovecot.reload()


def check(house: House, *more: str) -> tuple[int, str]:
    conf = str(house.dovecot.file)
    command = ("connect", "lua", "--check", "--conf", conf, "--account", ANNA, "--password-stdin")
    secret = f"{house.dovecot.passwords[ANNA]}\n"
    through = house.dovecot.on_its_machine
    done = house.child.command(*command, *more, stdin=secret, check=False, through=through)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module", params=VERSIONS)
def broken(request: pytest.FixtureRequest) -> Iterator[House]:
    """One more, to be broken and mended; then stopped, and taken out."""
    with asking_by_lua(directory=True, version=request.param) as made:
        known(made, ANNA)
        made.person(ANNA).turn_on()
        yield made


def one_port(house: House) -> tuple[str, str]:
    return ("--at", f"imaps=127.0.0.1:{house.dovecot.ports['imaps']}")


@pytest.mark.long
def test_check_says_what_is_wrong(broken: House) -> None:
    folder, dovecot = broken.dovecot.folder, broken.dovecot
    token, first = folder / "sidegate-token", folder / "conf.d" / "05-sidegate-lua.conf"

    right = token.read_text()
    token.write_text("another\n")
    dovecot.reload()
    status, said = check(broken, *one_port(broken))
    assert status == 1
    assert f"{token} holds another token than Sidegate's" in said
    assert "Sidegate was not reached" in said
    token.write_text(right)

    lines = first.read_text()
    _, ours, _verdict = re.split(r"(?m)^(?=passdb )", lines)
    first.write_text(ours)
    dovecot.reload()
    status, said = check(broken, *one_port(broken))
    assert status == 1
    assert "behind the script is no passdb with" in said
    assert "LET IN with 2-Step Verification on" in said

    first.write_text(ours.replace("return-fail", "continue") + TRAP[dovecot.version])
    dovecot.reload()
    status, said = check(broken, *one_port(broken))
    assert status == 1
    assert "a passdb of Sidegate's is without result_failure = return-fail" in said
    assert "the password *: LET IN" in said

    first.unlink()
    dovecot.reload()
    assert sign_in(target(broken), ANNA, broken.dovecot.passwords[ANNA]).allowed
    first.write_text(lines)
    status, said = check(broken, *one_port(broken))
    assert status == 1
    assert "let in WITHOUT asking Sidegate" in said
    assert "was the service reloaded since?" in said

    dovecot.reload()
    status, said = check(broken, *one_port(broken))
    assert status == 0, said


def test_restarted_under_load_nobody_is_told_that_a_right_password_is_wrong(
    broken: House,
) -> None:
    """Sidegate is another process from then on: one test comes after it, of a stopped one."""
    key = broken.person(ANNA).app_password()
    ways = [
        partial(tried, target(broken, one), ANNA, key.secret, source="127.0.0.43")
        for one in PROTOCOLS
    ]
    with under_load(*ways) as load:
        broken.child.stop()
        with running(broken.child.data):
            load.goes_on(seconds=5)
    nobody_is_told_wrong(load)


def test_stopped_it_is_temporary_and_the_undo_needs_nothing_of_it(broken: House) -> None:
    anna = broken.person(ANNA)
    key = anna.app_password()
    undo = printed(broken, "undo")
    broken.child.stop()
    for secret in (anna.password, key.secret):
        outcome = sign_in(target(broken), ANNA, secret, source="127.0.0.41")
        assert outcome.temporary, outcome
        assert "[UNAVAILABLE]" in outcome.text
    status, said = check(broken, *one_port(broken))
    assert status == 1
    assert "nobody answers at 127.0.0.1:" in said
    (broken.child.data / "sidegate.sqlite3").unlink()
    for block in undo:
        pages.obey(block)
    assert {one.name for one in (broken.dovecot.folder / "conf.d").iterdir()} == {"10-auth.conf"}
    assert not list(broken.dovecot.folder.glob("sidegate-*"))
    time.sleep(1)
    assert sign_in(target(broken), ANNA, anna.password, source="127.0.0.42").allowed
