"""Make, list and end scoped API tokens: nobody gives more than they have, and a token is shown once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from config_server.actor import Actor
from config_server.records import ApiTokenRecord
from config_server.registry import Change, Conflict, Invalid, Unknown, checked_name
from config_server.store.registry import Transaction
from config_server.tokens import Scope, TokenKind, new_token, public_id_of, record_of, with_implied


@dataclass(frozen=True)
class NewToken:
    """What a token is for; `sites` None means every site, `life` None for ever."""

    label: str
    scopes: frozenset[Scope]
    sites: frozenset[str] | None = None
    life: timedelta | None = None


@dataclass(frozen=True)
class IssuedToken:
    """A fresh token: the only moment at which it exists in the clear."""

    token: str = field(repr=False)
    record: ApiTokenRecord


def issue_token(tx: Transaction, new: NewToken, change: Change) -> IssuedToken:
    """Make a token within the actor's own rights; Invalid or Conflict."""
    label = checked_name(new.label)
    excess = new.scopes - with_implied(change.actor.scopes)
    if excess:
        raise Invalid(f"you cannot give away what you may not do yourself: {', '.join(sorted(excess))}")
    _check_sites(tx, new.sites, change.actor)
    if any(other.label == label and other.revoked_at is None for other in tx.api_tokens.of_kind(TokenKind.API)):
        raise Conflict(f"another token is called {label!r}: choose another label, or revoke that one first")
    text = new_token(TokenKind.API)
    expires_at = None if new.life is None else change.now + new.life
    made = record_of(text, TokenKind.API, label, change.now)
    record = replace(made, scopes=new.scopes, sites=new.sites, expires_at=expires_at)
    tx.api_tokens.add(record)
    reach = {"scopes": sorted(new.scopes), "sites": None if new.sites is None else sorted(new.sites)}
    tx.audit.add(change.entry("token.made", token_id=public_id_of(record.sha256), label=label, reach=reach))
    return IssuedToken(text, record)


def list_tokens(tx: Transaction, actor: Actor) -> Sequence[ApiTokenRecord]:
    """The tokens that the actor may manage: those that reach no further than it does."""
    return [record for record in tx.api_tokens.of_kind(TokenKind.API) if _is_within(record.sites, actor)]


def revoke_token(tx: Transaction, token_id: str, change: Change) -> None:
    """End a token at once; Unknown when there is none of this id."""
    for record in list_tokens(tx, change.actor):
        if public_id_of(record.sha256) == token_id:
            tx.api_tokens.revoke(record.sha256, change.now)
            tx.audit.add(change.entry("token.revoked", token_id=token_id, label=record.label))
            return
    raise Unknown(f"no API token has the id {token_id!r}")


def _check_sites(tx: Transaction, sites: frozenset[str] | None, actor: Actor) -> None:
    if not _is_within(sites, actor):
        raise Invalid("name the sites of the token: you may give rights on your own sites only")
    for site_id in sorted(sites or ()):
        if tx.sites.get(site_id) is None:
            raise Unknown(f"no site has the id {site_id!r}")


def _is_within(sites: frozenset[str] | None, actor: Actor) -> bool:
    return actor.sites is None or (sites is not None and sites <= actor.sites)
