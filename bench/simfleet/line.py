"""One camera's connection: TLS over a socket that never blocks, MQTT packets on top."""

import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from bench.simfleet.loop import READ, WRITE, Loop
from bench.simfleet.packets import NotMqtt, Packet, Reader

READ_BYTES = 65_536
BEGIN_S = 30.0

Server = tuple[str, int]


class Talker(Protocol):
    """Who is told what the line brings."""

    def opened(self) -> None:
        """TLS stands: the first packet may go."""

    def heard(self, packet: Packet) -> None:
        """A packet came; may raise NotMqtt."""

    def lost(self, reason: str) -> None:
        """The line is gone, and said so once."""


@dataclass
class Line:
    """Made closed; `open` begins. After `close` nothing is told any more."""

    loop: Loop
    talker: Talker
    is_open: bool = False
    _socket: socket.socket | None = None
    _tls: ssl.SSLSocket | None = None
    _reader: Reader = field(default_factory=Reader)
    _unsent: bytearray = field(default_factory=bytearray)
    _is_writing: bool = False
    _is_frozen: bool = False

    def open(self, server: Server, name: str, context: ssl.SSLContext) -> None:
        """Connect and shake hands in the background; `name` must be in the broker's certificate."""
        plain = socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET)
        plain.setblocking(False)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.connect_ex(server)
        self._socket = plain
        self.loop.watch(plain, WRITE, self._guarded(lambda: self._connected(plain, name, context)))
        self.loop.after(BEGIN_S, self._give_up_begin)

    def send(self, content: bytes) -> None:
        """Send, or keep until the socket takes it; a frozen line keeps everything."""
        self._unsent += content
        if not self._is_writing and not self._is_frozen:
            self._guarded(self._flush)()

    def freeze(self) -> None:
        """Neither read nor write from now on, as when a cable was cut: the other side is told nothing."""
        self._is_frozen = True
        if self._socket is not None:
            self.loop.forget(self._socket)

    def close(self) -> None:
        """Close without a word."""
        line, self._socket, self._tls, self.is_open = self._socket, None, None, False
        if line is not None:
            self.loop.forget(line)
            line.close()

    def _give_up_begin(self) -> None:
        if self._socket is not None and not self.is_open and not self._is_frozen:
            self._end("no TLS in time")

    def _connected(self, plain: socket.socket, name: str, context: ssl.SSLContext) -> None:
        if self._socket is not plain:
            return
        failure = plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))
        self.loop.forget(plain)
        self._tls = context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
        self._socket = self._tls
        self._shake_hands()

    def _shake_hands(self) -> None:
        if self._tls is None:
            return
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self.loop.watch(self._tls, READ, self._guarded(self._shake_hands))
        except ssl.SSLWantWriteError:
            self.loop.watch(self._tls, WRITE, self._guarded(self._shake_hands))
        else:
            self.is_open = True
            self.loop.watch(self._tls, READ, self._guarded(self._ready))
            self.talker.opened()

    def _ready(self) -> None:
        if self._is_writing:
            self._flush()
        while self._tls is not None:
            try:
                content = self._tls.recv(READ_BYTES)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            if not content:
                self._end("the broker closed the connection")
                return
            for packet in self._reader.feed(content):
                self.talker.heard(packet)
            if self._tls is not None and not self._tls.pending():
                return

    def _flush(self) -> None:
        while self._unsent and self._tls is not None:
            try:
                sent = self._tls.send(self._unsent)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._write_when_ready(True)
                return
            del self._unsent[:sent]
        self._write_when_ready(False)

    def _write_when_ready(self, wanted: bool) -> None:
        if wanted is not self._is_writing and self._socket is not None:
            self._is_writing = wanted
            self.loop.watch(self._socket, READ | WRITE if wanted else READ, self._guarded(self._ready))

    def _guarded(self, step: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                step()
            except (OSError, NotMqtt) as error:
                self._end(str(error) or type(error).__name__)

        return run

    def _end(self, reason: str) -> None:
        if self._socket is not None:
            self.close()
            self.talker.lost(reason)
