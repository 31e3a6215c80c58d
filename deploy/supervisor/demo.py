"""Three demo cameras on one host, made the way every camera is made: provisioned, enrolled, then run."""

import json
import shutil
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

    device_id: str
    name: str
    crop: tuple[float, float, float, float]


CAMERAS = (
    DemoCamera("cam-demo-west", "West path", (0.0, 0.2, 0.55, 0.5)),
    DemoCamera("cam-demo-east", "East gate", (0.45, 0.15, 0.55, 0.65)),
    DemoCamera("cam-demo-crossing", "Crossing", (0.3, 0.25, 0.6, 0.6)),
)


def make_demo_cameras(settings: ServerSettings) -> list[str]:
    """Make those demo cameras that this host does not have yet; return the device ids of all."""
    _ensure_site(settings)
    for camera in CAMERAS:
        if not (settings.home.cameras / camera.device_id / "agent.toml").exists():
            _make(settings, camera)
    return [camera.device_id for camera in CAMERAS]


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


def _make(settings: ServerSettings, camera: DemoCamera) -> None:
    clip = sample_clip()
    token = _token(camera)
    # Enrolled beside its final place: the supervisor takes every folder with an agent.toml for a camera to run.
    draft = settings.home.path / "enrolling" / camera.device_id
    shutil.rmtree(draft, ignore_errors=True)
    run_own("camfleet-agent", "enroll", "--server", settings.url, "--token", token, "--home", str(draft))
    config = draft / "agent.toml"
    write_file(config, config.read_bytes() + stream_section(camera, clip).encode())
    settings.home.cameras.mkdir(mode=0o700, exist_ok=True)
    draft.rename(settings.home.cameras / camera.device_id)


def _token(camera: DemoCamera) -> str:
    """Return an enrolment token, also for a camera that an earlier demo registered before it was interrupted."""
    known = [device["device_id"] for device in json.loads(run_own("camfleet", "devices", "list", "--json"))]
    if camera.device_id in known:
        said = run_own("camfleet", "devices", "token", camera.device_id, "--json")
        return str(json.loads(said)["token"])
    named = ("--device-id", camera.device_id, "--site", SITE["id"])
    said = run_own("camfleet", "provision", camera.name, *named, "--json")
    return str(json.loads(said)["enrolment"]["token"])
