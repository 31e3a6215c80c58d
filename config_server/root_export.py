"""Take the root's key offline: copy it, read the copy back, and only then remove it here."""

import os
from pathlib import Path

from config_server.authorities import AuthorityMissing, load_authorities, root_files
from fleet.home import sync_folder
from fleet.pki import Authority, KeyRefused, NotACertificate
from fleet.settings import ServerSettings


class ExportRefused(Exception):
    """The root was not exported, and its key is still here; the text says why."""


def export_root(settings: ServerSettings, folder: Path) -> list[Path]:
    """Copy root.pem and root.key (still encrypted by the CA passphrase, which must travel another way) to `folder`.

    The key is removed here only after the copy was read back from the disk and opened with the passphrase.
    """
    authorities = load_authorities(settings)
    if authorities.root is None:
        raise ExportRefused("the root's key is not on this host: it was exported before")
    if folder.resolve().is_relative_to(settings.home.path.resolve()):
        raise ExportRefused(f"{folder} lies in CAMFLEET_HOME: name a folder on another disk, such as a USB stick")
    certificate, key = root_files(settings.home)
    copies = [_copy(file, folder / file.name) for file in (certificate, key)]
    _require_readable(settings, copies)
    key.unlink()
    sync_folder(key.parent)
    return copies


def _copy(source: Path, target: Path) -> Path:
    content = source.read_bytes()
    if target.exists() and target.read_bytes() != content:
        raise ExportRefused(f"{target} is there and is something else: name an empty folder")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Not by rename: a removable disk's file system may know neither modes nor atomic replacement.
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return target


def _require_readable(settings: ServerSettings, copies: list[Path]) -> None:
    certificate, key = (copy.read_bytes() for copy in copies)
    try:
        Authority.load(certificate, key, settings.ca_passphrase_file.read_bytes().strip())
    except (KeyRefused, NotACertificate, AuthorityMissing) as error:
        raise ExportRefused(f"the copy in {copies[1]} cannot be opened ({error}); the key stays here") from error
