"""Three demo cameras on one host, made the way every camera is made: provisioned, enrolled, then run."""

import json
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.supervisor.commands import run_own
from deploy.supervisor.control import NotPossible
from deploy.supervisor.probes import LOOPBACK
from deploy.templates import ROOT
from fleet.home import write_file
from fleet.settings import ServerSettings

FOOTAGE = ROOT / "camera_agent" / "footage"
SITE = {"id": "demo", "name": "Demo plaza", "time_zone": "Europe/Vienna"}
FPS = 5
ANSWER_S = 10.0


@dataclass(frozen=True)
class DemoCamera:
    """A camera that looks at one part of the committed clip; `crop` is (x, y, w, h) in fractions."""

    name: str
    crop: tuple[float, float, float, float]


CAMERAS = (
    DemoCamera("West path", (0.0, 0.2, 0.55, 0.5)),
    DemoCamera("East gate", (0.45, 0.15, 0.55, 0.65)),
    DemoCamera("Crossing", (0.3, 0.25, 0.6, 0.6)),
)


def make_demo_cameras(settings: ServerSettings) -> list[str]:
    """Make those demo cameras that this host does not have yet; return the device ids of all."""
    _ensure_site(settings)
    known_file = settings.home.path / "demo.json"
    known: dict[str, str] = json.loads(known_file.read_text()) if known_file.exists() else {}
    for camera in CAMERAS:
        if not _is_enrolled(settings, known.get(camera.name)):
            known[camera.name] = _make(settings, camera)
            write_file(known_file, json.dumps(known, indent=1).encode())
    return [known[camera.name] for camera in CAMERAS]


def sample_clip() -> Path:
    """Return the committed sample; raises NotPossible when the checkout lacks it."""
    clips = sorted(FOOTAGE.glob("*.mp4"))
    if not clips:
        raise NotPossible(f"no sample clip in {FOOTAGE}; the checkout is not complete")
    return clips[0]


def stream_section(camera: DemoCamera, clip: Path) -> str:
    """Return what a demo camera's agent.toml says about its only stream."""
    crop = ", ".join(f"{part:g}" for part in camera.crop)
    return f'\n[streams.main]\nsource = "file:{clip}"\nfps = {FPS}\nloop = true\ncrop = [{crop}]\nlabels = ["person"]\n'


def _ensure_site(settings: ServerSettings) -> None:
    token = settings.home.secret("admin.token").read_text().strip()
    address = f"http://{LOOPBACK}:{settings.config_port}/config/sites"
    bearer = {"Authorization": f"Bearer {token}"}
    try:
        answer = httpx.post(address, json=SITE, headers=bearer, timeout=ANSWER_S, trust_env=False)
    except httpx.HTTPError as failure:
        raise NotPossible(f"config_server did not take the demo site: {failure}") from failure
    if not answer.is_success and answer.status_code != httpx.codes.CONFLICT:
        raise NotPossible(f"config_server did not take the demo site: {answer.status_code} {answer.text[:200]}")


def _is_enrolled(settings: ServerSettings, device_id: str | None) -> bool:
    return device_id is not None and (settings.home.cameras / device_id / "agent.toml").exists()


def _make(settings: ServerSettings, camera: DemoCamera) -> str:
    clip = sample_clip()
    made = json.loads(run_own("camfleet", "provision", camera.name, "--site", SITE["id"], "--json"))
    device_id, token = str(made["device"]["device_id"]), str(made["enrolment"]["token"])
    # Enrolled beside its final place: the supervisor takes every folder with an agent.toml for a camera to run.
    draft = settings.home.path / "enrolling" / device_id
    run_own("camfleet-agent", "enroll", "--server", settings.url, "--token", token, "--home", str(draft))
    config = draft / "agent.toml"
    write_file(config, config.read_bytes() + stream_section(camera, clip).encode())
    settings.home.cameras.mkdir(mode=0o700, exist_ok=True)
    draft.rename(settings.home.cameras / device_id)
    return device_id
