"""Databases that a release wrote open in this one, with every row."""

import json
import shutil
from pathlib import Path

import pytest

from config_server.store.migrate import migrate as migrate_config
from dashboard.store.migrate import migrate as migrate_events
from fleet.settings import ServerSettings, load
from tests.support.release_fixture import row_counts

DATA = Path(__file__).resolve().parents[2] / "data"
RELEASES = sorted(folder.name for folder in DATA.glob("v[0-9]*"))


def test_there_is_a_release_to_try() -> None:
    assert "v0.1.0" in RELEASES


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_left_rows_of_every_kind_that_matters(release: str) -> None:
    rows = json.loads((DATA / release / "rows.json").read_text())["rows"]
    assert rows["config.db"]["devices"] == 4
    assert rows["config.db"]["certificates"] >= 3
    assert rows["events.db"]["events"] >= 30
    assert rows["events.db"]["cameras"] >= 3


@pytest.mark.parametrize("release", RELEASES)
def test_migrating_a_releases_databases_loses_no_row(release: str, tmp_path: Path) -> None:
    for name in ("config.db", "events.db"):
        shutil.copy(DATA / release / name, tmp_path / name)
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path)
    migrate_config(settings)
    migrate_events(settings)
    wanted = json.loads((DATA / release / "rows.json").read_text())["rows"]
    for name, tables in wanted.items():
        found = row_counts(tmp_path / name)
        assert {table: found[table] for table in tables} == tables
