"""Checks of certificates and lists by others than us: the openssl command, and cryptography's path validation."""

import subprocess
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store

from config_server.settings import ConfigSettings
from config_server.store.registry import Store as Registry
from fleet.home import CredentialFiles


def openssl_verdict(settings: ConfigSettings, files: CredentialFiles, folder: Path) -> str:
    """What `openssl verify -x509_strict -crl_check_all` says of a chain, with every list that the database holds."""
    leaf, *others = x509.load_pem_x509_certificates(files.certificate.read_bytes())
    (folder / "leaf.pem").write_bytes(_pem(leaf))
    (folder / "chain.pem").write_bytes(b"".join(_pem(one) for one in others))
    (folder / "lists.pem").write_bytes(_lists(settings))
    command = [
        "openssl", "verify", "-x509_strict", "-crl_check_all", "-check_ss_sig", "-purpose", "any",
        "-CAfile", str(settings.home.authorities / "root.pem"), "-CRLfile", str(folder / "lists.pem"),
        *(["-untrusted", str(folder / "chain.pem")] if others else []), str(folder / "leaf.pem"),
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return (said.stdout + said.stderr).strip()


def client_path(settings: ConfigSettings, files: CredentialFiles, now: datetime) -> list[str]:
    """The chain that `x509.verification` builds for a client certificate, as names; raises when there is none."""
    leaf, *others = x509.load_pem_x509_certificates(files.certificate.read_bytes())
    root = x509.load_pem_x509_certificate((settings.home.authorities / "root.pem").read_bytes())
    verifier = PolicyBuilder().store(Store([root])).time(now).build_client_verifier()
    return [_name(one) for one in verifier.verify(leaf, others).chain]


def server_path(settings: ConfigSettings, files: CredentialFiles, host: str, now: datetime) -> list[str]:
    """The same for a server's certificate and the host name that a client asked for."""
    leaf, *others = x509.load_pem_x509_certificates(files.certificate.read_bytes())
    root = x509.load_pem_x509_certificate((settings.home.authorities / "root.pem").read_bytes())
    verifier = PolicyBuilder().store(Store([root])).time(now).build_server_verifier(x509.DNSName(host))
    return [_name(one) for one in verifier.verify(leaf, others)]


def _lists(settings: ConfigSettings) -> bytes:
    registry = Registry(settings.config_database)
    with registry.reading() as tx:
        lists = [x509.load_der_x509_crl(record.der) for record in tx.crls.all()]
    registry.close()
    return b"".join(_pem(one) for one in lists)


def _pem(one: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return one.public_bytes(Encoding.PEM)


def _name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.rfc4514_string())
