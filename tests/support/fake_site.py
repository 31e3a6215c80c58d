"""A host whose programs are small web servers, supervised by the real supervisor in a process of its own."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.supervisor.loop import Supervisor
from deploy.supervisor.probes import LOOPBACK, HttpProbe, SettledProbe
from deploy.supervisor.program import Address, Program
from deploy.supervisor.site import Site


def fake_site(folder: Path) -> Site:
    """Return a site whose wanted programs stand in `folder`/wanted.json."""
    # -P: the modules beside this file are not to be taken for the standard library's.
    daemon = (sys.executable, "-P", __file__, str(folder))
    return Site(folder / "run", folder / "log", lambda: _wanted(folder), daemon)


def want(folder: Path, programs: Sequence[Mapping[str, object]]) -> None:
    """Say which programs are wanted: {name, port?, needs?, argv?}."""
    folder.mkdir(exist_ok=True)
    (folder / "wanted.json").write_text(json.dumps(list(programs)))


def web_server(port: int) -> tuple[str, ...]:
    """Return the command of a web server that answers anything on `port`."""
    return (sys.executable, "-m", "http.server", "--bind", LOOPBACK, str(port))


def _wanted(folder: Path) -> list[Program]:
    return [_program(**item) for item in json.loads((folder / "wanted.json").read_text())]


def _program(
    name: str, port: int | None = None, needs: Sequence[str] = (), argv: Sequence[str] | None = None
) -> Program:
    if port is None:
        return Program(name, tuple(argv or ("sleep", "600")), SettledProbe(0.1), tuple(needs))
    probe = HttpProbe(f"http://{LOOPBACK}:{port}/")
    return Program(name, tuple(argv or web_server(port)), probe, tuple(needs), (Address(LOOPBACK, port),))


if __name__ == "__main__":
    Supervisor(fake_site(Path(sys.argv[1]))).run()
