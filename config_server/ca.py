"""Set up and look after this host's PKI: everything that `ca init`, `ca renew` and the courier's rounds do."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from config_server.authorities import Authorities, load_authorities, make_missing
from config_server.broker_files import broker_files_held
from config_server.canary import install_canary, sign_canary_if_due
from config_server.host_credentials import HostCredentials, Renewed, write_broker_crls
from config_server.records import AuditEntry
from config_server.revocation import SignedCrl, issuers_in_use, sign_crls
from config_server.secrets_files import SYSTEM, make_missing_keys, make_missing_tokens
from config_server.signing import signer_of
from config_server.store.registry import Store, Transaction
from fleet.settings import ServerSettings

# Longer than any window of a limit.
RATES_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Round:
    """What one round of care did."""

    renewed: list[Renewed] = field(default_factory=list)
    crls: list[SignedCrl] = field(default_factory=list)

    @property
    def holders(self) -> frozenset[str]:
        """Whose files changed and who must therefore read them again."""
        return frozenset(item.holder for item in self.renewed)


def initialise(settings: ServerSettings, store: Store, now: datetime) -> list[str]:
    """Make what is missing of keys, CAs, tokens and host credentials; safe to run again. Lines for people."""
    lines = [*make_missing_keys(settings), *make_missing(settings, now)]
    authorities = load_authorities(settings)
    host = HostCredentials(settings, authorities)
    with store.writing() as tx:
        lines += make_missing_tokens(tx, settings.home, now)
        # Here and not in every round of care: only a start is sure to know how many processes are wanted.
        unwanted = host.revoke_unwanted(tx, now)
        for holder in unwanted:
            tx.audit.add(AuditEntry(now, SYSTEM, "certificate.revoked", None, {"holder": holder}))
    done = care(settings, store, authorities, now)
    for holder in unwanted:
        host.remove(holder)
    lines += [f"revoked the certificate of {holder}: this host runs no such process" for holder in unwanted]
    return lines + [f"made a certificate for {item.holder}: {item.reason}" for item in done.renewed]


def care(settings: ServerSettings, store: Store, authorities: Authorities, now: datetime) -> Round:
    """Renew what is due, sign fresh CRLs, drop what expired; files are in place when this returns."""
    with broker_files_held(settings.home):
        return _care(settings, store, authorities, now)


def _care(settings: ServerSettings, store: Store, authorities: Authorities, now: datetime) -> Round:
    host = HostCredentials(settings, authorities)
    with store.writing() as tx:
        issuers = issuers_in_use(tx, authorities, now)
        # Trust goes first: should all end here, a CA without its list lets nobody in, which harms nobody.
        host.write_trust(issuers)
        renewed = host.sign_due(tx, now)
        for item in renewed:
            tx.audit.add(_entry(item, now))
        canary = sign_canary_if_due(tx, signer_of(authorities.issuing, settings), settings.home, now)
        crls = sign_crls(tx, authorities, now)
        tx.enrolments.forget_expired(now)
        tx.sightings.forget_expired(now)
        tx.rates.forget_before(now - RATES_KEPT)
    for item in renewed:
        host.install(item)
    if canary:
        install_canary(settings.home, *canary)
    write_broker_crls(settings.home, crls)
    return Round(renewed, crls)


def days_left(tx: Transaction, now: datetime) -> dict[str, float]:
    """Days until each CRL runs out, by its issuer's SKI."""
    return {crl.issuer_ski: (crl.next_update - now).total_seconds() / 86400 for crl in tx.crls.all()}


def _entry(item: Renewed, now: datetime) -> AuditEntry:
    return AuditEntry(now, SYSTEM, "certificate.issued", None, {"holder": item.holder, "reason": item.reason})
