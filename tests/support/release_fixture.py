"""Make tests/data/<release>/: small copies of both databases as this release writes them, for later migrations.

Run as `python -m tests.support.release_fixture vX.Y.Z` on a release's commit: it runs the demo and copies what that
wrote. The secrets in the copies (hashes, sealed keys) belong to that demo alone, whose keys are gone.
"""

import json
import sqlite3
import sys
import tempfile
from pathlib import Path

from bench.report import commit
from fleet import __version__
from tests.support.platform import ROOT, running_demo
from tests.support.records import stored_revisions
from tests.support.waiting import wait_until

EVENTS = 40
# Keeps the files small; every table keeps rows of each kind.
TRIM = ("DELETE FROM telemetry_raw WHERE rowid NOT IN (SELECT rowid FROM telemetry_raw LIMIT 12)",)


def make(release: str) -> None:
    """Write both databases and a note of what they hold."""
    folder = ROOT / "tests" / "data" / release
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, running_demo(Path(home) / "home") as platform:
        platform.command("camfleet", "provision", "Never enrolled", "--site", "demo")
        events = platform.settings.home.events_database
        wait_until(lambda: len(stored_revisions(events)) >= EVENTS, 120, "enough events")
        wait_until(lambda: _count(events, "telemetry_raw") >= 3, 60, "telemetry")
        platform.call("stop")
        counts = {
            "config.db": _copy(platform.settings.home.config_database, folder / "config.db", ()),
            "events.db": _copy(events, folder / "events.db", TRIM),
        }
    note = {"release": __version__, "commit": commit(), "rows": counts}
    (folder / "rows.json").write_text(json.dumps(note, indent=1, sort_keys=True) + "\n")


def _copy(source: Path, target: Path, trim: tuple[str, ...]) -> dict[str, int]:
    target.unlink(missing_ok=True)
    connection = sqlite3.connect(source)
    try:
        for statement in trim:
            connection.execute(statement)
        connection.commit()
        connection.execute("VACUUM INTO ?", (str(target),))
    finally:
        connection.close()
    target.chmod(0o644)
    return row_counts(target)


def row_counts(database: Path) -> dict[str, int]:
    """Return the rows of every table."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {name: _rows(connection, name) for (name,) in named.fetchall()}
    finally:
        connection.close()


def _count(database: Path, table: str) -> int:
    return row_counts(database).get(table, 0)


def _rows(connection: sqlite3.Connection, table: str) -> int:
    (count,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608 (names from the schema)
    return int(count)


if __name__ == "__main__":
    make(sys.argv[1])
