"""Close sessions at Mosquitto by taking over their client ids from the servers' listener, and hold them a while."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from config_server.courier.control import BrokerFault, CameBack
from fleet.home import CredentialFiles
from fleet.mqtt import BrokerAddress, Session, SessionOptions

CONNECT_S = 5.0
HOLD_S = 3.0


@dataclass
class Takeover:
    """One kicking session per device: clean start throws away what was queued, expiry 0 leaves nothing behind."""

    address: BrokerAddress
    credentials: CredentialFiles
    hold_s: float = HOLD_S
    _sessions: list[Session] = field(default_factory=list)
    _thrown_out: threading.Event = field(default_factory=threading.Event)
    _last: str = ""

    def take(self, device_ids: Iterable[str]) -> None:
        """Take the sessions over; BrokerFault when the broker does not let us."""
        self._sessions = [self._session(device_id) for device_id in device_ids]
        for session in self._sessions:
            session.start()
        if not all(session.wait_connected(CONNECT_S) for session in self._sessions):
            self.release()
            raise BrokerFault(f"srv-kick-1 cannot take sessions over: {self._last or 'no answer in time'}")

    def keep(self) -> None:
        """Stay for a few seconds: who throws us out is the camera that got back in."""
        if self._thrown_out.wait(self.hold_s):
            raise CameBack(f"a camera took its session back: {self._last}")

    def release(self) -> None:
        """Leave; with expiry 0 the broker forgets the sessions."""
        for session in self._sessions:
            session.stop()

    def _session(self, device_id: str) -> Session:
        options = SessionOptions(client_id=device_id, expiry=timedelta(0), clean_start=True)
        return Session(self.address, self.credentials, options, on_disconnected=self._lost)

    def _lost(self, reason: str) -> None:
        self._last = reason
        self._thrown_out.set()
