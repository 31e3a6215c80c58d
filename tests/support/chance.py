"""Chance that can be had again: one seed for a test run, printed, and taken from acceptance when it gives one."""

import os
import random
from functools import cache

SEED = "CAMFLEET_TEST_SEED"


@cache
def run_seed() -> int:
    """Return this run's seed."""
    given = os.environ.get(SEED)
    return int(given) if given else random.SystemRandom().randrange(2**31)


def chance_for(what: str) -> random.Random:
    """Return a source of chance for one test, and print how to have the same again."""
    print(f"{what}: again with {SEED}={run_seed()}")
    return random.Random(f"{run_seed()} {what}")  # noqa: S311  (not a secret)
