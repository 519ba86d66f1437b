"""`GET /metrics`, read back by the library that Prometheus' own tools use."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from doors.nullparts import RIGHT
from doors.web import RunningHttp, running_http
from sidegate.decisions.words import Allow, Attempt, CredentialKind, Protocol, Verdict
from sidegate.doors.meter import Meter


def samples(door: RunningHttp) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = door.ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def test_numbers() -> None:
    with running_http() as door:
        asked = {"login": "a@example.test", "protocol": "imap", "client_ip": "192.0.2.1"}
        for secret in (RIGHT, RIGHT, "wrong"):
            assert door.verify({**asked, "secret": secret}).status == 200
        door.verify({**asked, "login": "throttled@example.test", "secret": "x"})
        door.verify({})
        door.nginx(Auth_Method="plain", Auth_Protocol="smtp", Auth_User="a", Auth_Pass=RIGHT)
        found = samples(door)
    total = "sidegate_sign_ins_total"  # labels: door, protocol, reason, verdict
    assert found[total, ("json", "imap", "app-password", "allow")] == 2
    assert found[total, ("json", "imap", "wrong-password", "refuse")] == 1
    assert found[total, ("json", "imap", "throttled", "unavailable")] == 1
    assert found[total, ("nginx", "submission", "app-password", "allow")] == 1
    assert found["sidegate_sign_in_seconds_count", ("json", "refuse")] == 1
    assert found["sidegate_sign_in_seconds_bucket", ("json", "0.1", "refuse")] == 0
    assert found["sidegate_sign_in_seconds_bucket", ("json", "0.5", "refuse")] == 1
    assert found["sidegate_sign_in_seconds_bucket", ("json", "+Inf", "allow")] == 2
    assert found["sidegate_sign_ins_in_flight", ("json",)] == 0
    assert found["sidegate_http_errors_total", ("422",)] == 1
    assert found["sidegate_events_waiting", ()] == 3
    assert found["sidegate_by_prefix", ("+371200",)] == 2


class Held:
    """Answers when told to."""

    def __init__(self) -> None:
        self.answers: list[object] = []

    def submit(self, attempt: Attempt, answer: object) -> None:
        if attempt.login == "broken":
            raise RuntimeError
        self.answers.append(answer)


def test_in_flight_comes_back_to_nothing() -> None:
    meter, held, seen = Meter(), Held(), list[Verdict]()
    port = meter.measured(held, door="d")
    attempt = Attempt("a", "b", Protocol.IMAP, "", "", True, "", "", 0)  # noqa: FBT003
    port.submit(attempt, seen.append)
    assert meter.doors["d"].in_flight == 1
    held.answers[0](Allow(1, "a", CredentialKind.APP_PASSWORD, 1))  # type: ignore[operator]
    assert meter.doors["d"].in_flight == 0
    assert len(seen) == 1
    try:
        port.submit(attempt._replace(login="broken"), seen.append)
    except RuntimeError:
        assert meter.doors["d"].in_flight == 0
