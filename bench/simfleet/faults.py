"""What goes wrong in a fleet, on demand: a file's one line of registration is its place in FAULTS."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import count

from bench.simfleet.camera import Camera

DROP_EVERY_S, SILENT_S, GARBAGE_EVERY_S = 20.0, 25.0, 1.0
FLOOD_RATE = 400.0
CLOCKS_OFF = (timedelta(days=-400), timedelta(hours=-3), timedelta(minutes=10), timedelta(days=1000))


class UnknownFault(ValueError):
    """The text names the faults that there are."""


def read_faults(text: str) -> dict[str, int]:
    """Read `drop=5,flood`: a fault and how many cameras have it, one when nothing is said; raises UnknownFault."""
    wanted: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.partition("=")
        if name not in FAULTS or not (number or "1").isdecimal():
            raise UnknownFault(f"{part!r} is no fault: name some of {', '.join(FAULTS)}, each with =CAMERAS")
        wanted[name] = int(number or "1")
    return wanted


def afflict(cameras: Sequence[Camera], wanted: Mapping[str, int]) -> None:
    """Give the first cameras the first fault, the next ones the next, and so on; what is left stays well."""
    at = 0
    for name, number in wanted.items():
        for camera in cameras[at : at + number]:
            FAULTS[name](camera)
        at += number


def drop_links(camera: Camera) -> None:
    """Lose the connection without a word every now and then."""

    def again() -> None:
        camera.session.lose("dropped on purpose")
        _later(camera, DROP_EVERY_S, again)

    _later(camera, DROP_EVERY_S, again)


def go_half_open(camera: Camera) -> None:
    """Fall silent for longer than the broker waits, without closing anything."""

    def again() -> None:
        camera.session.go_silent(SILENT_S, "half-open on purpose")
        _later(camera, 2 * SILENT_S, again)

    _later(camera, DROP_EVERY_S, again)


def skew_clock(camera: Camera) -> None:
    """Have a clock that is minutes, hours or years off."""
    camera.clock_off = camera.story.chance.choice(CLOCKS_OFF)


def say_garbage(camera: Camera) -> None:
    """Publish, beside its events, payloads that are none."""
    numbers = count(1)

    def again() -> None:
        if camera.rate > 0:
            camera.tally.garbage += camera.say_raw(_garbage(next(numbers)))
        _later(camera, GARBAGE_EVERY_S, again)

    _later(camera, GARBAGE_EVERY_S, again)


def flood(camera: Camera) -> None:
    """Decide hundreds of times as much as others."""
    camera.rate = FLOOD_RATE


def _garbage(number: int) -> bytes:
    kinds = (
        b"nonsense %d" % number,
        b'{"v":1,"ts":"2026-11-21T08:00:00Z","rev":%d' % number,
        b'{"v":1,"ts":"yesterday","rev":%d}' % number,
        b"\xff\xfe%d" % number,
        b"[%d]" % number,
    )
    return kinds[number % len(kinds)]


def _later(camera: Camera, about_s: float, action: Callable[[], None]) -> None:
    camera.loop.after(camera.story.chance.uniform(0.5, 1.5) * about_s, action)


FAULTS: Mapping[str, Callable[[Camera], None]] = {
    "drop": drop_links,
    "half-open": go_half_open,
    "skew": skew_clock,
    "garbage": say_garbage,
    "flood": flood,
}
