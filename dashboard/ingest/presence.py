"""Say whether each camera is there, from session numbers and heartbeats. Pure: time is passed in."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from fleet.messages import PresenceState, Reason

SILENT_AFTER_INTERVALS = 3
# A heartbeat that was sent in time may still be on its way.
DELIVERY_GRACE = timedelta(seconds=2)
BLOCKED_STATES = frozenset({"rejected", "decommissioned"})


class Standing(StrEnum):
    """What people see of a camera (`degraded` is online with a stream that is not)."""

    PENDING = "pending"
    ONLINE = "online"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CameraPresence:
    """What is concluded about one camera. `online_since` survives a spell of unknown in the same session.

    `is_back`: it said that it is online while the registry's last word was that it may not be.
    """

    standing: Standing = Standing.PENDING
    reason: Reason | None = Reason.NEVER_SEEN
    since: datetime | None = None
    session: int | None = None
    last_seen_at: datetime | None = None
    interval: timedelta = timedelta(seconds=15)
    certificate_not_after: datetime | None = None
    is_back: bool = False
    online_since: datetime | None = None

    @property
    def is_blocked(self) -> bool:
        """Say whether the registry lets it in no more; then nothing that is heard of it makes it online."""
        return self.reason is Reason.REVOKED

    def is_stale(self, session: int) -> bool:
        """Say whether a message of `session` comes from before the camera's newest start."""
        return self.session is not None and session < self.session

    def turned(self, standing: Standing, reason: Reason | None, now: datetime) -> "CameraPresence":
        """Return the camera with a new standing; `since` moves only when something changed."""
        if (standing, reason) == (self.standing, self.reason):
            return self
        online_since = now if standing is Standing.ONLINE else self.online_since
        return replace(self, standing=standing, reason=reason, since=now, online_since=online_since)


@dataclass(frozen=True)
class Link:
    """Ingest's own connection to the broker: up since, or down since."""

    up_since: datetime | None = None
    down_since: datetime | None = None


def on_alive(camera: CameraPresence, session: int | None, now: datetime) -> CameraPresence:
    """A live message of a session arrived (`None`: of no session in particular, such as an event kept for days)."""
    if session is not None and camera.is_stale(session):
        return camera
    seen = replace(camera, last_seen_at=now)
    if camera.is_blocked:
        return seen
    if session is None or session == camera.session:
        ended = {Reason.STOPPED, Reason.CONNECTION_LOST} if session is None else {Reason.STOPPED}
        if camera.standing is Standing.OFFLINE and camera.reason in ended:
            return seen
    return _online(seen, camera.session if session is None else session, now)


def on_presence(camera: CameraPresence, session: int, state: PresenceState, now: datetime) -> CameraPresence:
    """The camera's presence topic changed just now; the caller has set aside what `is_stale`."""
    if camera.is_stale(session):
        return camera
    if camera.is_blocked:
        return _heard_while_blocked(camera, session, state, now)
    if state is PresenceState.ONLINE:
        return _online(replace(camera, last_seen_at=now), session, now)
    reason = Reason.STOPPED if state is PresenceState.STOPPING else _lost(camera, now)
    return replace(camera, session=session).turned(Standing.OFFLINE, reason, now)


def on_retained_presence(camera: CameraPresence, session: int, state: PresenceState, now: datetime) -> CameraPresence:
    """The broker repeated a presence: an end is still true, `online` may be the word of a camera that died since."""
    if state is not PresenceState.ONLINE or camera.is_stale(session):
        return on_presence(camera, session, state, now)
    came_back = camera.reason in {Reason.NEVER_SEEN, Reason.CONNECTION_LOST, Reason.STOPPED}
    if camera.is_blocked or (session == camera.session and not came_back):
        return camera
    return _unknown(replace(camera, session=session), now)


def on_link_up(camera: CameraPresence, now: datetime) -> CameraPresence:
    """Ingest is connected (again): whoever was online may have died unheard."""
    return _unknown(camera, now) if camera.standing is Standing.ONLINE else camera


def on_registry(camera: CameraPresence, state: str, denied: bool, now: datetime) -> CameraPresence:
    """The registry said where the device stands, and whether it is cut off."""
    if denied or state in BLOCKED_STATES:
        return camera.turned(Standing.OFFLINE, Reason.REVOKED, now)
    if not camera.is_blocked:
        return camera
    let_in = replace(camera, is_back=False)
    # Enrolled anew, a camera may be faster than the word that it may be here.
    if camera.is_back:
        return _online(let_in, camera.session, now)
    if camera.last_seen_at is None:
        return let_in.turned(Standing.PENDING, Reason.NEVER_SEEN, now)
    return let_in.turned(Standing.OFFLINE, Reason.SILENT, now)


def on_time(camera: CameraPresence, link: Link, now: datetime) -> CameraPresence:
    """Nothing arrived, time passed: silence counts only while ingest itself was connected."""
    if link.up_since is None:
        cut_off = link.down_since is not None and now - link.down_since >= camera.interval
        return on_link_up(camera, now) if cut_off else camera
    if camera.standing is Standing.ONLINE:
        heard = max(camera.last_seen_at or link.up_since, link.up_since)
        return _silent(camera, now) if now - heard >= _patience(camera) else camera
    if camera.standing is Standing.UNKNOWN and now >= _unknown_until(camera, link.up_since):
        return _silent(camera, now)
    return camera


def _unknown_until(camera: CameraPresence, up_since: datetime) -> datetime:
    """One interval for the camera to be heard again, and never less than silence takes anyhow."""
    heard_again = up_since + camera.interval + DELIVERY_GRACE
    return max(heard_again, camera.last_seen_at + _patience(camera)) if camera.last_seen_at else heard_again


def _patience(camera: CameraPresence) -> timedelta:
    return camera.interval * SILENT_AFTER_INTERVALS


def _heard_while_blocked(camera: CameraPresence, session: int, state: PresenceState, now: datetime) -> CameraPresence:
    is_back = state is PresenceState.ONLINE
    return replace(camera, session=session, is_back=is_back, last_seen_at=now if is_back else camera.last_seen_at)


def _online(camera: CameraPresence, session: int | None, now: datetime) -> CameraPresence:
    same_spell = camera.standing is Standing.UNKNOWN and session == camera.session and camera.online_since
    online = replace(camera, session=session).turned(Standing.ONLINE, None, now)
    return replace(online, since=same_spell, online_since=same_spell) if same_spell else online


def _unknown(camera: CameraPresence, now: datetime) -> CameraPresence:
    return camera.turned(Standing.UNKNOWN, Reason.SERVER_RESTARTED, now)


def _silent(camera: CameraPresence, now: datetime) -> CameraPresence:
    return camera.turned(Standing.OFFLINE, _expired(camera, now) or Reason.SILENT, now)


def _lost(camera: CameraPresence, now: datetime) -> Reason:
    return _expired(camera, now) or Reason.CONNECTION_LOST


def _expired(camera: CameraPresence, now: datetime) -> Reason | None:
    ends = camera.certificate_not_after
    return Reason.CERTIFICATE_EXPIRED if ends is not None and ends <= now else None
