"""How much of everything was there so far, in the form that Prometheus reads?"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

MEDIA_TYPE = CONTENT_TYPE_LATEST
PREFIX = "router_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number, or one for each value of a label. Labels are words of ours, never what a caller supplied."""

    name: str
    says: str
    kind: Literal["counter", "gauge"]
    value: float | None = None
    label: str = ""
    values: Mapping[str, float] | None = None


class Figures(Collector):
    """The figures of one router, in a registry of its own: two in one process don't mix."""

    def __init__(self, figures: Callable[[], Iterable[Figure]]) -> None:
        self._figures = figures
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        for figure in self._figures():
            family = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
            metric = family(PREFIX + figure.name, figure.says, labels=[figure.label] if figure.label else [])
            if figure.value is not None:
                metric.add_metric([], figure.value)
            for label, value in (figure.values or {}).items():
                metric.add_metric([label], value)
            yield metric
