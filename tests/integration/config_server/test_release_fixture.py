"""The database as release 0.1.0 wrote it (tests/data/config-0.1.0.sql) is brought up and read by this one."""

import sqlite3
from pathlib import Path

from config_server.records import DeviceFilter
from config_server.registry import find_devices
from config_server.store.migrate import migrate, require_current_schema
from config_server.store.registry import Store
from fleet.pki import read_certificate
from fleet.settings import ServerSettings, load

DUMP = Path(__file__).parents[2] / "data" / "config-0.1.0.sql"


def test_a_database_of_0_1_0_keeps_every_device_certificate_and_entry(tmp_path: Path) -> None:
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path)
    with sqlite3.connect(settings.home.config_database) as connection:
        connection.executescript(DUMP.read_text())
    migrate(settings)
    require_current_schema(settings.config_database)
    store = Store(settings.config_database)
    with store.reading() as tx:
        views = {view.device.device_id: view for view in find_devices(tx, DeviceFilter())}
        actions = [entry.action for entry in tx.audit.of_device("cam-front-gate")]
    store.close()
    states = {device_id: view.device.state for device_id, view in views.items()}
    assert states == {"cam-front-gate": "accepted", "cam-back-door": "pending", "cam-bench-1": "accepted"}
    assert views["cam-back-door"].device.name == "Poartă 前門"
    certificate = views["cam-front-gate"].certificate
    assert certificate
    assert read_certificate(certificate.certificate_pem.encode()).common_name == "cam-front-gate"
    assert actions == ["device.registered", "enrolment.token-made", "device.enrolled"]


def test_a_dump_of_the_database_holds_no_usable_secret() -> None:
    text = DUMP.read_text()
    assert "PRIVATE KEY" not in text
    assert "cfa_" not in text
    assert "cfs_" not in text
