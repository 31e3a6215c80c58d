"""A certificate's facts name the hosts that it speaks for."""

from datetime import UTC, datetime

from fleet.pki import Authority, device_profile, host_profile, new_key, public_key_of, read_certificate

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_hosts_certificate_names_its_hosts_and_addresses() -> None:
    root = Authority.new_root("root", NOW)
    hosts = ("camfleet.example", "127.0.0.1", "::1")
    pem = root.issue(host_profile("host-nginx", hosts), public_key_of(new_key()), NOW)
    assert read_certificate(pem).hosts == hosts


def test_a_cameras_certificate_speaks_for_no_host() -> None:
    root = Authority.new_root("root", NOW)
    pem = root.issue(device_profile("cam-front-gate", "http://x/crl"), public_key_of(new_key()), NOW)
    assert read_certificate(pem).hosts == ()


def test_a_root_without_names_speaks_for_no_host() -> None:
    assert read_certificate(Authority.new_root("root", NOW).certificate_pem).hosts == ()
