"""Read and write enrolment tokens, as checks and sealed keys."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from config_server.records import EnrolmentRecord
from config_server.store.conflict import insert_new
from config_server.store.prepared import Prepared
from config_server.store.tables import enrolment_tokens

_GET = Prepared(select(enrolment_tokens).where(enrolment_tokens.c.token_id == bindparam("wanted")))
_USE = Prepared(
    update(enrolment_tokens)
    .where(enrolment_tokens.c.token_id == bindparam("wanted"))
    .where(enrolment_tokens.c.used_at.is_(None), enrolment_tokens.c.expires_at > bindparam("now"))
    .values(used_at=bindparam("now"), token_check=None, sealed_key=None)
)


class Enrolments:
    """The enrolment_tokens table within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, token: EnrolmentRecord) -> None:
        """Insert a token; AlreadyThere when its public id is taken."""
        statement = insert(enrolment_tokens).values(
            token_id=token.token_id,
            device_id=token.device_id,
            token_check=token.check,
            sealed_key=token.sealed_key,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
        insert_new(self._connection, statement)

    def get(self, token_id: str) -> EnrolmentRecord | None:
        """The token by its public id, used and expired ones too."""
        row = _GET.first(self._connection, {"wanted": token_id})
        if row is None:
            return None
        return EnrolmentRecord(
            token_id=row.token_id,
            device_id=row.device_id,
            check=row.token_check,
            sealed_key=row.sealed_key,
            created_at=row.created_at,
            expires_at=row.expires_at,
            used_at=row.used_at,
        )

    def use(self, token_id: str, now: datetime) -> bool:
        """Use the token up; False when somebody else did, or when it expired. Its secrets go with it."""
        return _USE.change(self._connection, {"wanted": token_id, "now": now}) == 1

    def withdraw(self, device_id: str, now: datetime) -> None:
        """End every unused token of a device: it got its certificate in another way."""
        unused = enrolment_tokens.c.used_at.is_(None) & (enrolment_tokens.c.expires_at > now)
        statement = update(enrolment_tokens).where(enrolment_tokens.c.device_id == device_id, unused)
        self._connection.execute(statement.values(expires_at=now, token_check=None, sealed_key=None))

    def forget_expired(self, now: datetime) -> int:
        """Drop the check and the sealed key of every expired token; the number of tokens that lost them."""
        expired = enrolment_tokens.c.expires_at <= now
        secret = or_(enrolment_tokens.c.token_check.is_not(None), enrolment_tokens.c.sealed_key.is_not(None))
        statement = update(enrolment_tokens).where(expired, secret)
        return self._connection.execute(statement.values(token_check=None, sealed_key=None)).rowcount
