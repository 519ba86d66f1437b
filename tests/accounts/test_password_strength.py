"""How strong a password is said to be: zxcvbn's estimate, in our words, one at a time."""

import ast
import inspect
import threading
import time
from typing import Any

import pytest
import zxcvbn
import zxcvbn.feedback

from installation import Installation
from sidegate.accounts import password_strength
from sidegate.accounts.password_strength import ADVICE, Strength, strength_of


@pytest.fixture(autouse=True)
def _rested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_strength, "_ONE", password_strength._OneAtATime())
    monkeypatch.setattr(password_strength, "_REST", 0.0)


def strength(house: Installation, password: str) -> Strength:
    found = strength_of(
        house.context, password=password, address="anna@brewery.example.test", name="Anna Kalniņa"
    )
    assert found is not None
    return found


def test_every_sentence_of_zxcvbn_has_one_of_ours() -> None:
    tree = ast.parse(inspect.getsource(zxcvbn.feedback))
    theirs = {
        ast.literal_eval(call.args[0])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "_"
    }
    assert len(theirs) > 20
    assert theirs == set(ADVICE)


@pytest.mark.parametrize(
    ("password", "score", "said"),
    [
        ("short", 0, "Use at least 8"),
        ("password", 0, "thieves try first"),
        ("Kalniņa2026", 0, "little more than your name"),
        ("abcabcabc", 0, "Repeated letters"),
        ("mnbvfrty", 1, "Neighbouring keys"),
        ("19900131", 1, "Dates and years"),
        ("kalninabrewery", 1, "Add another word"),
        ("tulipsnow", 1, "much like a password"),
        ("zebrakiosk", 2, "much like a password"),
        ("tulip meadow", 3, ""),
        ("correct horse battery staple", 4, ""),
    ],
)
def test_what_is_said(installation: Installation, password: str, score: int, said: str) -> None:
    found = strength(installation, password)
    assert found.score == score
    assert len(found.advice) <= 2
    assert said in " ".join(map(str, found.advice))
    assert bool(found.advice) == (score < 3)


def test_what_cannot_be_used_is_never_called_strong(installation: Installation) -> None:
    assert "cannot be used" in str(strength(installation, "x9!" * 100).word)


def test_a_long_one_takes_no_longer(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def noting(password: str, user_inputs: list[str]) -> Any:  # noqa: ANN401 - zxcvbn's own
        seen.append(password)
        return zxcvbn.zxcvbn(password, user_inputs=user_inputs)

    monkeypatch.setattr(f"{password_strength.__name__}.zxcvbn", noting)
    strength(installation, "correct horse " * 18)
    assert [len(password) for password in seen] == [password_strength.LOOKED_AT]


def test_who_asks_while_it_works_or_rests_is_told_to_ask_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = password_strength._OneAtATime()
    monkeypatch.setattr(password_strength, "_PATIENCE", 0.05)
    monkeypatch.setattr(password_strength, "_REST", 50.0)
    at_work, go_on = threading.Event(), threading.Event()

    def slow(_password: str, user_inputs: list[str]) -> dict[str, Any]:
        at_work.set()
        assert go_on.wait(10)
        return {"score": len(user_inputs)}

    monkeypatch.setattr(f"{password_strength.__name__}.zxcvbn", slow)
    worker = threading.Thread(target=one.estimate, args=("a", []))
    worker.start()
    assert at_work.wait(10)
    assert one.estimate("b", []) is None
    time.sleep(0.02)
    go_on.set()
    worker.join()
    assert one.estimate("c", []) is None
    one._rests_until = time.monotonic()
    assert one.estimate("d", ["a word"]) == {"score": 1}
