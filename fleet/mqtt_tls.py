"""TLS over memory instead of over a socket: one system call brings hundreds of the broker's small records."""

import contextlib
import socket
import ssl

READ_BYTES = 256 * 1024
# More than one TLS record ever holds.
RECORD_BYTES = 32 * 1024


class MemoryTls:
    """A TLS connection with the few methods of a socket that an MQTT client needs.

    Reading gives everything that has arrived, in the order of the records. Writing takes everything at once and keeps
    what the line does not take yet: `flush` until `has_unsent` is False.
    """

    def __init__(self, line: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._line = line
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._unsent = b""
        self._has_ended = False

    def do_handshake(self, timeout_s: float) -> None:
        """Agree with the other side, whose name and certificate are checked; raises OSError."""
        self._line.settimeout(timeout_s)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._line.sendall(self._outgoing.read())
                self._take(self._line.recv(READ_BYTES))
            except ssl.SSLError:
                # The other side should hear why.
                with contextlib.suppress(OSError):
                    self._line.sendall(self._outgoing.read())
                raise
            else:
                self._line.sendall(self._outgoing.read())
                return

    def read_all(self) -> bytes:
        """Return what has come, decrypted; b"" at the end. Raises BlockingIOError when there is nothing, OSError."""
        if self._has_ended:
            return b""
        self._take(self._line.recv(READ_BYTES))
        pieces: list[bytes] = []
        read = self._tls.read
        try:
            while self._incoming.pending:
                pieces.append(read(RECORD_BYTES))
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._has_ended = True
        except ssl.SSLError:
            # What came before the break is good; the next read says that nothing follows.
            if not pieces:
                raise
            self._has_ended = True
        if self._outgoing.pending:
            self._unsent += self._outgoing.read()
        if not pieces and not self._has_ended:
            raise BlockingIOError
        return b"".join(pieces)

    def send(self, content: bytes) -> int:
        """Encrypt and send; raises BlockingIOError, with nothing taken, while an earlier write is not out yet."""
        self.flush()
        taken = self._tls.write(content)
        self._unsent = self._outgoing.read()
        with contextlib.suppress(BlockingIOError):
            self.flush()
        return taken

    def flush(self) -> None:
        """Send what is left of earlier writes; raises BlockingIOError when the line does not take all of it."""
        while self._unsent:
            self._unsent = self._unsent[self._line.send(self._unsent) :]

    @property
    def has_unsent(self) -> bool:
        """Say whether something written still waits for the line."""
        return bool(self._unsent)

    def setblocking(self, is_blocking: bool) -> None:
        """As a socket's."""
        self._line.setblocking(is_blocking)

    def fileno(self) -> int:
        """As a socket's: what `select` waits for."""
        return self._line.fileno()

    def shutdown(self, how: int) -> None:
        """As a socket's."""
        self._line.shutdown(how)

    def close(self) -> None:
        """As a socket's."""
        self._line.close()

    def _take(self, content: bytes) -> None:
        if content:
            self._incoming.write(content)
        else:
            self._has_ended = True
            self._incoming.write_eof()
