"""Databases of older releases go up, down and up again with every row, and survive a crash on the way."""

import multiprocessing
import os
import random
import signal
from itertools import count as counting

from tests.integration.release.conftest import Old, every_statement
from tests.support.scale import count


def test_up_down_and_up_again_keep_every_row(old: Old) -> None:
    before, columns = old.rows(), old.columns()
    assert all(before.values())
    assert old.migrate() == f"migrated from {old.revision} to {_said(old, old.history.head)}"
    assert (old.found(), old.has(before)) == (old.history.head, True)
    newest = old.columns()
    assert newest != columns
    old.migrate(old.revision)
    assert (old.found(), old.has(before), old.columns()) == (old.revision, True, columns)
    old.migrate()
    assert (old.found(), old.has(before), old.columns()) == (old.history.head, True, newest)


def test_every_single_step_up_and_down_keeps_every_row(old: Old) -> None:
    before = old.rows()
    steps = old.history.revisions[old.history.revisions.index(old.revision) :]
    for revision in (*steps[1:], *steps[-2::-1]):
        old.migrate(revision)
        assert (old.found(), old.has(before)) == (revision, True)


def test_a_migration_that_is_killed_anywhere_can_be_run_again(old: Old) -> None:
    before, statements = old.rows(), _statements_of_a_migration(old)
    assert statements > 10
    chosen = random.Random(4).sample(  # noqa: S311
        range(1, statements + 1), count(statements, 5, "statements before which a migration is killed")
    )
    for number in sorted(chosen):
        _killed_before(old, number)
        # Where it was, or, from the commit on, where it was to go: never between, whatever died.
        assert old.found() in (old.revision, old.history.head), f"killed before statement {number}"
        assert old.has(before)
        old.migrate(old.revision)
    old.migrate()
    assert (old.found(), old.has(before)) == (old.history.head, True)


def _said(old: Old, revision: str) -> str:
    return f"revision {revision}" if old.history.name == "events" else revision


def _statements_of_a_migration(old: Old) -> int:
    seen = counting()
    with every_statement(lambda: next(seen)):
        old.migrate()
    statements = next(seen)
    old.migrate(old.revision)
    return statements


def _killed_before(old: Old, number: int) -> None:
    """Migrate in a process of its own that dies before this statement."""
    process = multiprocessing.get_context("fork").Process(target=_migrate_and_die, args=(old, number))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def _migrate_and_die(old: Old, number: int) -> None:
    seen = counting(1)

    def die_when_it_is_time() -> None:
        if next(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    with every_statement(die_when_it_is_time):
        old.migrate()
