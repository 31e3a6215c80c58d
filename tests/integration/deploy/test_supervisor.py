"""The supervisor over real processes: start in order, restart, adopt, refuse, stop."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.supervisor.control import (
    NotPossible,
    await_healthy,
    launch_supervisor,
    one_at_a_time,
    reconcile,
    refuse_busy_ports,
    stop,
    supervisor_of,
)
from deploy.supervisor.identity import Identity, identify
from deploy.supervisor.records import Record, State
from deploy.supervisor.site import Site
from deploy.supervisor.status import as_table, read_status
from tests.support.fake_site import fake_site, want, web_server
from tests.support.ports import free_port
from tests.support.waiting import wait_until

SOON_S = 20.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "host"
    first, second = free_port(), free_port()
    want(folder, [{"name": "first", "port": first}, {"name": "second", "port": second, "needs": ["first"]}])
    site = fake_site(folder)
    yield site
    stop(site)


def start(site: Site) -> Identity:
    supervisor = launch_supervisor(site)
    await_healthy(site, SOON_S)
    return supervisor


def record(site: Site, name: str) -> Record:
    found = site.records.load(name)
    assert found is not None
    return found


def pid(site: Site, name: str) -> int:
    identity = record(site, name).identity
    assert identity is not None
    return identity.pid


def kill_supervisor(site: Site, supervisor: Identity) -> None:
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: supervisor_of(site) is None, SOON_S, "supervisor is gone")


def test_start_returns_once_everything_is_healthy(site: Site) -> None:
    start(site)
    status = read_status(site)
    assert status.exit_code == 0
    assert [row.state for row in status.rows] == ["healthy", "healthy"]


def test_a_program_starts_only_after_what_it_needs_is_healthy(tmp_path: Path) -> None:
    folder = tmp_path / "host"
    never = free_port()
    want(folder, [{"name": "first", "port": never, "argv": ["sleep", "600"]}, {"name": "second", "needs": ["first"]}])
    site = fake_site(folder)
    launch_supervisor(site)
    try:
        with pytest.raises(NotPossible, match="not healthy after 1 s: first, second"):
            await_healthy(site, 1.0)
        assert record(site, "first").state is State.STARTING
        assert record(site, "second").state is State.WAITING
    finally:
        stop(site)


def test_a_killed_program_comes_back_and_is_remembered(site: Site) -> None:
    start(site)
    victim = pid(site, "first")
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: record(site, "first").restarts == 1, SOON_S, "death noticed")
    await_healthy(site, SOON_S)
    after = record(site, "first")
    assert pid(site, "first") != victim
    assert after.last_exit is not None
    assert after.last_exit.signal == "SIGKILL"
    assert "SIGKILL" in as_table(read_status(site))


def test_a_program_that_ends_by_itself_is_tried_again_with_pauses(tmp_path: Path) -> None:
    folder = tmp_path / "host"
    want(folder, [{"name": "hasty", "argv": [sys.executable, "-c", "raise SystemExit(7)"]}])
    site = fake_site(folder)
    launch_supervisor(site)
    try:
        wait_until(lambda: record(site, "hasty").restarts >= 2, SOON_S, "second try")
        ended = record(site, "hasty").last_exit
        assert ended is not None
        assert ended.code == 7
        assert read_status(site).exit_code == 1
    finally:
        stop(site)


def test_a_missing_program_is_named_in_its_log(tmp_path: Path) -> None:
    folder = tmp_path / "host"
    want(folder, [{"name": "absent", "argv": ["/nowhere/at-all"]}])
    site = fake_site(folder)
    launch_supervisor(site)
    try:
        with pytest.raises(NotPossible, match="No such file or directory"):
            await_healthy(site, 1.5)
    finally:
        stop(site)


def test_programs_outlive_a_killed_supervisor_and_are_adopted(site: Site) -> None:
    kill_supervisor(site, start(site))
    before = [pid(site, "first"), pid(site, "second")]
    orphaned = read_status(site)
    assert orphaned.exit_code == 1
    assert "2 programs live on; run ./managed_start.sh start to adopt them" in orphaned.headline
    refuse_busy_ports(site)
    start(site)
    assert [pid(site, "first"), pid(site, "second")] == before
    assert read_status(site).exit_code == 0


def test_an_adopted_program_is_restarted_when_it_dies(site: Site) -> None:
    kill_supervisor(site, start(site))
    start(site)
    victim = pid(site, "second")
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: record(site, "second").restarts == 1, SOON_S, "death of the adopted noticed")
    await_healthy(site, SOON_S)
    assert pid(site, "second") != victim


def test_a_recycled_pid_is_not_mistaken_for_our_program(site: Site) -> None:
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        theirs = identify(stranger.pid)
        assert theirs is not None
        older = Identity(theirs.pid, theirs.start_ticks - 1, theirs.boot_id)
        site.records.save(Record("first", 0, identity=older, state=State.HEALTHY))
        start(site)
        assert pid(site, "first") != stranger.pid
        stop(site)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_workers_left_by_a_killed_leader_do_not_keep_its_port(tmp_path: Path) -> None:
    folder, port = tmp_path / "host", free_port()
    leader = f"import subprocess, time; subprocess.Popen({list(web_server(port))!r}); time.sleep(600)"
    want(folder, [{"name": "leader", "port": port, "argv": [sys.executable, "-c", leader]}])
    site = fake_site(folder)
    start(site)
    try:
        os.kill(pid(site, "leader"), signal.SIGKILL)
        wait_until(lambda: record(site, "leader").restarts == 1, SOON_S, "death noticed")
        await_healthy(site, SOON_S)
        assert record(site, "leader").restarts == 1
    finally:
        assert not stop(site)


def test_stop_leaves_no_process_and_no_port(site: Site) -> None:
    supervisor = start(site)
    pids = [pid(site, "first"), pid(site, "second"), supervisor.pid]
    assert not stop(site)
    assert [identify(each) for each in pids] == [None, None, None]
    refuse_busy_ports(site)
    assert read_status(site).exit_code == 3


def test_stop_works_without_a_supervisor(site: Site) -> None:
    kill_supervisor(site, start(site))
    pids = [pid(site, "first"), pid(site, "second")]
    assert not stop(site)
    assert [identify(each) for each in pids] == [None, None]


def test_programs_whose_records_were_removed_are_seen_and_stopped(site: Site) -> None:
    start(site)
    pids = [pid(site, "first"), pid(site, "second")]
    for found in (*site.run_folder.glob("*.json"), *(site.run_folder / "programs").iterdir()):
        found.unlink()
    assert "run without a record; run ./managed_start.sh stop" in as_table(read_status(site))
    assert not stop(site)
    assert [identify(number) for number in pids] == [None, None]
    assert read_status(site).headline.startswith("not running")


def test_stop_twice_and_stop_before_any_start_are_no_errors(site: Site) -> None:
    assert not stop(site)
    assert not stop(site)


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.supervisor.stopping.POLITE_S", 0.3)
    folder = tmp_path / "host"
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    want(folder, [{"name": "deaf", "argv": [sys.executable, "-c", deaf]}])
    site = fake_site(folder)
    kill_supervisor(site, start(site))
    assert not stop(site)


def test_a_busy_port_is_refused_by_naming_who_holds_it(site: Site) -> None:
    port = site.wanted()[0].addresses[0].port
    holder = subprocess.Popen(web_server(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _is_busy(site), SOON_S, "port is held")
        with pytest.raises(NotPossible) as refusal:
            refuse_busy_ports(site)
        assert f"127.0.0.1:{port} is held by" in str(refusal.value)
        assert f"(pid {holder.pid})" in str(refusal.value)
    finally:
        holder.kill()
        holder.wait()


def test_programs_can_be_added_and_removed_while_it_runs(site: Site, tmp_path: Path) -> None:
    start(site)
    old = json_of(tmp_path)
    want(tmp_path / "host", [*old, {"name": "late"}])
    reconcile(site)
    await_healthy(site, SOON_S)
    late = pid(site, "late")
    want(tmp_path / "host", old)
    reconcile(site)
    wait_until(lambda: identify(late) is None, SOON_S, "the unwanted is stopped")
    wait_until(lambda: site.records.load("late") is None, SOON_S, "and forgotten")


def test_a_second_start_or_stop_waits_for_the_first(site: Site) -> None:
    with (
        one_at_a_time(site),
        pytest.raises(NotPossible, match="another start or stop"),
        one_at_a_time(site, patience_s=0.2),
    ):
        raise AssertionError("two at a time")


def test_logs_are_private_and_appended(site: Site) -> None:
    start(site)
    stop(site)
    start(site)
    log = site.log_file("first")
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.read_text().count("Serving HTTP") <= 2


def json_of(tmp_path: Path) -> list[dict[str, object]]:
    loaded: list[dict[str, object]] = json.loads((tmp_path / "host" / "wanted.json").read_text())
    return loaded


def _is_busy(site: Site) -> bool:
    try:
        refuse_busy_ports(site)
    except NotPossible:
        return True
    return False


def test_a_disk_that_takes_no_record_does_not_end_the_supervisor(site: Site) -> None:
    supervisor = start(site)
    folder = site.run_folder / "programs"
    folder.rename(site.run_folder / "moved")
    folder.touch()
    try:
        victim = identify(json.loads((site.run_folder / "moved" / "first.json").read_text())["identity"]["pid"])
        assert victim is not None
        os.kill(victim.pid, signal.SIGKILL)
        wait_until(lambda: "record not written" in site.log_file("supervisor").read_text(), SOON_S, "trouble is said")
        assert supervisor.is_alive
    finally:
        folder.unlink()
        (site.run_folder / "moved").rename(folder)
    wait_until(lambda: record(site, "first").restarts == 1, SOON_S, "it goes on")
    await_healthy(site, SOON_S)
