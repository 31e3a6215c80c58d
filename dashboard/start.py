"""What dashboard's web programs check before they listen; a failure is one line that names the command to run."""

import sys

from dashboard.store.database import Database, StoreUnavailable
from dashboard.store.revision import WrongRevision, require_revision
from fleet.settings import ServerSettings, SettingsError, load

EXIT_NOT_READY = 3


def settings_or_exit(program: str) -> ServerSettings:
    """Return the settings once they, the schema and the secrets are usable; else say why and exit."""
    try:
        settings = load(ServerSettings)
        _require_store(settings)
    except (SettingsError, WrongRevision, StoreUnavailable) as error:
        _leave(program, str(error))
    key = settings.home.secret("session.key")
    if not key.is_file():
        _leave(program, f"missing {key}: run `camfleet ca init`")
    return settings


def _require_store(settings: ServerSettings) -> None:
    database = Database(settings.events_database)
    try:
        if database.file is not None and not database.file.exists():
            raise WrongRevision(f"there is no database {database.file}: run `camfleet migrate`")
        require_revision(database)
    finally:
        database.close()


def _leave(program: str, reason: str) -> None:
    sys.stderr.write(f"{program}: {reason}\n")
    sys.exit(EXIT_NOT_READY)
