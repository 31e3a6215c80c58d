"""The certificates and CRLs of a host as independent judges see them: OpenSSL, x509.verification, a real broker."""

import ipaddress
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import ClientVerifier, PolicyBuilder, Store, VerificationError

from config_server.actor import Actor
from config_server.authorities import load_authorities
from config_server.provisioning import make_bundle
from config_server.registry import Change, NewDevice, register_device
from config_server.settings import ConfigSettings
from config_server.signing import signer_of
from config_server.store.registry import Store as Registry
from deploy.mosquitto.config import write_config
from fleet.home import CredentialFiles
from tests.support.config_server import prepare_home
from tests.support.ports import free_port
from tests.support.waiting import wait_until

CAMERA = "cam-front-gate"
HOSTS = ("broker", "nginx")
SERVERS = ("srv-ingest-1", "srv-courier-1", "srv-kick-1")
EVERYBODY = (CAMERA, *HOSTS, *SERVERS)
CONNECT = b"\x10\x11\x00\x04MQTT\x05\x02\x00\x0f\x00\x00\x04test"


@dataclass(frozen=True)
class Pki:
    """A home with every kind of certificate, and a folder for what tests put together."""

    settings: ConfigSettings
    camera: CredentialFiles
    scratch: Path

    def files_of(self, holder: str) -> CredentialFiles:
        return self.camera if holder == CAMERA else self.settings.home.credentials(holder)

    def ca(self, name: str) -> Path:
        return self.settings.home.authorities / f"{name}.pem"

    def crl_files(self) -> list[Path]:
        registry = Registry(self.settings.config_database)
        with registry.reading() as tx:
            crls = tx.crls.all()
        registry.close()
        paths = []
        for crl in crls:
            path = self.scratch / f"{crl.issuer_ski}.crl.pem"
            path.write_bytes(x509.load_der_x509_crl(crl.der).public_bytes(Encoding.PEM))
            paths.append(path)
        return paths


def make_camera(settings: ConfigSettings, folder: Path) -> CredentialFiles:
    """A camera's bundle, as provisioning hands it out."""
    authorities = load_authorities(settings)
    change = Change(Actor("test", frozenset()), None, datetime.now(UTC))
    signer = signer_of(authorities.issuing, settings)
    registry = Registry(settings.config_database)
    with registry.writing() as tx:
        device = register_device(tx, NewDevice("Front gate", CAMERA), change)
        key, record = make_bundle(tx, signer, device, change)
    registry.close()
    files = CredentialFiles(folder)
    folder.mkdir()
    files.key.write_bytes(key)
    files.certificate.write_bytes(record.certificate_pem.encode() + signer.ca_pem)
    files.ca.write_bytes(authorities.root_pem)
    return files


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    ports = {name: free_port() for name in ("broker_port", "broker_servers_port")}
    settings = prepare_home(folder / "home", **ports)
    return Pki(settings, make_camera(settings, folder / "camera"), folder)


@pytest.fixture(scope="module")
def broker(pki: Pki) -> Iterator[Pki]:
    process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(write_config(pki.settings))])
    try:
        wait_until(lambda: is_open(pki.settings.broker_servers_port), 10, "the broker listens")
        yield pki
    finally:
        process.terminate()
        process.wait(10)


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("holder", EVERYBODY)
def test_openssl_accepts_every_chain_strictly_with_all_crls(pki: Pki, holder: str) -> None:
    root = pki.ca("servers-root" if holder in SERVERS else "root")
    command = ["openssl", "verify", "-x509_strict", "-crl_check_all", "-CAfile", str(root)]
    for crl in pki.crl_files():
        command += ["-CRLfile", str(crl)]
    command += ["-untrusted", str(pki.ca("issuing")), str(pki.files_of(holder).certificate)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("holder", "purpose", "good"),
    [
        (CAMERA, "sslclient", True),
        (CAMERA, "sslserver", False),
        ("broker", "sslserver", True),
        ("broker", "sslclient", False),
        ("nginx", "sslserver", True),
        ("nginx", "sslclient", False),
        ("srv-ingest-1", "sslclient", True),
        ("srv-ingest-1", "sslserver", False),
    ],
)
def test_openssl_sees_exactly_one_purpose(pki: Pki, holder: str, purpose: str, good: bool) -> None:
    root = pki.ca("servers-root" if holder in SERVERS else "root")
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", str(root)]
    command += ["-untrusted", str(pki.ca("issuing")), str(pki.files_of(holder).certificate)]
    assert (subprocess.run(command, capture_output=True).returncode == 0) is good


def client_verifier(root: Path) -> ClientVerifier:
    store = Store(x509.load_pem_x509_certificates(root.read_bytes()))
    return PolicyBuilder().store(store).build_client_verifier()


def test_x509_verification_accepts_cameras_under_the_device_root_only(pki: Pki) -> None:
    leaf, issuing = x509.load_pem_x509_certificates(pki.camera.certificate.read_bytes())
    verified = client_verifier(pki.ca("root")).verify(leaf, [issuing])
    assert [name.value for name in verified.subjects or []] == [f"urn:camfleet:device:{CAMERA}"]
    with pytest.raises(VerificationError):
        client_verifier(pki.ca("servers-root")).verify(leaf, [issuing])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("holder", HOSTS)
def test_x509_verification_accepts_the_hosts_names(pki: Pki, holder: str, host: str) -> None:
    leaf, issuing = x509.load_pem_x509_certificates(pki.files_of(holder).certificate.read_bytes())
    store = Store(x509.load_pem_x509_certificates(pki.ca("root").read_bytes()))
    subject = x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    PolicyBuilder().store(store).build_server_verifier(subject).verify(leaf, [issuing])


@pytest.mark.parametrize("holder", EVERYBODY)
def test_each_certificate_opens_only_its_own_listener(broker: Pki, holder: str) -> None:
    wanted = {"cameras": holder == CAMERA, "servers": holder in SERVERS}
    ports = {"cameras": broker.settings.broker_port, "servers": broker.settings.broker_servers_port}
    assert {name: connects(broker, holder, port) for name, port in ports.items()} == wanted


def test_no_certificate_opens_nothing(broker: Pki) -> None:
    assert not connects(broker, None, broker.settings.broker_port)
    assert not connects(broker, None, broker.settings.broker_servers_port)


def test_a_camera_does_not_take_another_hosts_certificate_for_the_broker(broker: Pki) -> None:
    context = ssl.create_default_context(cafile=str(broker.camera.ca))
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"), socket.create_connection(
        ("127.0.0.1", broker.settings.broker_port), 5
    ) as plain:
        context.wrap_socket(plain, server_hostname="elsewhere.example")


def connects(pki: Pki, holder: str | None, port: int) -> bool:
    """Say whether the broker answers an MQTT CONNECT over TLS with this certificate."""
    context = ssl.create_default_context(cafile=str(pki.camera.ca))
    if holder is not None:
        files = pki.files_of(holder)
        context.load_cert_chain(files.certificate, files.key)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            secured.sendall(CONNECT)
            return secured.recv(1) == b"\x20"
    except OSError:
        return False
