"""The preauthorised list: a CSV of names in, devices with their tokens or ready bundles out, all or none."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from config_server.enrolment import MadeToken, Prover, token_for
from config_server.provisioning import make_bundle
from config_server.records import CertificateRecord, DeviceRecord
from config_server.registry import Change, Conflict, Invalid, NewDevice, Unknown, checked_name, register_device
from config_server.signing import Signer
from config_server.store.registry import Transaction

MOST_LINES = 1000
# A bundle is signed and its key made while the database is held: more of them at once would keep others waiting.
MOST_BUNDLES = 100
_HEADS = ({"name"}, {"name", "site"})


@dataclass(frozen=True)
class BatchLine:
    """One camera of the list, with its line's number for people."""

    number: int
    name: str
    site_id: str | None


@dataclass(frozen=True)
class ReadyBundle:
    """A device with a key made in memory and its certificate: the key is kept nowhere."""

    device: DeviceRecord
    key: bytes
    certificate: CertificateRecord


def read_batch(content: bytes, most: int) -> list[BatchLine]:
    """Read `name[,site]` lines, with or without such a head line; Invalid names the line that is wrong."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("the list must be UTF-8 text") from None
    if "\0" in text:
        raise Invalid("the list must be text: it holds a NUL")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row) and not _is_head(row, reader.line_num):
                lines.append(_line(row, reader.line_num))
    except csv.Error as error:
        raise Invalid(f"line {reader.line_num}: {error}") from None
    if not 1 <= len(lines) <= most:
        raise Invalid(f"the list has {len(lines)} cameras: send 1 to {most} at once")
    return lines


def register_batch(
    tx: Transaction, prover: Prover, lines: Sequence[BatchLine], life: timedelta, change: Change
) -> list[tuple[DeviceRecord, MadeToken]]:
    """Register every camera of the list and make its token; the first line that cannot be is named."""
    registered = [_register(tx, line, change) for line in lines]
    return [(device, token_for(tx, prover, device.device_id, life, change)) for device in registered]


def bundle_batch(tx: Transaction, signer: Signer, lines: Sequence[BatchLine], change: Change) -> list[ReadyBundle]:
    """Register every camera of the list and make its key and certificate here."""
    return [_bundle(tx, signer, _register(tx, line, change), change) for line in lines]


def write_tokens(made: Sequence[tuple[DeviceRecord, MadeToken]]) -> str:
    """The answer: `device_id,name,token` lines after a head line."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(("device_id", "name", "token"))
    writer.writerows((device.device_id, device.name, str(token.token)) for device, token in made)
    return written.getvalue()


def _is_head(row: Sequence[str], number: int) -> bool:
    return number == 1 and {cell.strip().casefold() for cell in row} in _HEADS


def _line(row: Sequence[str], number: int) -> BatchLine:
    if len(row) > 2:
        raise Invalid(f"line {number}: write name or name,site; a name with a comma stands in quotes")
    try:
        name = checked_name(row[0])
    except Invalid as error:
        raise Invalid(f"line {number}: {error}") from None
    site_id = row[1].strip() if len(row) == 2 else ""
    return BatchLine(number, name, site_id or None)


def _register(tx: Transaction, line: BatchLine, change: Change) -> DeviceRecord:
    try:
        return register_device(tx, NewDevice(line.name, None, line.site_id), change)
    except (Conflict, Invalid, Unknown) as error:
        raise type(error)(f"line {line.number}: {error}; nothing of the list was registered") from error


def _bundle(tx: Transaction, signer: Signer, device: DeviceRecord, change: Change) -> ReadyBundle:
    key, certificate = make_bundle(tx, signer, device, change)
    return ReadyBundle(device, key, certificate)
