"""What a leaf must be before it is handed out: a list of small checks on the certificate as it was really signed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet.identifiers import is_device_id, is_server_id
from fleet.pki import BACKDATED, CLIENT_USE, LEAF_LIFE, SERVER_USE, LeafFacts, read_leaf

CURVE = "secp256r1"
HOSTS = ("host-broker", "host-nginx")


class PolicyRefused(Exception):
    """A leaf breaks a rule and is not handed out; the text names every broken rule."""


@dataclass(frozen=True)
class Candidate:
    """A signed leaf that nobody has seen yet, the name that it was signed for, and when its issuer ends."""

    leaf: LeafFacts
    name: str
    issuer_ends: datetime
    now: datetime


Check = Callable[[Candidate], str | None]


def require(pem: bytes, name: str, issuer_ends: datetime, now: datetime) -> LeafFacts:
    """What stands in a leaf that keeps every rule; PolicyRefused for any other."""
    candidate = Candidate(read_leaf(pem), name, issuer_ends, now)
    broken = [reason for check in CHECKS if (reason := check(candidate))]
    if broken:
        raise PolicyRefused(f"no certificate for {name!r}: " + "; ".join(broken))
    return candidate.leaf


def exactly_one_use(candidate: Candidate) -> str | None:
    """Mosquitto takes a leaf with no use, or with both, as a client."""
    one = len(candidate.leaf.uses) == 1 and candidate.leaf.uses[0] in (CLIENT_USE, SERVER_USE)
    return None if one else "it must have exactly one extended use: clientAuth or serverAuth"


def use_fits_name(candidate: Candidate) -> str | None:
    """Hosts serve, everybody else is a client."""
    wanted = SERVER_USE if candidate.name in HOSTS else CLIENT_USE
    return None if candidate.leaf.uses == (wanted,) else "its use does not fit its name"


def known_kind_of_name(candidate: Candidate) -> str | None:
    """A name that could walk through the broker's patterns must never be signed."""
    name = candidate.name
    known = is_device_id(name) or is_server_id(name) or name in HOSTS
    return None if known else "its name is not that of a camera, a server program or a host"


def one_name_of_ours(candidate: Candidate) -> str | None:
    """The identity is written from our record."""
    return None if candidate.leaf.common_names == (candidate.name,) else "it names somebody else"


def alternative_name_agrees(candidate: Candidate) -> str | None:
    """A camera's or server's URI says the same as its common name."""
    kinds = {"device": is_device_id(candidate.name), "server": is_server_id(candidate.name)}
    wanted = tuple(f"urn:camfleet:{kind}:{candidate.name}" for kind, is_one in kinds.items() if is_one)
    return None if candidate.leaf.uris == wanted else "its alternative name disagrees with its name"


def p256(candidate: Candidate) -> str | None:
    """One kind of key, everywhere."""
    return None if candidate.leaf.curve == CURVE else f"its key is {candidate.leaf.curve}, not EC P-256"


def no_authority(candidate: Candidate) -> str | None:
    """A leaf signs nothing."""
    signs = candidate.leaf.is_ca or candidate.leaf.signs_certificates
    return "it could sign certificates" if signs else None


def validity(candidate: Candidate) -> str | None:
    """Valid now, backdated by no more than a clock may be off, and no longer than the profile says."""
    leaf, slack = candidate.leaf, timedelta(seconds=1)
    begins = candidate.now - BACKDATED - slack <= leaf.not_before <= candidate.now
    ends = candidate.now < leaf.not_after <= candidate.now + LEAF_LIFE + slack
    return None if begins and ends else f"it would be valid from {leaf.not_before} to {leaf.not_after}"


def within_issuers_life(candidate: Candidate) -> str | None:
    """A leaf that outlives its issuer stops working without a word."""
    return None if candidate.leaf.not_after <= candidate.issuer_ends else "it would outlive its issuing CA"


CHECKS: tuple[Check, ...] = (
    exactly_one_use,
    use_fits_name,
    known_kind_of_name,
    one_name_of_ours,
    alternative_name_agrees,
    p256,
    no_authority,
    validity,
    within_issuers_life,
)
