"""After the loss of its host the whole platform goes on from a backup: what was stored is there, and more comes."""

import shutil
from pathlib import Path

from tests.support.platform import Platform, running_demo
from tests.support.records import ledger_events, stored_revisions
from tests.support.scale import is_full
from tests.support.waiting import wait_until

# Two starts of the whole platform: only acceptance collects this module.
__test__ = is_full()


def test_the_whole_platform_goes_on_after_the_loss_of_its_host(tmp_path: Path) -> None:
    given = tmp_path / "passphrase"
    given.write_text("correct horse battery staple\n")
    arguments = [str(tmp_path / "host.backup"), "--passphrase-file", str(given)]
    with running_demo(tmp_path / "before", ledger=True) as platform:
        events = platform.settings.home.events_database
        stored = wait_until(lambda: _at_least(20, stored_revisions(events)), 120, "events")
        platform.command("camfleet", "backup", *arguments)
        platform.call("stop")
        restored = Platform(tmp_path / "after", ledger=True)
        restored.environment |= {name: port for name, port in platform.environment.items() if name.endswith("_PORT")}
        restored.command("camfleet", "restore", *arguments)
        shutil.move(platform.settings.home.cameras, restored.settings.home.cameras)
        try:
            restored.call("start")
            assert {program["state"] for program in restored.status().values()} == {"healthy"}
            _go_on(restored, set(stored))
        finally:
            restored.stop()


def _at_least(number: int, stored: dict[str, int]) -> dict[str, int]:
    return stored if len(stored) >= number else {}


def _go_on(platform: Platform, before: set[str]) -> None:
    """See what was stored before, and new events of the same cameras come to it."""
    events = platform.settings.home.events_database
    wait_until(lambda: len(stored_revisions(events).keys() - before) >= 20, 120, "new events after the restore")
    stored = stored_revisions(events).keys()
    homes = [platform.settings.home.cameras / name for name in platform.cameras()]
    assert len(homes) == 3
    assert before <= stored <= ledger_events(homes).keys()
