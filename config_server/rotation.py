"""Put a new issuing CA to work without touching a camera: its list is with the broker before its first certificate."""

from collections.abc import Callable
from datetime import datetime

from config_server.authorities import Authorities, load_authorities, put_to_work, save_issuing
from config_server.ca import Round, care
from config_server.records import AuditEntry
from config_server.secrets_files import SYSTEM
from config_server.store.registry import Store
from fleet.pki import Authority
from fleet.settings import ServerSettings

LoadAtBroker = Callable[[], None]


class RootIsAway(Exception):
    """The root's key is not on this host; the text says what to do."""


def rotate_issuing(settings: ServerSettings, store: Store, load_at_broker: LoadAtBroker, now: datetime) -> Authority:
    """Make a new issuing CA and let it sign from now on; the ones of before keep signing their lists.

    `load_at_broker` returns once the broker has read its files. Interrupted anywhere, the next call goes on: a CA that
    was made and never used is taken up again.
    """
    authorities = load_authorities(settings)
    fresh = _unused(store, authorities) or _make(authorities, now)
    # The one at work gets a name of its own, under which it stays when the other one takes its place.
    for authority in (authorities.issuing, fresh):
        save_issuing(settings, authority)
    care(settings, store, load_authorities(settings), now)
    load_at_broker()
    put_to_work(settings, fresh)
    with store.writing() as tx:
        detail = {"old": authorities.issuing.ski, "new": fresh.ski}
        tx.audit.add(AuditEntry(now, SYSTEM, "ca.rotated", None, detail))
    return fresh


def renew_under(settings: ServerSettings, store: Store, now: datetime) -> Round:
    """Give the host's own parts certificates of the CA that is at work now."""
    return care(settings, store, load_authorities(settings), now)


def _make(authorities: Authorities, now: datetime) -> Authority:
    if authorities.root is None:
        raise RootIsAway(
            "only the root can make an issuing CA, and its key is not here: put the exported root.key back into"
            " CAMFLEET_HOME/pki/ca for the rotation, then run 'camfleet ca export-root' again"
        )
    return authorities.root.new_issuing(f"Camfleet issuing {now:%Y-%m-%d}", now)


def _unused(store: Store, authorities: Authorities) -> Authority | None:
    with store.reading() as tx:
        unused = [one for one in authorities.others if tx.certificates.last_expiry_of(one.ski) is None]
    return unused[0] if unused else None
