"""What a signed leaf really says, read back from its bytes, for whoever decides whether it may be handed out."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from fleet.pki.facts import NotACertificate

CLIENT_USE = ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string
SERVER_USE = ExtendedKeyUsageOID.SERVER_AUTH.dotted_string


@dataclass(frozen=True)
class LeafFacts:
    """A leaf's facts; `uses` are its extended key usages as dotted numbers, `uris` its URI names."""

    common_names: tuple[str, ...]
    curve: str
    uses: tuple[str, ...]
    uris: tuple[str, ...]
    is_ca: bool
    signs_certificates: bool
    not_before: datetime
    not_after: datetime
    serial: int = 0


def read_leaf(pem: bytes) -> LeafFacts:
    """Read a PEM certificate; what it lacks is empty. Raises NotACertificate."""
    try:
        leaf = x509.load_pem_x509_certificate(pem)
        extensions = {type(one.value): one.value for one in leaf.extensions}
    except ValueError:
        raise NotACertificate("this is not a PEM certificate") from None
    key = leaf.public_key()
    uses = extensions.get(x509.ExtendedKeyUsage)
    names = extensions.get(x509.SubjectAlternativeName)
    basic = extensions.get(x509.BasicConstraints)
    usage = extensions.get(x509.KeyUsage)
    return LeafFacts(
        common_names=tuple(str(name.value) for name in leaf.subject),
        curve=key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__,
        uses=tuple(use.dotted_string for use in uses) if isinstance(uses, x509.ExtendedKeyUsage) else (),
        uris=_uris(names),
        is_ca=isinstance(basic, x509.BasicConstraints) and basic.ca,
        signs_certificates=isinstance(usage, x509.KeyUsage) and (usage.key_cert_sign or usage.crl_sign),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        serial=leaf.serial_number,
    )


def _uris(names: x509.ExtensionType | None) -> tuple[str, ...]:
    if not isinstance(names, x509.SubjectAlternativeName):
        return ()
    return tuple(names.get_values_for_type(x509.UniformResourceIdentifier))
