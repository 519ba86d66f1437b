"""`GET /metrics`: what the doors counted and what serve knows, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from sidegate.doors.http_answers import NO_STORE
from sidegate.doors.meter import BOUNDS, Meter, Spread


class Gauge(NamedTuple):
    """A number that is known when it is asked for, or one for each value of a label."""

    text: str
    value: float = 0.0
    label: str = ""
    values: Mapping[str, float] = MappingProxyType({})


Gauges = Callable[[], Awaitable[Mapping[str, Gauge]]]
"""Other numbers of this process by name."""


class MetricsDoor:
    """Answers with everything that was counted since the start."""

    def __init__(self, meter: Meter, gauges: Gauges) -> None:
        self._meter = meter
        self._gauges = gauges

    async def answer(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's way
        """One scrape."""
        registry = CollectorRegistry()
        registry.register(_Numbers(self._meter, await self._gauges()))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers=NO_STORE)


class _Numbers(Collector):
    def __init__(self, meter: Meter, gauges: Mapping[str, Gauge]) -> None:
        self._meter = meter
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        yield self._decisions()
        yield self._seconds()
        yield self._in_flight()
        yield self._turned_away()
        for name, gauge in self._gauges.items():
            yield _gauge(f"sidegate_{name}", gauge)

    def _decisions(self) -> Metric:
        family = CounterMetricFamily(
            "sidegate_sign_ins",
            "Mail sign-ins that were decided.",
            labels=["door", "protocol", "verdict", "reason"],
        )
        for door, counts in self._meter.doors.items():
            for (protocol, said), number in sorted(counts.decisions.items()):
                family.add_metric([door, protocol.value, *said], number)
        return family

    def _seconds(self) -> Metric:
        family = HistogramMetricFamily(
            "sidegate_sign_in_seconds",
            "Seconds from question to answer; refusals leave at one fixed time.",
            labels=["door", "verdict"],
        )
        for door, counts in self._meter.doors.items():
            for verdict, spread in sorted(counts.seconds.items()):
                family.add_metric([door, verdict], _buckets(spread), spread.total)
        return family

    def _in_flight(self) -> Metric:
        family = GaugeMetricFamily(
            "sidegate_sign_ins_in_flight", "Mail sign-ins under way.", labels=["door"]
        )
        for door, counts in self._meter.doors.items():
            family.add_metric([door], counts.in_flight)
        return family

    def _turned_away(self) -> Metric:
        family = CounterMetricFamily(
            "sidegate_http_errors",
            "Requests to the HTTP door that were answered with an error.",
            labels=["status"],
        )
        for status, number in sorted(self._meter.turned_away.items()):
            family.add_metric([status], number)
        return family


def _gauge(name: str, gauge: Gauge) -> Metric:
    if not gauge.label:
        return GaugeMetricFamily(name, gauge.text, value=gauge.value)
    family = GaugeMetricFamily(name, gauge.text, labels=[gauge.label])
    for label, value in gauge.values.items():
        family.add_metric([label], value)
    return family


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    names = [*(str(bound) for bound in BOUNDS), "+Inf"]
    return list(zip(names, map(float, accumulate(spread.counts)), strict=True))
