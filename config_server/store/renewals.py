"""Keep the nonces of renewals: each given to one device, good for a short time, used once."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, update

from config_server.store.tables import renewal_nonces


class RenewalNonces:
    """The renewal_nonces table within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, nonce: bytes, device_id: str, expires_at: datetime) -> None:
        """Remember a fresh nonce."""
        values = {"nonce": nonce, "device_id": device_id, "expires_at": expires_at}
        self._connection.execute(insert(renewal_nonces).values(**values))

    def use(self, nonce: bytes, device_id: str, now: datetime) -> bool:
        """Use a nonce up; False when it is unknown, another device's, expired, or used already."""
        mine = (renewal_nonces.c.nonce == nonce) & (renewal_nonces.c.device_id == device_id)
        good = renewal_nonces.c.used_at.is_(None) & (renewal_nonces.c.expires_at > now)
        return self._connection.execute(update(renewal_nonces).where(mine, good).values(used_at=now)).rowcount == 1

    def forget_expired(self, now: datetime) -> int:
        """Drop every nonce whose time is over, used or not; how many there were."""
        return self._connection.execute(delete(renewal_nonces).where(renewal_nonces.c.expires_at <= now)).rowcount
