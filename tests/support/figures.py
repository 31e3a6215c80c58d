"""Figures of a bench in a test: all are recorded, and bounds are held where the counts allow it."""

from collections.abc import Callable, Sequence

from bench.performance import holds
from bench.report import Figure
from tests.support.scale import is_full

Record = Callable[[str, object], None]


def keep(figures: Sequence[Figure], record: Record) -> dict[str, float]:
    """Record every figure for the acceptance run's JSON, and return them by key."""
    for figure in figures:
        record(figure.key, round(figure.value, 3))
    return {figure.key: figure.value for figure in figures}


def broken(figures: Sequence[Figure]) -> list[str]:
    """Return what misses its bound; with reduced counts only what must be none is judged: time says nothing then."""
    judged = [figure for figure in figures if is_full() or (figure.unit == "" and figure.bound == "0")]
    return [f"{figure.key} {figure.value}" for figure in judged if holds(figure.value, figure.bound) is False]
