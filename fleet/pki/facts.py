"""What a certificate or a CRL says, as plain data."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fleet.pki.keys import public_der

_CRL_END = b"-----END X509 CRL-----"


class NotACertificate(ValueError):
    """The bytes are not a PEM certificate of ours."""


class NotACrl(ValueError):
    """The bytes are not a PEM CRL."""


@dataclass(frozen=True)
class CertificateFacts:
    """A certificate's facts. `public_key` is SubjectPublicKeyInfo DER, `fingerprint` the SHA-256 of its DER.

    `hosts` are the DNS names and addresses that a server's certificate speaks for.
    """

    common_name: str
    serial: int
    not_before: datetime
    not_after: datetime
    fingerprint: bytes
    public_key: bytes
    issuer_ski: str
    hosts: tuple[str, ...] = ()

    def is_due(self, now: datetime) -> bool:
        """Say whether two thirds of its life are over: time to renew."""
        return now >= self.not_before + (self.not_after - self.not_before) * 2 / 3


@dataclass(frozen=True)
class CrlFacts:
    """A CRL's facts. `issuer_ski` names the CA that signed it."""

    number: int
    this_update: datetime
    next_update: datetime
    serials: frozenset[int]
    issuer_ski: str = ""


def read_certificate(pem: bytes) -> CertificateFacts:
    """Read the first certificate of a PEM file (the leaf of a chain); raises NotACertificate."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        raise NotACertificate("this is not a PEM certificate") from None
    key = certificate.public_key()
    if not names or not isinstance(key, ec.EllipticCurvePublicKey):
        raise NotACertificate("the certificate has no common name or no EC key")
    return CertificateFacts(
        common_name=str(names[0].value),
        serial=certificate.serial_number,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()),
        public_key=public_der(key),
        issuer_ski=_issuer_ski(certificate),
        hosts=_hosts(certificate),
    )


def ski_of(pem: bytes) -> str:
    """Return the subject key identifier (hex) of a CA's PEM certificate; raises NotACertificate."""
    try:
        key = x509.load_pem_x509_certificate(pem).public_key()
    except ValueError:
        raise NotACertificate("this is not a PEM certificate") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise NotACertificate("the certificate has no EC key")
    return x509.SubjectKeyIdentifier.from_public_key(key).digest.hex()


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = (str(address) for address in names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _issuer_ski(certificate: x509.Certificate) -> str:
    try:
        value = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        return ""
    return (value.key_identifier or b"").hex()


def read_crl(pem: bytes) -> CrlFacts:
    """Read a PEM CRL; raises NotACrl."""
    try:
        crl = x509.load_pem_x509_crl(pem)
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        issuer = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (ValueError, x509.ExtensionNotFound):
        raise NotACrl("this is not a PEM CRL with a number") from None
    if crl.next_update_utc is None:
        raise NotACrl("the CRL has no next update")
    serials = frozenset(entry.serial_number for entry in crl)
    return CrlFacts(number, crl.last_update_utc, crl.next_update_utc, serials, (issuer or b"").hex())


def read_crls(pem: bytes) -> list[CrlFacts]:
    """Read every CRL of a PEM file, at least one; raises NotACrl."""
    parts = [part + _CRL_END for part in pem.split(_CRL_END) if part.strip()]
    if not parts:
        raise NotACrl("there is no CRL in it")
    return [read_crl(part) for part in parts]


def crl_der(pem: bytes) -> bytes:
    """Return a PEM CRL as DER, the form that CRL distribution points serve."""
    return x509.load_pem_x509_crl(pem).public_bytes(Encoding.DER)
