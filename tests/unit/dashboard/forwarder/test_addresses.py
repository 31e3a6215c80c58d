"""Where a webhook may lead, and where never."""

from ipaddress import ip_address

import pytest

from dashboard.forwarder.addresses import AddressRule, NotAllowed, NotThere, resolve

PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
NEAR = ["10.1.2.3", "192.168.0.9", "172.16.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]
NEAR += ["2002:a00:1::", "2002:7f00:1::"]
NEVER = [
    "169.254.169.254",
    "0.0.0.0",  # noqa: S104  (nobody listens here)
    "255.255.255.255",
    "224.0.0.1",
    "240.0.0.1",
    "100.64.0.1",
]
NEVER += ["::", "fe80::1", "ff02::1", "::ffff:169.254.169.254", "2002:a9fe:a9fe::"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    for allow_private in (False, True):
        AddressRule(allow_private).check(ip_address(address), is_plain=False)


@pytest.mark.parametrize("address", NEAR)
def test_this_host_and_private_networks_only_where_a_person_said_so(address: str) -> None:
    with pytest.raises(NotAllowed, match="CAMFLEET_WEBHOOK_ALLOW_PRIVATE=1"):
        AddressRule().check(ip_address(address), is_plain=False)
    AddressRule(allow_private=True).check(ip_address(address), is_plain=False)


@pytest.mark.parametrize("address", NEVER)
def test_what_is_nobodys_receiver_is_never_allowed(address: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(NotAllowed):
            AddressRule(allow_private).check(ip_address(address), is_plain=False)


@pytest.mark.parametrize(("address", "allowed"), [("127.0.0.1", True), ("10.1.2.3", False), ("8.8.8.8", False)])
def test_plain_http_goes_to_this_host_only(address: str, allowed: bool) -> None:
    rule = AddressRule(allow_private=True)
    if allowed:
        rule.check(ip_address(address), is_plain=True)
        return
    with pytest.raises(NotAllowed, match="plain http"):
        rule.check(ip_address(address), is_plain=True)


def test_a_name_becomes_all_of_its_addresses_or_is_not_there() -> None:
    assert ip_address("127.0.0.1") in resolve("127.0.0.1", 443)
    with pytest.raises(NotThere, match="nowhere"):
        resolve("nowhere.invalid", 443)
