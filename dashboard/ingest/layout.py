"""Remember which subscriptions the broker's session of a process holds, so that another layout begins a new one."""

from dataclasses import dataclass
from pathlib import Path

from fleet.home import write_file
from fleet.logs import get_logger

log = get_logger(__name__)


@dataclass(frozen=True)
class KeptLayout:
    """A file with the fingerprint of the subscriptions that were made last.

    The broker adds new subscriptions to those of a session that it has kept: without a new session a process that
    worked alone would still get every event after it was joined by others. What the old session held is not lost:
    its cameras have no receipt and send again.
    """

    file: Path
    fingerprint: str

    @property
    def is_known(self) -> bool:
        """Say whether the session at the broker, if there is one, holds these very subscriptions."""
        try:
            return self.file.read_text() == self.fingerprint
        except (OSError, UnicodeDecodeError):
            return False

    def remember(self) -> None:
        """Note that the session holds them; when that cannot be written, the next start begins anew once more."""
        try:
            write_file(self.file, self.fingerprint.encode())
        except OSError as error:
            log.warning("cannot note the subscriptions", file=str(self.file), reason=str(error))
