"""Sign revocation lists from the registry, check them, and keep the newest for everybody who asks."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from config_server.authorities import ISSUING, ROOT, SERVERS_ROOT, Authorities
from config_server.records import CrlRecord
from config_server.store.registry import Transaction
from fleet.pki import Authority, CrlFacts, NotACrl, Revoked, crl_der, read_crl

LEAF_CRL_LIFE = timedelta(days=7)
ROOT_CRL_LIFE = timedelta(days=365)
ALERT_BELOW = timedelta(days=3)


class CrlUnusable(Exception):
    """A freshly signed list does not say what it should: the old one stays in place."""


@dataclass(frozen=True)
class SignedCrl:
    """A fresh list of one CA, named as its files are: root, issuing, servers-root."""

    authority: str
    pem: bytes
    next_update: datetime


def sign_crls(tx: Transaction, authorities: Authorities, now: datetime) -> list[SignedCrl]:
    """Sign and store a fresh list of every CA whose key is here; the root's may be kept elsewhere."""
    signed = [*sign_issuing_crls(tx, authorities, now), _sign(tx, SERVERS_ROOT, authorities.servers_root, now)]
    if authorities.root is not None:
        signed.append(_sign(tx, ROOT, authorities.root, now))
    return signed


def sign_issuing_crls(tx: Transaction, authorities: Authorities, now: datetime) -> list[SignedCrl]:
    """Sign and store a fresh list of every issuing CA that cameras may hold a certificate of."""
    return [_sign(tx, ISSUING, issuer, now) for issuer in issuers_in_use(tx, authorities, now)]


def issuers_in_use(tx: Transaction, authorities: Authorities, now: datetime) -> list[Authority]:
    """The issuing CA at work, those of before until their last certificate expires, and a new one not yet at work.

    The broker trusts all of them and needs the list of each: it refuses everybody whose issuer's list is missing.
    """
    ends = {other.ski: tx.certificates.last_expiry_of(other.ski) for other in authorities.others}
    others = [other for other in authorities.others if (end := ends[other.ski]) is None or end > now]
    return [authorities.issuing, *others]


def check_crl(pem: bytes, serials: frozenset[int], now: datetime) -> CrlFacts:
    """Read a list back before anybody relies on it: a broker that loads a bad one lets everybody in."""
    try:
        facts = read_crl(pem)
    except NotACrl as error:
        raise CrlUnusable(str(error)) from error
    if facts.serials != serials:
        raise CrlUnusable("the list does not name exactly the revoked certificates")
    if not facts.this_update <= now < facts.next_update - ALERT_BELOW:
        raise CrlUnusable(f"the list would be valid from {facts.this_update} to {facts.next_update}")
    return facts


def _sign(tx: Transaction, name: str, issuer: Authority, now: datetime) -> SignedCrl:
    last = tx.crls.get(issuer.ski)
    number = 1 if last is None else last.number + 1
    revoked = [Revoked(int(serial, 16), at) for serial, at in tx.certificates.revoked_by(issuer.ski, now)]
    pem = issuer.sign_crl(revoked, number, now, ROOT_CRL_LIFE if name == ROOT else LEAF_CRL_LIFE)
    facts = check_crl(pem, frozenset(item.serial for item in revoked), now)
    tx.crls.put(CrlRecord(issuer.ski, number, crl_der(pem), facts.this_update, facts.next_update))
    return SignedCrl(name, pem, facts.next_update)
