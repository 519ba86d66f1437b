"""What becomes of a code, for each answer that gateways can give; none is sent twice."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection

from installation import OWNER, Installation, KeptSender, close_database, install
from sidegate.accounts import code_orders, codes, job_runner
from sidegate.accounts.code_orders import Standing
from sidegate.accounts.code_sending import CodeSending
from sidegate.accounts.gateway_troubles import GatewayTrouble, GatewayTroubles
from sidegate.senders.gateway import (
    Delivery,
    Gateway,
    MaybeSent,
    Message,
    NotNow,
    NotReachable,
    Sent,
    Trouble,
)
from sidegate.storage import jobs
from sidegate.storage.background import Background
from sidegate.storage.keys import KeyRing
from sidegate.storage.models import Challenge, CodeSend, Event, Job

NUMBER = "+37120000007"
TWO = """
[codes]
sms = ["first", "second"]
voice = []
countries = ["LV"]
[gateway.first]
kind = "exec"
command = ["/bin/false"]
[gateway.second]
kind = "exec"
command = ["/bin/false"]
"""


class Desk:
    """An installation with two gateways, whose jobs are done when a test says so."""

    def __init__(self, house: Installation) -> None:
        self.house = house
        self.first, self.second = KeptSender("first"), KeptSender("second")
        house.context.bell.answered_by(None)
        self.account = house.add()
        self.challenge = 0
        self.gateways: dict[str, Gateway] = {"first": self.first, "second": self.second}
        self.sending = self.make()

    def make(self, background: Background | None = None) -> CodeSending:
        return CodeSending(
            self.house.context,
            gateways=lambda _receipt: self.gateways,
            background=background or Background(),
        )

    def begin(self) -> None:
        self.challenge = codes.begin(
            self.house.context,
            account=self.account,
            purpose="sign-in",
            number=NUMBER,
            channel="sms",
            binding="browser",
            origin=OWNER,
        )

    def again(self) -> None:
        codes.send_again(
            self.house.context,
            challenge_id=self.challenge,
            binding="browser",
            channel="sms",
            origin=OWNER,
        )

    def work(self) -> int:
        """Do what is due; how many jobs that were."""
        taken = jobs.take(kinds=["code"], most=10, now=self.house.clock.ms)
        for job in taken:
            now = self.house.clock.ms
            outcome = asyncio.run(job_runner.outcome_of(self.sending, job, now=now))
            job_runner.write(self.sending, job, outcome, now=now)
        return len(taken)

    @property
    def standing(self) -> Standing:
        return codes.waiting_for(self.challenge).standing

    @property
    def sent(self) -> tuple[int, int]:
        """How many messages each gateway was given."""
        return len(self.first.sent), len(self.second.sent)

    @property
    def events(self) -> list[tuple[str, str, str]]:
        found = Event.objects.filter(kind__startswith="code").order_by("id")
        return [(e.kind, e.reason, json.loads(e.detail).get("gateway", "")) for e in found]


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    yield Desk(install(tmp_path / "data", url=url, toml=TWO))
    close_database()


@pytest.mark.parametrize(
    ("answers", "standing", "sent", "events"),
    [
        ([Sent("9")], ("sent", ""), (1, 0), [("code-sent", "", "first")]),
        (
            [NotReachable("unknown-number")],
            ("failed", "unknown-number"),
            (1, 0),
            [("code-not-sent", "number-not-reachable", "first")],
        ),
        (
            [MaybeSent("timeout")],
            ("unsure", "timeout"),
            (1, 0),
            [("code-sent", "code-not-sure", "first")],
        ),
        ([NotNow("away"), Sent()], ("sent", ""), (1, 1), [("code-sent", "", "second")]),
        ([NotNow("slow"), MaybeSent("dropped")], ("unsure", "dropped"), (1, 1), None),
        ([NotNow("away"), NotNow("credit")], ("waiting", "credit"), (1, 1), []),
    ],
)
def test_each_answer_has_its_end(
    desk: Desk,
    answers: list[Sent | Trouble],
    standing: tuple[str, str],
    sent: tuple[int, int],
    events: list[tuple[str, str, str]] | None,
) -> None:
    for gateway, answer in zip((desk.first, desk.second), answers, strict=False):
        gateway.answer = answer
    desk.begin()
    assert desk.standing.state == "waiting"
    assert desk.work() == 1
    assert (desk.standing.state, desk.standing.why) == standing
    assert desk.sent == sent
    if events is not None:
        assert desk.events == events
    assert desk.work() == 0  # nothing is sent a second time
    payload = Job.objects.get().payload
    assert (payload is not None) == (standing[0] == "waiting")


def test_two_who_did_the_same_job_record_it_once(desk: Desk) -> None:
    desk.begin()
    now = desk.house.clock.ms
    [first] = jobs.take(kinds=["code"], most=1, now=now)
    [second] = jobs.take(kinds=["code"], most=1, now=now + jobs.LEASE)
    for job in (first, second):
        job_runner.write(desk.sending, job, jobs.Ended("sent", by="first"), now=now)
    assert desk.events == [("code-sent", "", "first")]


def test_a_code_is_asked_for_and_ordered_or_neither(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object, **_named: object) -> int:
        raise RuntimeError

    monkeypatch.setattr(code_orders, "add_job", fail)
    with pytest.raises(RuntimeError):
        desk.begin()
    assert Challenge.objects.count() == CodeSend.objects.count() == Job.objects.count() == 0


def test_it_is_tried_again_while_the_code_lives(desk: Desk) -> None:
    desk.first.answer = desk.second.answer = NotNow("away")
    desk.begin()
    for pause in (2, 4, 8):
        assert desk.work() == 1
        desk.house.clock.forward(seconds=pause - 0.001)
        assert desk.work() == 0
        desk.house.clock.forward(seconds=0.001)
    desk.second.answer = Sent()
    assert desk.work() == 1
    assert desk.standing.state == "sent"
    assert {message["code"] for message in desk.second.sent} == {desk.first.last_code}


def test_too_late_it_is_given_up_unsent(desk: Desk) -> None:
    desk.first.answer = desk.second.answer = NotNow("away")
    desk.begin()
    desk.work()
    desk.house.clock.forward(seconds=600)
    sent = desk.sent
    assert desk.work() == 1
    assert (desk.standing.state, desk.sent) == ("expired", sent)
    assert desk.events == [("code-not-sent", "gateways-away", "")]


def test_a_gateway_in_trouble_is_asked_last_for_a_minute(desk: Desk) -> None:
    desk.first.answer = NotNow("away")
    desk.begin()
    desk.work()
    troubles = desk.house.context.gateway_troubles
    assert troubles.avoided(now=desk.house.clock.ms) == ["first"]
    desk.begin()
    desk.work()
    assert desk.sent == (1, 2)
    desk.house.clock.forward(seconds=61)
    assert troubles.avoided(now=desk.house.clock.ms) == []
    assert troubles.all() == [GatewayTrouble("first", "away", desk.house.clock.ms - 61_000)]
    desk.first.answer = Sent()
    desk.begin()
    desk.work()
    assert desk.sent == (2, 2)
    assert troubles.all() == []


def test_after_an_open_end_the_next_code_goes_by_another_gateway(desk: Desk) -> None:
    desk.first.answer = MaybeSent("timeout")
    desk.begin()
    desk.work()
    desk.house.clock.forward(seconds=30)
    # Another replica: it has seen no trouble itself.
    desk.house.context = replace(desk.house.context, gateway_troubles=GatewayTroubles())
    desk.sending = desk.make()
    desk.again()
    desk.work()
    assert desk.sent == (1, 1)
    assert desk.standing.state == "sent"


def test_another_code_calls_the_old_one_off(desk: Desk) -> None:
    desk.first.answer = desk.second.answer = NotNow("away")
    desk.begin()
    desk.work()
    desk.house.clock.forward(seconds=30)
    desk.first.answer = Sent()
    desk.again()
    assert desk.work() == 1
    assert desk.work() == 0
    assert [job.state for job in Job.objects.order_by("id")] == ["cancelled", "sent"]
    assert desk.events == [("code-sent", "", "first")]


def test_a_code_that_was_used_is_not_sent_any_more(desk: Desk) -> None:
    desk.first.answer = desk.second.answer = NotNow("away")
    desk.begin()
    desk.work()
    code = desk.first.last_code
    codes.present(
        desk.house.context,
        challenge_id=desk.challenge,
        binding="browser",
        code=code,
        origin=OWNER,
    )
    desk.house.clock.forward(seconds=60)
    assert desk.work() == 0


def test_where_none_went_out_another_may_be_asked_for_at_once(desk: Desk) -> None:
    desk.first.answer = NotReachable("no-answer")
    desk.begin()
    desk.work()
    assert codes.waiting_for(desk.challenge).again_at == desk.house.clock.ms
    desk.again()
    assert desk.work() == 1


class Silent(KeptSender):
    """Takes a message and never answers."""

    async def send(self, message: Message) -> Sent:
        await super().send(message)
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")


def test_a_gateway_that_takes_too_long_may_have_sent_it(desk: Desk) -> None:
    desk.gateways["first"] = desk.first = Silent("first", patience=0.05)
    desk.begin()
    desk.work()
    assert (desk.standing.state, desk.standing.why) == ("unsure", "timeout")
    assert desk.sent == (1, 0)


def test_a_reference_with_the_code_in_it_is_not_kept(desk: Desk) -> None:
    class Echoing(KeptSender):
        async def send(self, message: Message) -> Sent:
            await super().send(message)
            return Sent(f"took {message.text}"[:60])

    desk.gateways["first"] = desk.first = Echoing("first")
    desk.begin()
    desk.work()
    assert desk.standing == Standing("sent", at=desk.house.clock.ms)
    assert Job.objects.get().reference == ""


def test_told_to_stop_while_a_gateway_has_it(desk: Desk) -> None:
    desk.gateways["first"] = desk.first = Silent("first")
    desk.begin()
    [job] = jobs.take(kinds=["code"], most=1, now=desk.house.clock.ms)

    async def stop() -> object:
        working = asyncio.ensure_future(desk.sending.work(job))
        while not desk.first.sent:  # noqa: ASYNC110 - a step of the loop at a time
            await asyncio.sleep(0)
        working.cancel()
        return await working

    assert asyncio.run(stop()) == jobs.Ended("unsure", "stopped", "first")


def test_a_fault_of_ours_counts_as_open_and_shows_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(KeptSender):
        async def send(self, message: Message) -> Sent:
            raise ValueError(message.text)

    desk.gateways["first"] = Broken("first")
    desk.begin()
    with caplog.at_level(logging.DEBUG):
        desk.work()
    assert (desk.standing.state, desk.standing.why) == ("unsure", "ValueError")
    assert "kods" not in caplog.text
    assert "code." not in caplog.text


def test_a_code_whose_key_is_gone_is_given_up(desk: Desk) -> None:
    desk.begin()
    other = KeyRing(keys={"1": b"x" * 32}, newest="1")
    desk.house.context = replace(desk.house.context, keys=other)
    desk.sending = desk.make()
    desk.work()
    assert (desk.standing.state, desk.sent) == ("expired", (0, 0))


@pytest.mark.parametrize(
    ("delivery", "standing"),
    [
        ("delivered", ("delivered", "")),
        ("failed", ("failed", "not-delivered")),
    ],
)
@pytest.mark.parametrize("early", [False, True], ids=["late", "early"])
def test_receipts(
    desk: Desk, delivery: Delivery, standing: tuple[str, str], *, early: bool
) -> None:
    desk.first.answer = Sent("ref-7")
    desk.begin()
    [job] = jobs.take(kinds=["code"], most=1, now=desk.house.clock.ms)
    now = desk.house.clock.ms

    async def scene() -> None:
        background = Background()
        sending = desk.make(background)
        outcome = await sending.work(job)
        if early:
            sending.receipt("first", "ref-7", delivery)
            await asyncio.sleep(0.1)
        await background.run(lambda: job_runner.write(sending, job, outcome, now=now))
        sending.receipt("second", "ref-7", "failed")  # another gateway's message
        sending.receipt("first", "ref-8", "failed")
        sending.receipt("first", "ref-7", delivery)
        sending.receipt("first", "ref-7", delivery)
        async with asyncio.timeout(5):
            while await background.run(lambda: desk.standing.state) == "sent":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await sending.close()
        await asyncio.to_thread(background.close)

    asyncio.run(scene())
    assert (desk.standing.state, desk.standing.why) == standing
    assert len(desk.events) == (1 if delivery == "delivered" else 2)


def test_neither_code_nor_number_is_stored_in_the_open(desk: Desk) -> None:
    desk.begin()
    [job] = Job.objects.all()
    stored = repr(list(Job.objects.values())) + repr(bytes(job.payload or b""))
    desk.work()
    assert desk.first.last_code not in stored
    assert NUMBER not in stored
    connection.close()
