"""What a backup or a restore cannot do is one line that says why, and leaves nothing half done."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from typer.testing import CliRunner, Result

from dashboard.store.database import Database
from dashboard.store.revision import VERSION_TABLE
from fleet.backup.databases import DatabaseUnusable
from fleet.cli import CommandFailed, build_app, explain
from tests.integration.backup.conftest import PASSPHRASE, Host, MakeHost
from tests.support.secret_search import Secret, found_in
from tests.support.small_disk import small_disk
from tests.support.waiting import wait_until

CAMFLEET = str(Path(sys.executable).with_name("camfleet"))


@dataclass(frozen=True)
class Desk:
    """Somebody who runs `camfleet` for a host: `given` is a file with the right passphrase."""

    host: Host
    folder: Path
    given: Path

    def run(self, *arguments: str | Path) -> Result:
        """Run a command in this process."""
        settings = self.host.settings
        around = {
            "CAMFLEET_HOME": str(settings.home.path),
            "CAMFLEET_CONFIG_DATABASE_URL": settings.config_database_url,
            "CAMFLEET_EVENTS_DATABASE_URL": settings.events_database_url,
        }
        return CliRunner().invoke(build_app(), [str(argument) for argument in arguments], env=around)

    def restore(self, archive: Path, home: Path | None = None, passphrase: Path | None = None) -> Result:
        """Restore into a new home beside."""
        where = home or self.folder / "restored"
        return self.run("restore", archive, "--home", where, "--passphrase-file", passphrase or self.given)

    def left(self) -> set[str]:
        """Return what lies in the folder beside the host."""
        return {path.name for path in self.folder.iterdir()} - {"before", "passphrase", "host.backup"}


@pytest.fixture
def desk(make_host: MakeHost, tmp_path: Path) -> Desk:
    host, given = make_host("before", "sqlite"), tmp_path / "passphrase"
    host.prepare()
    given.write_bytes(PASSPHRASE + b"\n")
    return Desk(host, tmp_path, given)


def refusal(result: Result) -> str:
    """Return the one line for people."""
    said = explain(result.exception) if isinstance(result.exception, OSError) else str(result.exception)
    assert isinstance(result.exception, CommandFailed | OSError), (result.exception, result.output)
    assert "\n" not in said
    return said


def test_a_backup_and_its_restore_by_command_tell_no_secret(desk: Desk) -> None:
    archive = desk.folder / "host.backup"
    made = desk.run("backup", archive, "--passphrase-file", desk.given)
    checked = desk.run("restore", archive, "--check", "--passphrase-file", desk.given)
    done = desk.restore(archive)
    assert (made.exit_code, checked.exit_code, done.exit_code) == (0, 0, 0), (made.output, done.exception)
    assert "events.db: 1 rows" in made.output
    assert "is whole" in checked.output
    assert "camfleet ca init" in done.output
    secrets = [Secret(name, content.strip()) for name, content in desk.host.files().items() if ".pem" not in name]
    secrets.append(Secret("passphrase", PASSPHRASE))
    said = {"output": (made.output + checked.output + done.output).encode(), "archive": archive.read_bytes()}
    assert found_in(secrets, said) == []


def test_a_wrong_passphrase_is_called_so(desk: Desk) -> None:
    archive, wrong = desk.host.back_up(desk.folder / "host.backup"), desk.folder / "wrong"
    wrong.write_text("not the passphrase at all\n")
    assert "the passphrase does not open it" in refusal(desk.restore(archive, passphrase=wrong))
    assert desk.left() == {"wrong"}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:-1], "cut short"),
        (lambda content: content[: len(content) // 2], "altered"),
        (lambda content: content[:-200] + b"\0" + content[-199:], "altered"),
        (lambda content: content + b"more", "altered"),
        (lambda content: b"", "no backup of Camfleet"),
        (lambda content: content.replace(b'": 1, "release"', b'": 9, "release"'), "newer release"),
    ],
    ids=["its last byte", "half of it", "a byte in it", "more at its end", "all of it", "its format"],
)
def test_a_damaged_file_is_refused_before_anything_is_written(
    desk: Desk, damage: Callable[[bytes], bytes], said: str
) -> None:
    archive = desk.host.back_up(desk.folder / "host.backup")
    archive.write_bytes(damage(archive.read_bytes()))
    line = refusal(desk.restore(archive))
    assert said in line
    assert str(archive) in line
    assert desk.left() == set()


def test_a_restore_never_writes_over_anything(desk: Desk) -> None:
    archive = desk.host.back_up(desk.folder / "host.backup")
    before = desk.host.files()
    assert "is not empty" in refusal(desk.restore(archive, desk.host.settings.home.path))
    assert desk.host.files() == before
    empty = desk.folder / "restored"
    empty.mkdir()
    assert desk.restore(archive).exit_code == 0
    assert "is not empty" in refusal(desk.restore(archive))


def test_a_backup_never_replaces_another_nor_leaves_a_part(desk: Desk) -> None:
    target = desk.folder / "host.backup"
    target.write_bytes(b"the only good one")
    assert "never replaces another" in refusal(desk.run("backup", target, "--passphrase-file", desk.given))
    assert target.read_bytes() == b"the only good one"
    assert "check the path" in refusal(desk.run("backup", "/nowhere/x", "--passphrase-file", desk.given))
    assert "check the path" in refusal(desk.run("backup", desk.folder / "new", "--passphrase-file", "/nowhere"))
    assert desk.left() == set()


def test_what_opens_the_ca_keys_is_told_when_it_is_not_in_the_backup(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.given.write_bytes(b"\xff\xfe is no text, and yet a passphrase\r\nand this is another line")
    made = desk.run("backup", desk.folder / "host.backup", "--passphrase-file", desk.given)
    assert (made.exit_code, "not in it" in made.output) == (0, False)
    monkeypatch.setenv("CAMFLEET_CA_KEY_FILE", "/elsewhere/ca.key")
    told = desk.run("backup", desk.folder / "other", "--passphrase-file", desk.given)
    assert "not in it: /elsewhere/ca.key" in told.output


def test_a_passphrase_that_can_be_guessed_or_is_nowhere_is_refused(desk: Desk) -> None:
    short = desk.folder / "short"
    short.write_text("hunter2\n")
    assert "too short" in refusal(desk.run("backup", desk.folder / "x", "--passphrase-file", short))
    assert "--passphrase-file" in refusal(desk.run("backup", desk.folder / "x"))
    assert desk.left() == {"short"}


def test_a_person_is_asked_for_the_passphrase_twice_and_nobody_sees_it(desk: Desk) -> None:
    archive = desk.folder / "host.backup"
    said = _typing(desk, ("backup", str(archive)), (PASSPHRASE, PASSPHRASE))
    assert "wrote" in said
    assert PASSPHRASE.decode() not in said
    assert desk.run("restore", archive, "--check", "--passphrase-file", desk.given).exit_code == 0
    assert "is whole" in _typing(desk, ("restore", str(archive), "--check"), (PASSPHRASE,))


def test_a_full_disk_is_named_and_nothing_is_left(desk: Desk) -> None:
    _grow(desk.host)
    archive = desk.host.back_up(desk.folder / "host.backup")
    with small_disk(desk.folder / "disk", 400) as disk:
        for result in (
            desk.run("backup", disk.path / "x", "--passphrase-file", desk.given),
            desk.restore(archive, disk.path / "restored"),
        ):
            assert "full" in refusal(result) or "No space left" in refusal(result)
            assert list(disk.path.iterdir()) == []


def test_databases_that_are_not_of_this_release_are_not_backed_up(desk: Desk) -> None:
    with closing(Database(desk.host.settings.events_database)) as database, database.writing() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))  # noqa: S608
    assert "camfleet migrate" in refusal(desk.run("backup", desk.folder / "x", "--passphrase-file", desk.given))
    assert desk.left() == set()


def test_a_home_that_is_none_is_not_backed_up(desk: Desk, make_host: MakeHost) -> None:
    nowhere = Desk(make_host("nowhere", "sqlite"), desk.folder, desk.given)
    assert "camfleet migrate" in refusal(nowhere.run("backup", desk.folder / "x", "--passphrase-file", desk.given))
    assert desk.left() == set()


def test_a_backup_of_a_newer_release_names_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = desk.host.back_up(desk.folder / "host.backup")
    monkeypatch.setattr("dashboard.store.backup.known_revisions", lambda: ["0001"])
    assert "of a newer release" in refusal(desk.restore(archive))
    assert desk.left() == set()


def test_only_an_empty_postgresql_database_is_filled_and_a_failure_leaves_it_empty(
    desk: Desk, make_host: MakeHost
) -> None:
    _grow(desk.host)
    archive = desk.host.back_up(desk.folder / "host.backup")
    target = make_host("restored", "postgresql")
    shop = Desk(target, desk.folder, desk.given)
    engine = create_engine(target.settings.config_database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (id INTEGER)"))
    # The events come first and are in the transaction that the other database's refusal ends.
    assert "name an empty one" in refusal(shop.restore(archive))
    assert desk.left() == set()
    with closing(Database(target.settings.events_database)) as events, events.reading() as connection:
        assert inspect(connection).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE somebody_elses"))
    engine.dispose()
    assert shop.restore(archive).exit_code == 0
    assert target.contents() == desk.host.contents()


def test_a_database_that_does_not_answer_is_named(desk: Desk, make_host: MakeHost) -> None:
    archive = desk.host.back_up(desk.folder / "host.backup")
    settings = desk.host.settings.model_copy(update={"events_database_url": "postgresql://nobody@127.0.0.1:1/none"})
    line = refusal(Desk(Host(settings), desk.folder, desk.given).restore(archive))
    assert "nothing was restored" in line
    with pytest.raises(DatabaseUnusable):
        Host(settings).back_up(desk.folder / "x")
    assert desk.left() == set()


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_command_that_is_killed_leaves_no_half_done_result(desk: Desk, command: str) -> None:
    _grow(desk.host)
    archive = desk.host.back_up(desk.folder / "host.backup")
    result, begun = desk.folder / "result", desk.folder.glob
    arguments = [result] if command == "backup" else [archive, "--home", result]
    marks = ".result.*.new" if command == "backup" else ".result.*.restoring"
    around = {**os.environ, "CAMFLEET_HOME": str(desk.host.settings.home.path)}
    process = subprocess.Popen([CAMFLEET, command, *arguments, "--passphrase-file", desk.given], env=around)
    wait_until(lambda: list(begun(marks)) or process.poll() is not None, 30, "the command has begun")
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert not result.exists()
    again = desk.run(command, *arguments, "--passphrase-file", desk.given)
    assert again.exit_code == 0, again.exception


def _typing(desk: Desk, arguments: tuple[str, ...], answers: tuple[bytes, ...]) -> str:
    """Run a command at a terminal, type an answer to each question, and return all that the terminal showed."""
    terminal, side = pty.openpty()
    around = {**os.environ, "CAMFLEET_HOME": str(desk.host.settings.home.path)}
    command = [CAMFLEET, *arguments]
    process = subprocess.Popen(command, env=around, stdin=side, stdout=side, stderr=side, start_new_session=True)
    os.close(side)
    shown = b""
    for number, answer in enumerate(answers, start=1):
        # The space comes once the echo is off; what is typed before that is thrown away.
        while shown.count(b"assphrase: ") + shown.count(b"confirmation: ") < number:
            shown += os.read(terminal, 1000)
        os.write(terminal, answer + b"\n")
    with contextlib.suppress(OSError):  # a terminal ends so when its last program does
        while part := os.read(terminal, 1000):
            shown += part
    os.close(terminal)
    assert process.wait(30) == 0, shown
    return shown.decode()


def _grow(host: Host) -> None:
    """Make the events database a few megabytes large."""
    with closing(Database(host.settings.events_database)) as database, database.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO quarantine WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
                " SELECT i, 't', 'cam-x', randomblob(10000), 'r', 1, '2026-11-21 08:00:00.000000',"
                " '2026-11-21 08:00:00.000000' FROM n"
            )
        )
