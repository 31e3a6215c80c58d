"""Keys, certificates, CRLs, proofs, sealing: the only door to the cryptography library. PEM bytes in and out."""

from fleet.pki.authority import Authority, Revoked
from fleet.pki.chunks import SALT_BYTES, TAG_BYTES, ChunkAltered, ChunkSealer, ScryptCost, WrongPassphrase
from fleet.pki.csr import CsrRefused, SigningRequest, make_csr, read_csr
from fleet.pki.enrolment import (
    EnrolmentToken,
    NotAToken,
    check_value,
    make_proof,
    new_token,
    proof_is_right,
    prove_key,
    read_token,
)
from fleet.pki.facts import (
    CertificateFacts,
    CrlFacts,
    NotACertificate,
    NotACrl,
    crl_der,
    read_certificate,
    read_crl,
    read_crls,
    ski_of,
)
from fleet.pki.keys import KeyRefused, new_key, public_key_of, sign, signature_is_right
from fleet.pki.leaf import CLIENT_USE, SERVER_USE, LeafFacts, read_leaf
from fleet.pki.pairing import in_groups, pairing_code, read_code
from fleet.pki.profiles import BACKDATED, LEAF_LIFE, Profile, device_profile, host_profile, server_profile
from fleet.pki.renewal import confirmation_message, renewal_message
from fleet.pki.seal import SealBroken, new_seal_key, open_sealed, seal

__all__ = [
    "BACKDATED",
    "CLIENT_USE",
    "LEAF_LIFE",
    "SALT_BYTES",
    "SERVER_USE",
    "TAG_BYTES",
    "Authority",
    "CertificateFacts",
    "ChunkAltered",
    "ChunkSealer",
    "CrlFacts",
    "CsrRefused",
    "EnrolmentToken",
    "KeyRefused",
    "LeafFacts",
    "NotACertificate",
    "NotACrl",
    "NotAToken",
    "Profile",
    "Revoked",
    "ScryptCost",
    "SealBroken",
    "SigningRequest",
    "WrongPassphrase",
    "check_value",
    "confirmation_message",
    "crl_der",
    "device_profile",
    "host_profile",
    "in_groups",
    "make_csr",
    "make_proof",
    "new_key",
    "new_seal_key",
    "new_token",
    "open_sealed",
    "pairing_code",
    "proof_is_right",
    "prove_key",
    "public_key_of",
    "read_certificate",
    "read_code",
    "read_crl",
    "read_crls",
    "read_csr",
    "read_leaf",
    "read_token",
    "renewal_message",
    "seal",
    "server_profile",
    "sign",
    "signature_is_right",
    "ski_of",
]
