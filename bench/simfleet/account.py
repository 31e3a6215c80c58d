"""What a run means for somebody who chooses a host: a table, and a few sentences. Pure."""

from collections.abc import Iterator

from bench.simfleet.audit import Findings
from bench.simfleet.fleet import Run
from bench.simfleet.host import SIMULATOR

# A program on one thread has room for a reconnect, a backup or a slow disk while it is below this.
COMFORTABLE = 0.5
IDLE = 0.2
LATE_S = 0.25

Line = tuple[str, str, str]


def describe(run: Run, findings: Findings | None, cores: int) -> str:
    """Return the table and what follows from it."""
    lines = [*delivery(run, findings), *delays(run), *machine(run)]
    width = max(len(name) for name, _, _ in lines)
    table = "\n".join(f"{name:<{width}}  {value:>12}  {remark}".rstrip() for name, value, remark in lines)
    return "\n".join([table, "", *conclusions(run, findings, cores)])


def delivery(run: Run, findings: Findings | None) -> Iterator[Line]:
    """Yield what was sent and what became of it."""
    tally = run.tally
    yield "cameras", str(run.cameras), f"{tally.connections} connections"
    yield "messages decided", str(tally.decided), f"{tally.decided / run.seconds:.0f}/s for {run.seconds:.0f} s"
    yield "sent", str(tally.sent), f"{tally.resent} of them again"
    yield "receipts", str(tally.receipts), f"{tally.confirmed} messages confirmed"
    yield "without a receipt", str(tally.waiting), "kept by the cameras"
    yield "health messages", str(tally.health), ""
    if findings:
        yield "events in the database", str(len(tally.ledger) - findings.missing), f"of {len(tally.ledger)}"
        yield "lost", str(findings.lost), f"{findings.missing} missing, {findings.stale} not the newest revision"
        yield "twice", str(findings.twice), f"and {findings.strange} that nobody decided"
    if tally.garbage:
        yield "garbage", str(tally.garbage), "belongs in quarantine"
    for reason, number in tally.losses.most_common():
        yield "connections lost", str(number), reason
    for code, number in tally.refusals.items():
        yield "refused by the broker", str(number), f"reason {code:#04x}"


def delays(run: Run) -> Iterator[Line]:
    """Yield how long it took from decision to receipt."""
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        yield f"decision to receipt {name}", f"{run.tally.delays_ms(share):.0f} ms", ""
    yield "change over the run", f"{run.growth_ms:+.0f} ms", "median of the last third against the first"


def machine(run: Run) -> Iterator[Line]:
    """Yield what the programs took."""
    for name, load in sorted(run.loads.items()):
        yield name, f"{load.cores * 100:.0f} %", f"of a core, {load.rss_mib:.0f} MiB at most"


def conclusions(run: Run, findings: Findings | None, cores: int) -> Iterator[str]:
    """Yield sentences, the most important first."""
    yield _fate(run, findings)
    if run.worst_late_s > LATE_S:
        yield (
            f"This simulator was up to {run.worst_late_s:.1f} s late with its own work, so delays are partly its own: "
            "run it on another machine or with fewer cameras."
        )
    if run.growth_ms > 1000:
        yield "Delays grew over the run: the host does not keep up with this rate."
    servers = {name: load for name, load in run.loads.items() if name != SIMULATOR and load.cores > 0}
    if not servers:
        yield "Broker and ingest are not on this machine: look at their load there."
        return
    yield f"The servers took {sum(load.cores for load in servers.values()):.2f} of this machine's {cores} cores."
    busiest = max(servers, key=lambda name: servers[name].cores)
    if servers[busiest].cores < IDLE:
        yield "That is too little to say where their limit is: run it again with more cameras."
        return
    rate = run.tally.decided / run.seconds * COMFORTABLE / servers[busiest].cores
    yield (
        f"The busiest was {busiest}, which works on one thread: if cost grows with the load, it has {COMFORTABLE:.0%} "
        f"of a core at about {rate:.0f} messages/s."
    )
    yield "Cost per message falls as batches grow: run it at the rate that you expect."


def _fate(run: Run, findings: Findings | None) -> str:
    if findings and (findings.lost or findings.twice) and not run.tally.waiting:
        return "Messages with a receipt are not in the database as decided: this is a defect, please report it."
    if run.tally.waiting:
        return "Some messages had no receipt when the run ended: the site was too slow, or was limiting a camera."
    return "Nothing was lost: every message has its receipt."
