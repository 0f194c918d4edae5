"""Calls through `rws` as a proxy, where no server answers as it should."""
import socket
import threading
import time

import grpc
from calls import Client, error
from wire import message


class Silent:
    """Takes connections, reads, and says as much as it must."""

    def __init__(self, words: bytes):
        self.words, self.heard = words, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer: socket.socket) -> None:
        peer.sendall(self.words)
        read = b""
        while data := peer.recv(65536):
            read += data
            # RST_STREAM of stream 1, CANCEL.
            if b"\0\0\4\3\0\0\0\0\1\0\0\0\x08" in read:
                self.heard.set()


SETTINGS = b"\0\0\0\4\0\0\0\0\0"


def check_nobody_there_is_unavailable(proxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
    with proxy(address) as rws, Client(rws) as client:
        failed = error(lambda: client.unary("SayHello")(message(f1="Ada"), timeout=10))
        assert failed.code() is grpc.StatusCode.UNAVAILABLE, failed
        assert failed.details() == "the upstream takes no connections", failed


def check_a_server_that_breaks_the_protocol_is_internal(proxy) -> None:
    with proxy(Silent(b"HTTP/1.1 400 Bad Request\r\n\r\n").address) as rws, Client(rws) as client:
        failed = error(lambda: client.unary("SayHello")(message(f1="Ada"), timeout=10))
        assert failed.code() is grpc.StatusCode.INTERNAL, failed


def check_a_silent_server_is_given_up_in_time(proxy) -> None:
    silent = Silent(SETTINGS)
    with proxy(silent.address, "read_timeout_ms = 300") as rws, Client(rws) as client:
        began = time.monotonic()
        failed = error(lambda: client.unary("SayHello")(message(f1="Ada"), timeout=20))
        assert failed.code() is grpc.StatusCode.DEADLINE_EXCEEDED, failed
        assert failed.details() == "the upstream did not answer in time", failed
        assert time.monotonic() - began < 5
        assert silent.heard.wait(5), "the server has not heard of it"


def check_the_callers_deadline_holds_behind_the_proxy(proxy) -> None:
    silent = Silent(SETTINGS)
    with proxy(silent.address) as rws, Client(rws) as client:
        failed = error(lambda: client.unary("SayHello")(message(f1="Ada"), timeout=0.3))
        assert failed.code() is grpc.StatusCode.DEADLINE_EXCEEDED, failed
        assert silent.heard.wait(5), "the server has not heard of it"


def check_a_call_that_is_cancelled_is_cancelled_behind_the_proxy(proxy) -> None:
    silent = Silent(SETTINGS)
    with proxy(silent.address) as rws, Client(rws) as client:
        call = client.unary("SayHello").future(message(f1="Ada"))
        time.sleep(0.2)
        assert not silent.heard.is_set() and call.cancel()
        assert silent.heard.wait(5), "the server has not heard of it"


def check_a_call_is_refused_for_its_size(proxy) -> None:
    with proxy(Silent(SETTINGS).address, top="request_body_bytes_max = 1000") as rws, Client(rws) as client:
        failed = error(lambda: client.unary("SayHello")(b"x" * 2000, timeout=10))
        assert failed.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, failed
