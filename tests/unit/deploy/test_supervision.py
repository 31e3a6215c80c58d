"""The supervisor's pure parts: pauses, process identity, records, status, demo cameras."""

import json
import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.supervisor import demo
from deploy.supervisor.backoff import Backoff
from deploy.supervisor.identity import identify
from deploy.supervisor.ports import busy_ports, is_free
from deploy.supervisor.probes import HttpProbe, SettledProbe, TlsProbe
from deploy.supervisor.program import Address, Program
from deploy.supervisor.programs import camera_programs, server_programs
from deploy.supervisor.records import Exit, Record, Records, State
from deploy.supervisor.site import SUPERVISOR, Site
from deploy.supervisor.status import ALL_HEALTHY, DEGRADED, NOT_RUNNING, as_json, as_table, read_status
from fleet.settings import ServerSettings, load
from tests.support.ports import free_port

NEVER_HEALTHY = timedelta()


def a_site(tmp_path: Path, *programs: Program) -> Site:
    return Site(tmp_path / "run", tmp_path / "log", lambda: list(programs), ("true",))


def program(name: str, *needs: str) -> Program:
    return Program(name, ("true",), SettledProbe(), needs)


def test_pauses_double_up_to_half_a_minute() -> None:
    backoff = Backoff(lambda: 1.0)
    pauses = [backoff.next_pause(NEVER_HEALTHY).total_seconds() for _ in range(9)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_chance_shortens_a_pause_by_up_to_half() -> None:
    assert Backoff(lambda: 0.0).next_pause(NEVER_HEALTHY) == timedelta(seconds=0.25)


def test_a_program_that_was_healthy_for_a_while_is_forgiven() -> None:
    backoff = Backoff(lambda: 1.0)
    for _ in range(5):
        backoff.next_pause(NEVER_HEALTHY)
    assert backoff.next_pause(timedelta(seconds=31)) == timedelta(seconds=0.5)


def test_a_process_is_itself_and_a_later_one_is_not() -> None:
    own = identify(os.getpid())
    assert own is not None
    assert own.is_alive
    assert not replace(own, start_ticks=own.start_ticks + 1).is_alive
    assert not replace(own, boot_id="another boot").is_alive


def test_a_zombie_is_gone() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identify(child.pid) is None
    child.wait()


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    records = Records(tmp_path)
    whole = Record(
        "broker",
        2,
        identity=identify(os.getpid()),
        state=State.HEALTHY,
        restarts=3,
        last_exit=Exit("2026-11-21T10:00:00+00:00", signal="SIGKILL"),
        addresses=("127.0.0.1:8883",),
    )
    records.save(whole)
    assert records.load("broker") == whole
    assert records.living() == [whole]


def test_records_come_in_start_order_and_broken_ones_are_left_out(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.save(Record("late", 2))
    records.save(Record("early", 1))
    (tmp_path / "broken.json").write_text("{")
    assert [record.name for record in records.all()] == ["early", "late"]


@pytest.mark.parametrize(
    ("ended", "text"),
    [
        (Exit("T", code=3), "exit 3 at T"),
        (Exit("T", signal="SIGKILL"), "SIGKILL at T"),
        (Exit("T"), "unknown exit at T"),
    ],
)
def test_an_exit_says_how_it_came(ended: Exit, text: str) -> None:
    assert str(ended) == text


def test_status_of_a_host_that_never_ran_is_not_running(tmp_path: Path) -> None:
    status = read_status(a_site(tmp_path, program("broker")))
    assert status.exit_code == NOT_RUNNING
    assert as_table(status) == "not running; start it with ./managed_start.sh start"


def test_status_counts_what_lives_on_without_a_supervisor(tmp_path: Path) -> None:
    site = a_site(tmp_path, program("broker"))
    site.records.save(Record("broker", 0, identity=identify(os.getpid()), state=State.HEALTHY))
    status = read_status(site)
    assert status.exit_code == DEGRADED
    assert status.headline.startswith("supervisor is not running; 1 programs live on")


def test_status_is_degraded_while_one_program_is_not_healthy(tmp_path: Path) -> None:
    site = a_site(tmp_path, program("broker"), program("ingest"))
    me = identify(os.getpid())
    site.own_record.save(Record(SUPERVISOR, 0, identity=me))
    site.records.save(Record("broker", 0, identity=me, state=State.HEALTHY))
    site.records.save(Record("ingest", 1, state=State.BACKOFF, restarts=4, last_exit=Exit("T", code=1)))
    degraded = read_status(site)
    assert degraded.exit_code == DEGRADED
    assert "exit 1 at T" in as_table(degraded)
    site.records.save(Record("ingest", 1, identity=me, state=State.HEALTHY))
    assert read_status(site).exit_code == ALL_HEALTHY


def test_a_dead_process_of_a_healthy_record_is_shown_as_dead(tmp_path: Path) -> None:
    site = a_site(tmp_path, program("broker"))
    me = identify(os.getpid())
    assert me is not None
    site.records.save(Record("broker", 0, identity=replace(me, start_ticks=1), state=State.HEALTHY))
    assert read_status(site).rows[0].state == "dead"


def test_status_as_json_is_for_scripts(tmp_path: Path) -> None:
    data = json.loads(as_json(read_status(a_site(tmp_path, program("broker")))))
    assert data["exit"] == NOT_RUNNING
    assert data["programs"][0]["name"] == "broker"


def test_probes_of_nothing_are_not_healthy(tmp_path: Path) -> None:
    port = free_port()
    assert not HttpProbe(f"http://127.0.0.1:{port}/").is_healthy(1.0)
    assert not TlsProbe(port, tmp_path / "no.pem").is_healthy(1.0)
    assert not SettledProbe(2.0).is_healthy(1.9)
    assert SettledProbe(2.0).is_healthy(2.0)


def test_a_free_port_is_not_busy() -> None:
    address = Address("127.0.0.1", free_port())
    assert is_free(address)
    assert busy_ports([address]) == []


def test_what_a_program_needs_stands_before_it(tmp_path: Path) -> None:
    programs = server_programs(load(ServerSettings, CAMFLEET_HOME=tmp_path))
    seen: set[str] = set()
    for each in programs:
        assert set(each.needs) <= seen, each.name
        seen.add(each.name)


def test_each_configured_ingest_process_is_a_program_with_a_port_of_its_own(tmp_path: Path) -> None:
    one = server_programs(load(ServerSettings, CAMFLEET_HOME=tmp_path))
    three = server_programs(load(ServerSettings, CAMFLEET_HOME=tmp_path, ingest_processes=3))
    assert [each.name for each in one if "ingest" in each.name] == ["ingest"]
    found = [each for each in three if "ingest" in each.name]
    assert [each.name for each in found] == ["ingest", "ingest-2", "ingest-3"]
    assert [each.argv[3:] for each in found] == [(), ("--process", "2"), ("--process", "3")]
    assert [str(address) for each in found for address in each.addresses] == [
        "127.0.0.1:8073",
        "127.0.0.1:8092",
        "127.0.0.1:8093",
    ]
    assert {each.needs for each in found} == {("broker",)}


def test_every_folder_with_an_agent_file_is_a_camera(tmp_path: Path) -> None:
    for name in ("cam-00002", "cam-00001"):
        (tmp_path / "cameras" / name).mkdir(parents=True)
        (tmp_path / "cameras" / name / "agent.toml").touch()
    (tmp_path / "cameras" / "cam-half").mkdir()
    found = camera_programs(load(ServerSettings, CAMFLEET_HOME=tmp_path))
    assert [each.name for each in found] == ["cam-00001", "cam-00002"]


def test_demo_cameras_look_at_different_parts_of_the_clip_at_five_frames() -> None:
    assert len({camera.crop for camera in demo.CAMERAS}) == 3
    text = demo.stream_section(demo.CAMERAS[1], Path("/clip.mp4"))
    assert 'source = "file:/clip.mp4"' in text
    assert "fps = 5" in text
    assert "crop = [0.45, 0.15, 0.55, 0.65]" in text


def test_the_sample_clip_is_committed() -> None:
    assert demo.sample_clip().stat().st_size < 3_000_000


class Installation:
    """The installation's commands, pretended: knows which cameras are registered."""

    def __init__(self, *registered: str) -> None:
        self.registered = registered
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, _command: str, *arguments: str) -> str:
        self.asked.append(arguments[:2])
        if arguments[:2] == ("devices", "list"):
            return json.dumps([{"device_id": device_id} for device_id in self.registered])
        if arguments[0] == "provision":
            return json.dumps({"device": {}, "enrolment": {"token": "first"}})
        return json.dumps({"token": "another"})


@pytest.mark.parametrize(("registered", "token"), [((), "first"), (("cam-demo-west",), "another")])
def test_a_demo_that_was_interrupted_goes_on_with_the_camera_it_registered(
    monkeypatch: pytest.MonkeyPatch, registered: tuple[str, ...], token: str
) -> None:
    monkeypatch.setattr(demo, "run_own", Installation(*registered))
    assert demo._token(demo.CAMERAS[0]) == token
