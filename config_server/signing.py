"""Sign leaf certificates from our own record of who asks, and record each one in the same transaction."""

from dataclasses import dataclass
from datetime import datetime

from config_server import policy
from config_server.records import CertificateRecord
from config_server.store.registry import Transaction
from fleet.pki import Authority, Profile, device_profile
from fleet.settings import ServerSettings

ENROLLED = "enrolled"
RENEWED = "renewed"
BUNDLE = "bundle"


@dataclass(frozen=True)
class Signer:
    """An authority that signs leaves, and where its revocation list is found."""

    authority: Authority
    crl_url: str

    @property
    def ca_pem(self) -> bytes:
        """The authority's own certificate: the second of every chain."""
        return self.authority.certificate_pem

    def certify(self, device_id: str, public_key: bytes, now: datetime, purpose: str = ENROLLED) -> CertificateRecord:
        """Sign a registered camera's certificate; it counts only once it is recorded, so it can be made beforehand."""
        return self._signed(device_profile(device_id, self.crl_url), device_id, public_key, now, purpose)

    def sign_device(
        self, tx: Transaction, device_id: str, public_key: bytes, now: datetime, purpose: str = ENROLLED
    ) -> CertificateRecord:
        """Sign and record a camera's certificate; its name is our id of it, whatever a request said."""
        return self.sign(tx, device_profile(device_id, self.crl_url), public_key, now, purpose)

    def sign(
        self, tx: Transaction, profile: Profile, public_key: bytes, now: datetime, purpose: str = ENROLLED
    ) -> CertificateRecord:
        """Sign and record a leaf; `device_id` is set when its name is a registered device's."""
        device = tx.devices.get(profile.common_name)
        record = self._signed(profile, None if device is None else device.device_id, public_key, now, purpose)
        tx.certificates.add(record)
        return record

    def _signed(
        self, profile: Profile, device_id: str | None, public_key: bytes, now: datetime, purpose: str
    ) -> CertificateRecord:
        pem = self.authority.issue(profile, public_key, now)
        facts = policy.require(pem, profile.common_name, self.authority.not_after, now)
        return CertificateRecord(
            serial=serial_text(facts.serial),
            issuer_ski=self.authority.ski,
            subject=profile.common_name,
            device_id=device_id,
            not_before=facts.not_before,
            not_after=facts.not_after,
            certificate_pem=pem.decode(),
            # A renewed one takes the old one's place only when its camera confirms it.
            active_at=None if purpose == RENEWED else now,
            purpose=purpose,
        )


def signer_of(authority: Authority, settings: ServerSettings) -> Signer:
    """The signer whose leaves point to this host's CRL address (port and path are final, DESIGN §3)."""
    return Signer(authority, f"http://{settings.public_host}:8081/crl/{authority.ski}.crl")


def serial_text(serial: int) -> str:
    """A serial as the registry writes it: lower-case hex."""
    return format(serial, "x")
