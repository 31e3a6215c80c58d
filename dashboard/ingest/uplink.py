"""Ingest's session with the broker, by its role among the processes; what arrives goes into the inbox."""

from dataclasses import replace

from dashboard.ingest.condition import Condition
from dashboard.ingest.inbox import Inbox, LinkChange
from dashboard.ingest.layout import KeptLayout
from dashboard.ingest.roles import Role, role_of
from fleet.home import CredentialFiles
from fleet.logs import get_logger
from fleet.mqtt import BrokerAddress, Session, SessionOptions
from fleet.settings import ServerSettings

log = get_logger(__name__)

RECEIVE_MAXIMUM = 4_000
GROUP_SECRET = "ingest.group"  # noqa: S105  (a file's name)


class CannotStart(Exception):
    """Something that ingest needs is missing; the text names the command to run."""


def role_in(settings: ServerSettings, process: int) -> Role:
    """Return what a process of this host is; raises CannotStart."""
    if not 1 <= process <= settings.ingest_processes:
        raise CannotStart(
            f"there is no process {process} of {settings.ingest_processes}: set CAMFLEET_INGEST_PROCESSES"
        )
    if settings.ingest_processes == 1:
        return role_of(1, 1, "")
    secret = settings.home.secret(GROUP_SECRET)
    if not secret.is_file():
        raise CannotStart(f"missing {secret}: run `camfleet ca init`")
    return role_of(process, settings.ingest_processes, secret.read_text().strip())


class Uplink:
    """Subscribes to what the role says, tells the condition how the link is, and puts everything in order."""

    def __init__(self, settings: ServerSettings, role: Role, inbox: Inbox, condition: Condition) -> None:
        self._inbox, self._condition = inbox, condition
        self._layout = KeptLayout(settings.home.run / f"{role.server_id}.subscriptions", role.fingerprint)
        credentials = settings.home.credentials(role.server_id)
        _require(credentials)
        options = SessionOptions(
            client_id=role.server_id,
            expiry=role.kept,
            manual_ack=True,
            receive_maximum=RECEIVE_MAXIMUM,
            clean_start=not self._layout.is_known,
        )
        self.session = Session(
            BrokerAddress("localhost", settings.broker_servers_port),
            credentials,
            options,
            on_connected=self._connected,
            on_disconnected=self._disconnected,
            has_room=inbox.has_room,
        )
        for topic_filter in role.filters:
            self.session.subscribe_many(topic_filter, 1, inbox.put_all)

    def _connected(self, session_present: bool) -> None:
        log.info("connected to the broker", session_present=session_present)
        if self.session.options.clean_start:
            self._layout.remember()
            self.session.options = replace(self.session.options, clean_start=False)
        self._condition.broker(connected=True)
        self._inbox.put(LinkChange(is_up=True))

    def _disconnected(self, reason: str) -> None:
        if self._condition.broker_connected:
            log.warning("the broker is gone; trying again", reason=reason)
            self._inbox.put(LinkChange(is_up=False))
        self._condition.broker(connected=False, reason=reason)


def _require(files: CredentialFiles) -> None:
    for path in (files.certificate, files.key, files.ca):
        if not path.is_file():
            raise CannotStart(f"missing {path}: run `camfleet ca init`")
