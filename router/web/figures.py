"""How much of everything was there so far, in the form that Prometheus reads?"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How many were up to each bound, for each value of a label: (counts, one more than bounds; their sum)."""

    name: str
    says: str
    label: str
    bounds: Sequence[float]
    values: Mapping[str, tuple[Sequence[int], float]]


class Figures(Collector):
    """The figures of one router, in a registry of its own: two in one process don't mix."""

    def __init__(self, figures: Callable[[], Iterable[Figure | Spread]]) -> None:
        self._figures = figures
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        for figure in self._figures():
            if isinstance(figure, Spread):
                yield _histogram(figure)
                continue
            family = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
            metric = family(PREFIX + figure.name, figure.says, labels=[figure.label] if figure.label else [])
            if figure.value is not None:
                metric.add_metric([], figure.value)
            for label, value in (figure.values or {}).items():
                metric.add_metric([label], value)
            yield metric


def _histogram(spread: Spread) -> Metric:
    metric = HistogramMetricFamily(PREFIX + spread.name, spread.says, labels=[spread.label])
    bounds = [*map(str, spread.bounds), "+Inf"]
    for label, (counts, total) in spread.values.items():
        up_to = list(zip(bounds, accumulate(counts), strict=True))  # Prometheus wants each with all below it
        metric.add_metric([label], buckets=[(bound, float(number)) for bound, number in up_to], sum_value=total)
    return metric
