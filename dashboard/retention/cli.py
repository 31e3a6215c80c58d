"""`camfleet retention …`: what would go, let it go now, and how long the room lasts; ingest may run."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from dashboard.offline import open_database
from dashboard.retention.keeper import Keeper
from dashboard.retention.plan import Cut, Stock, forecast
from dashboard.retention.thread import told
from dashboard.retention.wiring import keeper_of
from dashboard.store.holdings import Holding, Holdings
from fleet.audit_trail import TrailUnusable
from fleet.cli import CommandFailed, new_app
from fleet.settings import ServerSettings, load

Json = Annotated[bool, typer.Option("--json", help="JSON for scripts")]


def register(app: typer.Typer) -> None:
    """Add `retention …` to `camfleet`."""
    retention = new_app(
        "How long the events database keeps what: see, do, foresee it (offline; ingest does it hourly)."
    )
    retention.command("plan")(plan)
    retention.command("run")(run)
    retention.command("forecast")(show_forecast)
    app.add_typer(retention, name="retention")


def plan(as_json: Json = False) -> None:
    """Show what a run would take away now, and change nothing."""
    now = datetime.now(UTC)
    with _keeper() as keeper:
        rows = [_planned(keeper, cut) for cut in keeper.planned(now)]
    found = [row for row in rows if row["rows"]]
    if as_json:
        print(json.dumps(found))
    for row in found if not as_json else ():
        print(f"{row['class']:<15} {row['rows']:>12,} rows  by {row['why']}, older than {row['before']}")
    if not found and not as_json:
        print("nothing has to go")


def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would go")] = False, as_json: Json = False
) -> None:
    """Take away what is too old or too much, as ingest does every hour."""
    if dry_run:
        plan(as_json)
        return
    with _keeper() as keeper:
        try:
            done = keeper.run(datetime.now(UTC))
        except TrailUnusable as error:
            raise CommandFailed(str(error)) from None
    if as_json:
        print(json.dumps([{"class": one.kind, "why": one.why, "rows": one.deleted} for one in done]))
    for one in done if not as_json else ():
        print(f"{one.kind.value:<15} {one.deleted:>12,} rows gone, by {one.why.value}")
    if not done and not as_json:
        print("nothing had to go")


def show_forecast(as_json: Json = False) -> None:
    """Show what there is, what comes in a day, and in how many days size or disk begin to decide."""
    with _keeper() as keeper:
        stock = keeper.stock(datetime.now(UTC))
    coming = forecast(keeper.policy, stock)
    summary = told(stock, coming, keeper) | {"bytes_a_day": round(coming.bytes_a_day)}
    if as_json:
        print(json.dumps(summary | {"classes": [_plain(holding, keeper) for holding in stock.holdings]}))
        return
    for holding in stock.holdings:
        print(_line(holding, keeper))
    _print_summary(stock, summary)


def _planned(keeper: Keeper, cut: Cut) -> dict[str, Any]:
    rows = Holdings(keeper.database).count_before(cut.kind, cut.before)
    rows = rows if cut.most_rows is None else min(rows, cut.most_rows)
    return {"class": cut.kind, "why": cut.why, "before": _iso(cut.before), "rows": rows}


def _plain(holding: Holding, keeper: Keeper) -> dict[str, Any]:
    return {
        "class": holding.kind,
        "rows": holding.rows,
        "bytes": holding.bytes,
        "rows_a_day": round(holding.rows_a_day),
        "oldest": holding.oldest and _iso(holding.oldest),
        "keep_days": round(keeper.policy.rules[holding.kind].keep.total_seconds() / 86_400, 1),
    }


def _line(holding: Holding, keeper: Keeper) -> str:
    row = _plain(holding, keeper)
    size = f"{row['rows']:>12,} rows {row['bytes'] / 1e6:>10,.1f} MB {row['rows_a_day']:>10,} a day"
    return f"{row['class']:<15} {size}  kept {row['keep_days']:g} days, oldest {row['oldest'] or 'none'}"


def _print_summary(stock: Stock, summary: dict[str, Any]) -> None:
    print(
        f"the database takes {stock.used_bytes / 1e6:,.1f} MB; {summary['bytes_a_day'] / 1e6:,.1f} MB a day are added"
    )
    if stock.disk is not None:
        print(f"its disk is {stock.disk.used_pct:.1f} % full; from {summary['disk_high_pct']:g} % on the oldest goes")
    if summary["days_left"] is None:
        print("age alone decides what goes: at this rate there is room for it")
    else:
        print(f"in {summary['days_left']:g} days its {summary['bound']}, no longer age, decides what goes")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@contextmanager
def _keeper() -> Iterator[Keeper]:
    settings = load(ServerSettings)
    with open_database(settings) as database:
        yield keeper_of(settings, database, threading.Event())
