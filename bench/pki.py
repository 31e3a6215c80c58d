"""What does identity cost? Enrolments against bare signing, a thousand bundles, a CRL of 100,000, and cutting off."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import create_engine, insert

from bench.pki_load import request_of, requests_per_second
from bench.report import Figure, run_bench
from config_server.actor import Actor
from config_server.authorities import load_authorities
from config_server.enrolment import Prover, make_token
from config_server.registry import Change, NewDevice, register_device
from config_server.revocation import sign_crls
from config_server.secrets_files import SEAL_KEY
from config_server.store.registry import Store
from config_server.store.tables import certificates
from fleet.pki import Authority, device_profile, make_csr, new_key, read_csr
from tests.support.config_server import ConfigServer, running_config_server
from tests.support.revocation import measure_revocations

ROUNDS = 3
PEER_S = 1.0
CRL_ENTRIES = 100_000
UNLIMITED = "100000000 per minute"
CRL_URL = "http://localhost:8081/crl/bench.crl"


@dataclass(frozen=True)
class Counts:
    """How much of each is made; a round of enrolments has `enrolments`."""

    enrolments: int
    bundles: int
    crl_entries: int
    revocations: int


FULL = Counts(1500, 1000, CRL_ENTRIES, 20)
QUICK = Counts(300, 200, CRL_ENTRIES, 2)


@dataclass(frozen=True)
class Bench:
    """A running config_server and the same home's parts in this process."""

    server: ConfigServer
    store: Store

    @property
    def change(self) -> Change:
        """Who provisions here, now."""
        return Change(Actor("token:bench", frozenset()), "127.0.0.1", datetime.now(UTC))

    def authorities(self) -> Authority:
        """The CA that signs cameras."""
        return load_authorities(self.server.settings).issuing


def measure(quick: bool) -> list[Figure]:
    """Measure enrolment, bundles, CRLs and revocation on one host."""
    return measure_counts(QUICK if quick else FULL)


def measure_counts(counts: Counts) -> list[Figure]:
    """Measure each question once, on a home of its own."""
    with tempfile.TemporaryDirectory(prefix="camfleet-pki-") as folder, _running(Path(folder) / "home") as bench:
        figures = [
            *measure_enrolments(bench, counts.enrolments),
            *measure_bundles(bench, Path(folder), counts.bundles),
            *measure_crl(bench, counts.crl_entries),
        ]
    return figures + measure_revocation(counts.revocations)


def measure_enrolments(bench: Bench, count: int) -> list[Figure]:
    """Compare the HTTP endpoint (two workers, commit and audit in it) with bare verify + sign on one thread."""
    ratios, rates, bare = [], [], []
    csrs = [make_csr(new_key(), "bench") for _ in range(200)]
    _enrol(bench, "warm", 20)
    for number in range(ROUNDS):
        bare.append(bare_per_second(bench.authorities(), csrs, PEER_S))
        rates.append(_enrol(bench, f"round {number}", count))
        ratios.append(rates[-1] / bare[-1])
    return [
        Figure("enrol_ratio", statistics.median(ratios), "", ">= 0.12, aim 0.25", "bare verify + sign on one thread"),
        Figure("enrolments_per_s", statistics.median(rates), "/s"),
        Figure("bare_sign_per_s", statistics.median(bare), "/s"),
    ]


def bare_per_second(authority: Authority, csrs: Sequence[bytes], seconds: float) -> float:
    """Return how many CSRs one thread verifies and signs in a second, with nothing around it."""
    profile, now = device_profile("cam-bench-00001", CRL_URL), datetime.now(UTC)
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for csr in csrs:
            authority.issue(profile, read_csr(csr).public_key, now)
        done += len(csrs)
    return done / (time.perf_counter() - began)


def _enrol(bench: Bench, label: str, count: int) -> float:
    tokens = _tokens(bench, label, count)
    port = bench.server.settings.config_port
    requests = [
        request_of(port, "/config/enrol", {"token": token, "csr_pem": make_csr(new_key(), "bench").decode()})
        for token in tokens
    ]
    return requests_per_second(port, requests)


