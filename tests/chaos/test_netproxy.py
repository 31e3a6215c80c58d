"""The network of the chaos tests does what it says: else they would show nothing."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.chance import chance_for
from tests.support.netproxy import HOST, Fault, NetProxy, Slowness, network
from tests.support.ports import free_port
from tests.support.waiting import wait_until

SILENCE_S = 0.3
LONG_S = 10.0


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that says back what it hears."""
    port = free_port()
    with socket.create_server((HOST, port)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        yield port
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(echo: int) -> Iterator[NetProxy]:
    with network(echo, chance_for("network"), corrupt_share=1.0, slowness=Slowness(0.01, 100_000)) as found:
        yield found


def _serve(server: socket.socket) -> None:
    try:
        while True:
            threading.Thread(target=_echo, args=(server.accept()[0],), daemon=True).start()
    except OSError:
        return


def _echo(line: socket.socket) -> None:
    with line:
        try:
            while said := line.recv(4096):
                line.sendall(said)
        except OSError:
            return


def _line(proxy: NetProxy) -> socket.socket:
    return socket.create_connection((HOST, proxy.port), LONG_S)


def _heard(line: socket.socket, said: bytes) -> bytes:
    line.sendall(said)
    heard = b""
    while len(heard) < len(said):
        piece = line.recv(4096)
        if not piece:
            raise ConnectionAbortedError
        heard += piece
    return heard


def _is_silent(line: socket.socket) -> bool:
    line.settimeout(SILENCE_S)
    try:
        line.recv(1)
    except TimeoutError:
        return True
    return False


def test_a_network_without_a_fault_carries_every_byte_both_ways(proxy: NetProxy) -> None:
    said = chance_for("bytes").randbytes(100_000)
    with _line(proxy) as line:
        threading.Thread(target=line.sendall, args=(said,)).start()
        heard = b""
        while len(heard) < len(said):
            heard += line.recv(65_536)
        assert heard == said


def test_a_cut_network_resets_what_is_open_and_refuses_what_is_new_until_it_is_mended(proxy: NetProxy) -> None:
    with _line(proxy) as line:
        assert _heard(line, b"before") == b"before"
        with proxy.suffering(Fault.CUT):
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                _heard(line, b"cut")
            with pytest.raises(ConnectionRefusedError):
                _line(proxy)
    with _line(proxy) as line:
        assert _heard(line, b"after") == b"after"
    assert proxy.done[Fault.CUT] == 1


def test_a_half_open_network_swallows_without_a_word_and_old_lines_stay_dead(proxy: NetProxy) -> None:
    with _line(proxy) as old:
        assert _heard(old, b"before") == b"before"
        with proxy.suffering(Fault.HALF_OPEN), _line(proxy) as new:
            for line in (old, new):
                line.sendall(b"into nothing")
                assert _is_silent(line)
        old.sendall(b"again")
        assert _is_silent(old)
    with _line(proxy) as line:
        assert _heard(line, b"after") == b"after"
    wait_until(lambda: proxy.done[Fault.HALF_OPEN] == len(b"into nothing" * 2 + b"again"), LONG_S, "all swallowed")


def test_a_network_that_forgot_a_line_can_say_so_to_whoever_speaks_on_it(proxy: NetProxy) -> None:
    proxy.resets_forgotten = True
    with _line(proxy) as line:
        assert _heard(line, b"before") == b"before"
        with proxy.suffering(Fault.HALF_OPEN):
            line.sendall(b"into nothing")
            assert _is_silent(line)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            _heard(line, b"again")
    with proxy.suffering(Fault.HALF_OPEN):
        new = _line(proxy)
        new.sendall(b"hello")
        assert _is_silent(new)
    new.settimeout(LONG_S)
    with new, pytest.raises(ConnectionResetError):
        new.recv(1)


def test_a_slow_network_carries_everything_later(proxy: NetProxy) -> None:
    with proxy.suffering(Fault.SLOW), _line(proxy) as line:
        assert _heard(line, b"slowly") == b"slowly"
    assert proxy.done[Fault.SLOW] == 2 * len(b"slowly")


def test_a_corrupting_network_flips_one_bit_of_a_piece(proxy: NetProxy) -> None:
    with _line(proxy) as line, proxy.suffering(Fault.CORRUPT):
        heard = _heard(line, b"\0" * 8)
    # Once on the way there and once on the way back.
    assert proxy.done[Fault.CORRUPT] == 2
    assert int.from_bytes(heard).bit_count() in (0, 2)
