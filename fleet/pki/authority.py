"""A certificate authority: makes issuing authorities, leaves by profile, and CRLs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from cryptography.x509.oid import NameOID

from fleet.pki.facts import NotACertificate
from fleet.pki.keys import KeyRefused, key_pem, load_key
from fleet.pki.profiles import BACKDATED, Profile

ROOT_LIFE = timedelta(days=365 * 20)
ISSUING_LIFE = timedelta(days=365 * 5)


@dataclass(frozen=True)
class Revoked:
    """A serial that is no longer good, since when (UTC)."""

    serial: int
    revoked_at: datetime


@dataclass(frozen=True)
class Authority:
    """A CA certificate with its key in memory."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def new_root(cls, common_name: str, now: datetime) -> Self:
        """Make a self-signed root that lives 20 years."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(common_name)
        builder = _ca_builder((name, name), key, now, ROOT_LIFE, None)
        builder = builder.add_extension(_aki(key.public_key()), critical=False)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, certificate_pem: bytes, key: bytes, passphrase: bytes) -> Self:
        """Read a CA from its files; raises NotACertificate or KeyRefused, also when the two do not belong together."""
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
        except ValueError:
            raise NotACertificate("the CA's certificate cannot be read") from None
        authority = cls(certificate, load_key(key, passphrase))
        if authority.key.public_key() != certificate.public_key():
            raise KeyRefused("the CA's key does not belong to its certificate")
        return authority

    def new_issuing(self, common_name: str, now: datetime) -> "Authority":
        """Make an issuing CA under this root: it may sign leaves only, and lives 5 years."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _ca_builder((_name(common_name), self.certificate.subject), key, now, ISSUING_LIFE, 0)
        builder = builder.add_extension(_aki(self.key.public_key()), critical=False)
        return Authority(builder.sign(self.key, hashes.SHA256()), key)

    @cached_property
    def certificate_pem(self) -> bytes:
        """Return the CA's certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def protected_key(self, passphrase: bytes) -> bytes:
        """Return the CA's key as PEM, encrypted by `passphrase`."""
        return key_pem(self.key, passphrase)

    @cached_property
    def ski(self) -> str:
        """Return the subject key identifier in hex: the name of this CA's CRL."""
        return x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()).digest.hex()

    @property
    def name(self) -> str:
        """Return the CA's common name."""
        return str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @property
    def not_after(self) -> datetime:
        """Return when the CA itself ends."""
        return self.certificate.not_valid_after_utc

    def issue(self, profile: Profile, public_key: bytes, now: datetime) -> bytes:
        """Sign a leaf for a public key (SubjectPublicKeyInfo DER). Returns the leaf alone, as PEM."""
        key = load_der_public_key(public_key)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise KeyRefused("only EC keys are certified")
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(profile.common_name))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(min(now + profile.life, self.certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([profile.usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(profile.names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_aki(self.key.public_key()), critical=False)
        )
        if profile.crl_url:
            builder = builder.add_extension(_crl_point(profile.crl_url), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def sign_crl(self, revoked: Iterable[Revoked], number: int, now: datetime, life: timedelta) -> bytes:
        """Sign a CRL (PEM). The revoked list is given at once: adding one by one is quadratic."""
        entries = [x509.RevokedCertificateBuilder(item.serial, item.revoked_at).build() for item in revoked]
        builder = (
            x509.CertificateRevocationListBuilder(revoked_certificates=entries)
            .issuer_name(self.certificate.subject)
            .last_update(now - BACKDATED)
            .next_update(now + life)
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(_aki(self.key.public_key()), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _aki(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _crl_point(url: str) -> x509.CRLDistributionPoints:
    name = x509.UniformResourceIdentifier(url)
    return x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None)])


def _ca_builder(
    names: tuple[x509.Name, x509.Name],
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
    depth: int | None,
) -> x509.CertificateBuilder:
    subject, issuer = names
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
