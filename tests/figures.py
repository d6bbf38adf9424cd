"""A page of metrics, read as Prometheus reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Figures = dict[tuple[str, tuple[str, ...]], float]


def figures(page: str) -> Figures:
    """Returns the value of each series, by its name and the values of its labels in the order of their names."""
    found: Figures = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            key = (sample.name, tuple(value for _, value in sorted(sample.labels.items())))
            assert key not in found, f"twice on one page: {key}"
            found[key] = sample.value
    return found
