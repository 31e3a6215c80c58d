"""Certificate signing requests: made on the device, read and checked on the server."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fleet.pki.keys import load_key, public_der

MAX_CSR_BYTES = 4096


class CsrRefused(ValueError):
    """The request breaks a rule; the text says which, for the operator's log."""


@dataclass(frozen=True)
class SigningRequest:
    """A well-formed request. `asked_name` is only what it asked for: identity is written from our own record."""

    public_key: bytes
    asked_name: str


def make_csr(key: bytes, common_name: str) -> bytes:
    """Make a PEM request for a PEM private key."""
    private = load_key(key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(private, hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


def read_csr(pem: bytes) -> SigningRequest:
    """Read and check a PEM request: size, form, P-256, and a signature by its own key; raises CsrRefused."""
    if len(pem) > MAX_CSR_BYTES:
        raise CsrRefused(f"larger than {MAX_CSR_BYTES} bytes")
    try:
        request = x509.load_pem_x509_csr(pem)
        key = request.public_key()
        names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        signature_right = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        raise CsrRefused("not a readable PEM request") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CsrRefused("the key is not EC P-256")
    if not signature_right:
        raise CsrRefused("its signature is not by its own key")
    return SigningRequest(public_der(key), str(names[0].value) if names else "")
