"""Reduced counts for every day, full counts for acceptance: one place that decides, and says so."""

import os


def is_full() -> bool:
    """Say whether this run takes the counts that the issue states."""
    return os.environ.get("CAMFLEET_TEST_FULL") == "1"


def count(full: int, reduced: int, what: str) -> int:
    """Return how many to take, and print it."""
    chosen = full if is_full() else reduced
    print(f"{what}: {chosen}" + ("" if is_full() else f" (reduced; acceptance takes {full})"))
    return chosen