def _tokens(bench: Bench, label: str, count: int) -> list[str]:
    settings = bench.server.settings
    prover = Prover(settings.home.secret(SEAL_KEY).read_bytes(), load_authorities(settings).root_pem)
    made = []
    with bench.store.writing() as tx:
        for number in range(count):
            device = register_device(tx, NewDevice(f"{label} {number}"), bench.change)
            made.append(str(make_token(tx, prover, device.device_id, timedelta(hours=1), bench.change).token))
    return made


def measure_bundles(bench: Bench, folder: Path, count: int) -> list[Figure]:
    """Have `camfleet provision --batch FILE --bundle DIR` make ready bundles; its own start is in the figure."""
    names = folder / "names.csv"
    names.write_text("".join(f"Bundle {number}\n" for number in range(count)))
    argv = [str(Path(sys.executable).with_name("camfleet")), "provision", "--batch", str(names)]
    argv += ["--bundle", str(folder / "bundles"), "--server", bench.server.url]
    token_file = str(bench.server.home.secret("admin.token"))
    began = time.perf_counter()
    subprocess.run([*argv, "--token-file", token_file], check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - began
    made = len(list((folder / "bundles").glob("*/certificate.pem")))
    if made != count:
        raise RuntimeError(f"{made} bundles of {count} were made")
    return [Figure("bulk_1000_s", took * 1000 / count, "s", "< 30")]


def measure_revocation(runs: int) -> list[Figure]:
    """Cut connected cameras off at a real broker: from the request to the closed connection."""
    taken = measure_revocations(runs)
    return [
        Figure("revoke_worst_s", max(taken), "s", "<= 5 over 20 runs (full run)"),
        Figure("revoke_median_s", statistics.median(taken), "s"),
        Figure("revocations", len(taken), ""),
    ]


def measure_crl(bench: Bench, entries: int) -> list[Figure]:
    """Sign a long CRL from the database, then ask for it over HTTP: whole, and again with its ETag."""
    authorities = load_authorities(bench.server.settings)
    _revoke_many(bench, authorities.issuing.ski, entries)
    began = time.perf_counter()
    with bench.store.writing() as tx:
        sign_crls(tx, authorities, datetime.now(UTC))
    signed_s = time.perf_counter() - began
    with httpx.Client(base_url=bench.server.url, timeout=30) as client:
        path = f"/crl/{authorities.issuing.ski}.crl"
        whole = client.get(path).raise_for_status()
        asked = [_timed_not_modified(client, path, whole.headers["ETag"]) for _ in range(20)]
    return [
        Figure("crl_100k_s", signed_s * CRL_ENTRIES / entries, "s", "< 2"),
        Figure("crl_mib", len(whole.content) / 2**20, "MiB"),
        Figure("crl_not_modified_ms", statistics.median(asked) * 1000, "ms"),
    ]


def _timed_not_modified(client: httpx.Client, path: str, etag: str) -> float:
    began = time.perf_counter()
    answer = client.get(path, headers={"If-None-Match": etag})
    if answer.status_code != 304:
        raise RuntimeError(f"the CRL was sent again: {answer.status_code}")
    return time.perf_counter() - began


def _revoke_many(bench: Bench, ski: str, entries: int) -> None:
    now = datetime.now(UTC)
    rows = [
        {
            "issuer_ski": ski,
            "serial": format(2**158 + number, "x"),
            "subject": f"cam-gone-{number:06}",
            "device_id": None,
            "not_before": now - timedelta(days=1),
            "not_after": now + timedelta(days=89),
            "revoked_at": now,
            "certificate_pem": "",
        }
        for number in range(entries)
    ]
    engine = create_engine(bench.server.settings.config_database)
    with engine.begin() as connection:
        connection.execute(insert(certificates), rows)
    engine.dispose()


@contextmanager
def _running(home: Path) -> Iterator[Bench]:
    with running_config_server(home, enrolment_rate=UNLIMITED, open_rate=UNLIMITED, log_level="warning") as server:
        store = Store(server.settings.config_database)
        try:
            yield Bench(server, store)
        finally:
            store.close()


if __name__ == "__main__":
    run_bench("pki", measure)
