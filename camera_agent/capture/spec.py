"""Turn the text that names a source into the source."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from camera_agent.capture.live import LiveSource
from camera_agent.capture.options import REPLAY, SourceOptions
from camera_agent.capture.playback import Playback
from camera_agent.capture.reels import FOLDER_RATE, FolderReel, VideoReel
from camera_agent.capture.rtsp import RtspCamera, without_credentials
from camera_agent.capture.source import Source
from camera_agent.capture.usb import UsbCamera

LIVE_SCHEMES = frozenset({"rtsp", "rtsps", "usb"})
FORMS = "file:PATH, folder:PATH, rtsp://HOST/PATH or usb:INDEX"


class SourceUnknown(Exception):
    """The text names no source; one line says which forms there are."""


def source_from(text: str, options: SourceOptions) -> Source:
    """Opens nothing yet; raises SourceUnknown."""
    scheme, _, rest = text.partition(":")
    match scheme:
        case "rtsp" | "rtsps" if rest.startswith("//") and len(rest) > 2:
            return LiveSource(RtspCamera(text), options)
        case "usb" if rest.isdecimal():
            return LiveSource(UsbCamera(int(rest)), options)
        case "file" if rest:
            return _file(Path(rest), options)
        case "folder" if rest:
            return _folder(Path(rest), options)
    return _existing(text, options)


def recording_from(text: str) -> Source:
    """What `replay` plays: from its beginning to its end, unpaced; raises SourceUnknown for a live camera."""
    if text.partition(":")[0] in LIVE_SCHEMES:
        raise SourceUnknown(f"{without_credentials(text)} never ends; give a recording: file:PATH or folder:PATH")
    return source_from(text, REPLAY)


def _existing(text: str, options: SourceOptions) -> Source:
    path = Path(text)
    if text and path.is_dir():
        return _folder(path, options)
    if path.is_file():
        return _file(path, options)
    raise SourceUnknown(f"no source {text!r}: neither a file nor a folder is there; give {FORMS}")


def _file(path: Path, options: SourceOptions) -> Source:
    return Playback("file", partial(VideoReel, path), options)


def _folder(path: Path, options: SourceOptions) -> Source:
    return Playback("folder", partial(FolderReel, path, options.fps or FOLDER_RATE), options)
