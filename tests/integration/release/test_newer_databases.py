"""A database of a newer release is refused by every program and every command, in a line that says what to run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner, Result

from config_server.settings import ConfigSettings
from dashboard.store.migrate import migrate as migrate_events
from deploy.supervisor.programs import server_programs
from fleet.cli import CommandFailed, build_app
from fleet.home import write_file
from fleet.settings import ServerSettings
from tests.integration.release.conftest import HISTORIES
from tests.support.config_server import environment_of, prepare_home
from tests.support.ports import free_port

PORTS = (
    "broker",
    "broker_servers",
    "https",
    "http",
    "crl",
    "dashboard",
    "config",
    "feed",
    "ingest",
    "courier",
    "forwarder",
)
# Whose programs these are is in their command lines: broker and nginx keep no database of ours.
OF = {"config_server": "config", "dashboard": "events"}
PROGRAMS = {"config": {"config_server", "courier"}, "events": {"ingest", "dashboard", "feed", "forwarder"}}
COMMANDS = {
    "config": (
        ("migrate",),
        ("ca", "init"),
        ("ca", "renew"),
        ("ca", "show"),
        ("devices", "denied"),
        ("audit", "verify", "--program", "config"),
        ("backup", "/nowhere/x", "--passphrase-file", "PASSPHRASE"),
    ),
    "events": (
        ("migrate",),
        ("people", "ensure-admin"),
        ("quarantine", "list"),
        ("retention", "plan"),
        ("forward", "list"),
        ("audit", "verify", "--program", "events"),
        ("backup", "/nowhere/x", "--passphrase-file", "PASSPHRASE"),
    ),
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ConfigSettings:
    folder = tmp_path_factory.mktemp("newer")
    # With a webhook the forwarder is one of the host's programs.
    write_file(folder / "webhooks", b"https://hooks.example.com/a a-secret-of-some-length\n")
    ports = {f"{name}_port": free_port() for name in PORTS}
    made = prepare_home(folder / "home", **ports, webhook_urls_file=folder / "webhooks")
    migrate_events(made)
    return made


@contextmanager
def written_by_a_newer_release(settings: ServerSettings, name: str) -> Iterator[str]:
    """Let a database be of a later revision; gives the one that this release needs."""
    history = HISTORIES[name]
    engine = create_engine(getattr(settings, f"{name}_database"))
    change = text(f"UPDATE {history.version_table} SET version_num = :revision")  # noqa: S608
    try:
        with engine.begin() as connection:
            connection.execute(change, {"revision": "9999"})
        yield history.head
        with engine.begin() as connection:
            found = text(f"SELECT version_num FROM {history.version_table}")  # noqa: S608
            assert connection.execute(found).scalar() == "9999"
    finally:
        with engine.begin() as connection:
            connection.execute(change, {"revision": history.head})
        engine.dispose()


@pytest.mark.parametrize("name", ["config", "events"])
def test_every_program_refuses_a_newer_database_and_names_the_command(settings: ConfigSettings, name: str) -> None:
    given = {name: getattr(settings, name) for name in ("webhook_urls_file", *(f"{port}_port" for port in PORTS))}
    around = {**os.environ, **environment_of(settings, given)}
    wanted = [program for program in server_programs(settings) if _database_of(program.argv) == name]
    assert {program.name for program in wanted} >= PROGRAMS[name]
    with written_by_a_newer_release(settings, name) as head:
        running = {
            program.name: subprocess.Popen(program.argv, env=around, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for program in wanted
        }
        said = {program: _end_of(process) for program, process in running.items()}
    for program, (code, line) in said.items():
        assert code != 0, f"{program} went on: {line}"
        assert f"camfleet migrate --to {head}" in line, f"{program}: {line}"
        assert "newer release" in line
        assert "Traceback" not in line


@pytest.mark.parametrize(
    ("name", "command"), [(name, command) for name, commands in COMMANDS.items() for command in commands]
)
def test_every_command_refuses_a_newer_database_in_one_line(
    settings: ServerSettings, tmp_path: Path, name: str, command: tuple[str, ...]
) -> None:
    (tmp_path / "passphrase").write_text("correct horse battery staple\n")
    arguments = [argument.replace("PASSPHRASE", str(tmp_path / "passphrase")) for argument in command]
    with written_by_a_newer_release(settings, name) as head:
        result = camfleet(settings, *arguments)
    line = str(result.exception)
    assert isinstance(result.exception, CommandFailed), (result.exception, result.output)
    assert "\n" not in line
    assert "newer release" in line
    assert f"camfleet migrate --to {head}" in line


def test_going_back_to_an_older_release_is_asked_for_and_said(settings: ServerSettings) -> None:
    for answer, said in (("n\n", "nothing was changed"), ("", "say --yes")):
        assert said in str(camfleet(settings, "migrate", "--to", "0001", answer=answer).exception)
    down = camfleet(settings, "migrate", "--to", "0001", answer="y\n")
    assert down.output.rstrip().endswith(f"events: migrated from {HISTORIES['events'].head} to revision 0001")
    assert "config" not in down.output.rpartition("?")[2]
    assert "run `camfleet migrate`" in str(camfleet(settings, "people", "ensure-admin").exception)
    assert "migrated from c0002 to c0001" in camfleet(settings, "migrate", "--to", "c0001", "--yes").output
    up = camfleet(settings, "migrate").output
    assert [line.partition(":")[0] for line in up.splitlines()] == ["config", "events"]
    assert "already" in camfleet(settings, "migrate").output
    strange = camfleet(settings, "migrate", "--to", "7777", "--yes")
    assert "no database of this release has a revision '7777'" in str(strange.exception)


def camfleet(settings: ServerSettings, *arguments: str, answer: str | None = None) -> Result:
    """Run a command in this process."""
    around = {"CAMFLEET_HOME": str(settings.home.path)}
    return CliRunner().invoke(build_app(), list(arguments), env=around, input=answer)


def _database_of(argv: tuple[str, ...]) -> str | None:
    words = " ".join(argv).replace(str(Path(sys.executable).parent), "")
    return next((database for package, database in OF.items() if package in words), None)


def _end_of(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    try:
        said = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        return 0, str(process.communicate())
    return process.returncode, b"".join(said).decode()
