"""A network between two programs that can be cut, half-open, slow or corrupting, switched while it carries traffic."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from tests.support.ports import free_port

T = TypeVar("T")

HOST = "127.0.0.1"
CHUNK_BYTES = 4096
SWITCH_S = 10.0
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Fault(StrEnum):
    """What the network does; `CUT` refuses and resets, `HALF_OPEN` takes everything and says nothing, not even FIN."""

    NONE = "none"
    CUT = "cut"
    HALF_OPEN = "half-open"
    SLOW = "slow"
    CORRUPT = "corrupt"


@dataclass(frozen=True)
class Slowness:
    """Of a slow network: each piece comes so much later, and no more than so many bytes a second."""

    latency_s: float = 0.2
    bytes_per_s: float = 6_000.0


@dataclass(eq=False)
class _Line:
    """One connection. A dead one stays dead when the fault is over, as after a router forgot it."""

    ends: list[asyncio.StreamWriter] = field(default_factory=list)
    is_dead: bool = False
    carried_bytes: int = 0

    def close(self) -> None:
        """Close both ends once what they were sent is out."""
        for end in self.ends:
            end.close()

    def reset(self) -> None:
        """Close both ends with RST, as a router does that is asked about a line it does not know."""
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            end.transport.abort()


@dataclass
class NetProxy:
    """Forwards connections on `port` to `target_port`. `done` counts what each fault has done.

    When it is no longer half-open, lines from before stay silent for ever; or, if it `resets_forgotten` ones, whoever
    says a word on them learns that they are gone.
    """

    target_port: int
    chance: random.Random
    resets_forgotten: bool = False
    slowness: Slowness = Slowness()
    corrupt_share: float = 0.05
    corrupts_after_bytes: int = 0
    port: int = field(default_factory=free_port)
    fault: Fault = Fault.NONE
    done: Counter[Fault] = field(default_factory=Counter)
    _lines: set[_Line] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _server: asyncio.Server | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen, on a thread of its own."""
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"network-{self.port}", daemon=True)
        self._thread.start()
        self._call(self._listen())

    def stop(self) -> None:
        """Reset every connection and end."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join(SWITCH_S)
        self._loop.close()

    def switch(self, fault: Fault) -> None:
        """Have this fault from now on."""
        self._call(self._switch(fault))

    @contextlib.contextmanager
    def suffering(self, fault: Fault) -> Iterator[None]:
        """Have this fault for the length of the block."""
        self.switch(fault)
        try:
            yield
        finally:
            self.switch(Fault.NONE)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SWITCH_S)

    async def _switch(self, fault: Fault) -> None:
        was, self.fault = self.fault, fault
        if fault is Fault.CUT:
            await self._stop_listening()
            self.done[Fault.CUT] += len(self._lines)
            self._reset_all()
        elif was is Fault.CUT:
            await self._listen()
        if fault is Fault.HALF_OPEN:
            for line in self._lines:
                line.is_dead = True
        elif was is Fault.HALF_OPEN and self.resets_forgotten:
            # Whoever waits for a first answer would wait long: it says nothing more that could be answered by RST.
            for line in self._lines:
                if len(line.ends) == 1:
                    line.reset()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._carry, HOST, self.port, limit=CHUNK_BYTES)

    async def _stop_listening(self) -> None:
        # Not `wait_closed`: it waits for connections, which are reset after it.
        if self._server is not None:
            self._server.close()
        self._server = None

    async def _close(self) -> None:
        await self._stop_listening()
        self._reset_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _reset_all(self) -> None:
        for line in self._lines:
            line.reset()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line([writer], is_dead=self.fault is Fault.HALF_OPEN)
        self._lines.add(line)
        try:
            if line.is_dead:
                await self._swallow(reader, line)
                return
            far_reader, far_writer = await asyncio.open_connection(HOST, self.target_port, limit=CHUNK_BYTES)
            line.ends.append(far_writer)
            await asyncio.gather(self._pump(reader, far_writer, line), self._pump(far_reader, writer, line))
        except OSError:
            # One end is gone: so is the other, as `finally` sees to.
            return
        finally:
            line.close()
            self._lines.discard(line)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: _Line) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if line.is_dead:
                self.done[Fault.HALF_OPEN] += len(chunk)
                self._reset_if_forgotten(line)
                continue
            line.carried_bytes += len(chunk)
            writer.write(await self._through_the_fault(chunk, line))
            await writer.drain()
        if line.is_dead:
            # The other end is told nothing; it waits until its own patience ends or the line is reset.
            return
        raise ConnectionResetError

    async def _swallow(self, reader: asyncio.StreamReader, line: _Line) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            self.done[Fault.HALF_OPEN] += len(chunk)
            self._reset_if_forgotten(line)

    def _reset_if_forgotten(self, line: _Line) -> None:
        if self.resets_forgotten and self.fault is not Fault.HALF_OPEN:
            line.reset()

    async def _through_the_fault(self, chunk: bytes, line: _Line) -> bytes:
        if self.fault is Fault.SLOW:
            self.done[Fault.SLOW] += len(chunk)
            await asyncio.sleep(self.slowness.latency_s + len(chunk) / self.slowness.bytes_per_s)
        elif self.fault is Fault.CORRUPT and self._is_unlucky(line):
            self.done[Fault.CORRUPT] += 1
            return self._flipped(chunk)
        return chunk

    def _is_unlucky(self, line: _Line) -> bool:
        return line.carried_bytes > self.corrupts_after_bytes and self.chance.random() < self.corrupt_share

    def _flipped(self, chunk: bytes) -> bytes:
        at = self.chance.randrange(len(chunk))
        return chunk[:at] + bytes([chunk[at] ^ 1 << self.chance.randrange(8)]) + chunk[at + 1 :]


@contextlib.contextmanager
def network(target_port: int, chance: random.Random, **given: Any) -> Iterator[NetProxy]:
    """Run a proxy before a port on this host."""
    proxy = NetProxy(target_port, chance, **given)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
