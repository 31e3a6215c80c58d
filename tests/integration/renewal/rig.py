"""A registry, a broker and the courier's desk for renewals, and cameras whose certificates have any age."""

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from werkzeug.serving import make_server

from camera_agent.home import AgentHome
from config_server.api.context import Services
from config_server.app import create_app, wire
from config_server.courier.renewals import FILTER, RenewalDesk
from config_server.lifecycle import DeviceState
from config_server.records import CertificateRecord, DeviceRecord
from config_server.settings import ConfigSettings
from fleet.messages import CertificateAnswer
from fleet.mqtt import BrokerAddress, Session, SessionOptions
from fleet.pki import new_key, public_key_of, read_certificate
from tests.support.broker import Mosquitto
from tests.support.config_server import prepare_home
from tests.support.ports import free_port

COURIER = "srv-courier-1"
OLD_ENOUGH = timedelta(days=70)


@dataclass
class Line:
    """The desk's session, in which a test can meddle: `before` is called with each answer on its way out."""

    session: Session
    before: Callable[[CertificateAnswer], None] = lambda _answer: None

    def publish(self, topic: str, payload: bytes, *, qos: int) -> bool:
        self.before(CertificateAnswer.decode(payload))
        return self.session.publish(topic, payload, qos=qos)


@dataclass
class Site:
    """One host's servers, as far as a renewal needs them."""

    settings: ConfigSettings
    parts: Services
    broker: Mosquitto
    line: Line
    desk: RenewalDesk
    ahead: timedelta = timedelta()
    _count: int = 0

    def now(self) -> datetime:
        """The servers' clock."""
        return datetime.now(UTC) + self.ahead

    def camera(self, folder: Path, age: timedelta = OLD_ENOUGH, server: str = "") -> AgentHome:
        """A home with a certificate that was issued `age` ago to an accepted camera of the registry."""
        self._count += 1
        home, device_id, key = AgentHome(folder), f"cam-number-{self._count:03d}", new_key()
        issued_at = datetime.now(UTC) - age
        with self.parts.store.writing() as tx:
            tx.devices.add(DeviceRecord(device_id, device_id, None, None, DeviceState.ACCEPTED, issued_at))
            record = self.parts.signer.sign_device(tx, device_id, public_key_of(key), issued_at)
        folder.mkdir(parents=True)
        home.credentials.certificate.write_bytes(record.certificate_pem.encode() + self.parts.signer.ca_pem)
        home.credentials.key.write_bytes(key)
        home.credentials.ca.write_bytes(self.parts.prover.root_pem)
        home.settings.write_text(
            f'device_id = "{device_id}"\nbroker_host = "localhost"\nbroker_port = {self.broker.cameras.port}\n'
            f'server = "{server}"\nhealth_interval_s = 1\nrenew_jitter_share = 0\n'
        )
        return home

    def counted(self, home: AgentHome) -> CertificateRecord | None:
        """The newest certificate of a camera that the registry counts."""
        with self.parts.store.reading() as tx:
            known = tx.certificates.of_subject(device_of(home))
        return next((one for one in reversed(known) if one.active_at is not None), None)

    def issued(self, home: AgentHome) -> int:
        """How many certificates a camera has ever been given."""
        with self.parts.store.reading() as tx:
            return len(tx.certificates.of_subject(device_of(home)))

    @contextlib.contextmanager
    def https(self) -> Iterator[str]:
        """Serve config_server as nginx does: over TLS with nginx's certificate. Its address."""
        files = self.settings.home.credentials("nginx")
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(str(files.certificate), str(files.key))
        port = free_port()
        server = make_server("127.0.0.1", port, create_app(self.parts), ssl_context=trust, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"https://localhost:{port}"
        finally:
            server.shutdown()
            thread.join(5)


def device_of(home: AgentHome) -> str:
    return read_certificate(home.credentials.certificate.read_bytes()).common_name


def serial_of(home: AgentHome) -> str:
    return format(read_certificate(home.credentials.certificate.read_bytes()).serial, "x")


def is_whole(home: AgentHome) -> bool:
    """Whether the key in use belongs to the certificate in use."""
    files = home.credentials
    return public_key_of(files.key.read_bytes()) == read_certificate(files.certificate.read_bytes()).public_key


def new_ports() -> dict[str, int]:
    """Free ports for everything that a renewal needs."""
    return {name: free_port() for name in ("broker_port", "broker_servers_port", "courier_port")}


@contextlib.contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """Broker and desk on a home that `ca init` made, until the block ends."""
    settings = prepare_home(folder, **new_ports(), enrolment_rate="10000 per minute")
    parts = wire(settings)
    broker = Mosquitto(settings)
    broker.start()
    address = BrokerAddress("127.0.0.1", settings.broker_servers_port)
    session = Session(address, settings.home.credentials(COURIER), SessionOptions(client_id=COURIER))
    line = Line(session)
    site = Site(settings, parts, broker, line, RenewalDesk(parts.store, line, lambda: parts.signer, lambda: site.now()))
    session.subscribe(FILTER, 1, site.desk.take)
    session.start()
    site.desk.start()
    try:
        assert session.wait_connected(10)
        yield site
    finally:
        session.stop()
        site.desk.stop()
        broker.stop()
        parts.store.close()
