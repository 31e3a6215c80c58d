"""The issuance policy: each broken rule is named, and nothing that breaks one is handed out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config_server import policy
from config_server.policy import Candidate, PolicyRefused
from fleet.pki import (
    CLIENT_USE,
    SERVER_USE,
    Authority,
    LeafFacts,
    device_profile,
    host_profile,
    new_key,
    public_key_of,
    server_profile,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
GOOD = LeafFacts(
    common_names=("cam-front",),
    curve="secp256r1",
    uses=(CLIENT_USE,),
    uris=("urn:camfleet:device:cam-front",),
    is_ca=False,
    signs_certificates=False,
    not_before=NOW - timedelta(hours=1),
    not_after=NOW + timedelta(days=90),
)
CANDIDATE = Candidate(GOOD, "cam-front", NOW + timedelta(days=365), NOW)


def broken(candidate: Candidate) -> list[str]:
    return [check.__name__ for check in policy.CHECKS if check(candidate)]


def test_a_good_leaf_breaks_no_rule() -> None:
    assert broken(CANDIDATE) == []


@pytest.mark.parametrize(
    ("leaf", "rules"),
    [
        ({"uses": ()}, {"exactly_one_use", "use_fits_name"}),
        ({"uses": (CLIENT_USE, SERVER_USE)}, {"exactly_one_use", "use_fits_name"}),
        ({"uses": (SERVER_USE,)}, {"use_fits_name"}),
        ({"uses": ("1.3.6.1.5.5.7.3.3",)}, {"exactly_one_use", "use_fits_name"}),
        ({"common_names": ("cam-other",)}, {"one_name_of_ours"}),
        ({"common_names": ("cam-front", "cam-front")}, {"one_name_of_ours"}),
        ({"common_names": ()}, {"one_name_of_ours"}),
        ({"uris": ()}, {"alternative_name_agrees"}),
        ({"uris": ("urn:camfleet:device:cam-other",)}, {"alternative_name_agrees"}),
        ({"curve": "secp384r1"}, {"p256"}),
        ({"curve": "RSAPublicKey"}, {"p256"}),
        ({"is_ca": True}, {"no_authority"}),
        ({"signs_certificates": True}, {"no_authority"}),
        ({"not_after": NOW + timedelta(days=91)}, {"validity"}),
        ({"not_after": NOW - timedelta(days=1)}, {"validity"}),
        ({"not_before": NOW - timedelta(days=2)}, {"validity"}),
        ({"not_before": NOW + timedelta(days=2)}, {"validity"}),
    ],
)
def test_each_bent_leaf_breaks_its_rule_and_no_other(leaf: dict[str, Any], rules: set[str]) -> None:
    assert set(broken(replace(CANDIDATE, leaf=replace(GOOD, **leaf)))) == rules


def test_a_leaf_may_not_outlive_its_issuer() -> None:
    assert broken(replace(CANDIDATE, issuer_ends=NOW + timedelta(days=30))) == ["within_issuers_life"]


@pytest.mark.parametrize("name", ["cam-a+b", "cam-a/up", "front", "host-canary", ""])
def test_a_name_of_no_kind_is_never_signed(name: str) -> None:
    assert "known_kind_of_name" in broken(replace(CANDIDATE, name=name))


@pytest.mark.parametrize(
    "profile",
    [
        device_profile("cam-front", "http://localhost:8081/crl/x.crl"),
        server_profile("srv-ingest-1"),
        host_profile("host-broker", ["localhost", "::1"]),
    ],
)
def test_what_the_profiles_sign_passes(profile: Any) -> None:
    issuing = Authority.new_root("root", NOW).new_issuing("issuing", NOW)
    leaf = issuing.issue(profile, public_key_of(new_key()), NOW)
    policy.require(leaf, profile.common_name, issuing.not_after, NOW)
    with pytest.raises(PolicyRefused, match="names somebody else"):
        policy.require(leaf, "cam-somebody", issuing.not_after, NOW)
