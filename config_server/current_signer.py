"""The signer of the issuing CA that is at work now: a rotation is noticed without a restart."""

from dataclasses import dataclass, field

from config_server.authorities import Authorities, AuthorityMissing, issuing_file, load_authorities
from config_server.signing import Signer, signer_of
from fleet.logs import get_logger
from fleet.settings import ServerSettings

log = get_logger(__name__)

Mark = tuple[int, int]


@dataclass
class CurrentSigner:
    """Reads the CAs again when the file that names the one at work was replaced."""

    settings: ServerSettings
    authorities: Authorities = field(init=False)
    _mark: Mark | None = field(init=False)

    def __post_init__(self) -> None:
        self._mark = self._seen()
        self.authorities = load_authorities(self.settings)

    def __call__(self) -> Signer:
        """The signer to use from here on; keep it for the whole of one request."""
        mark = self._seen()
        if mark not in (None, self._mark):
            self._read_again(mark)
        return signer_of(self.authorities.issuing, self.settings)

    def _read_again(self, mark: Mark | None) -> None:
        try:
            self.authorities = load_authorities(self.settings)
        except AuthorityMissing as error:
            # The CA of before is still good: cameras must not wait for a person.
            log.error("the issuing CA changed and cannot be read; the one of before goes on", reason=str(error))
        else:
            log.info("another issuing CA is at work", issuer_ski=self.authorities.issuing.ski)
        self._mark = mark

    def _seen(self) -> Mark | None:
        try:
            facts = issuing_file(self.settings.home).stat()
        except FileNotFoundError:
            return None
        return facts.st_ino, facts.st_mtime_ns
