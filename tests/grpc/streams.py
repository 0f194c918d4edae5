"""Calls with many messages."""
import queue
import time

import grpc
from calls import Client, code, error
from wire import count, message, text


class Sent:
    """Requests that are sent when the test says so."""

    def __init__(self):
        self.queue = queue.SimpleQueue()

    def send(self, data: bytes) -> None:
        self.queue.put(data)

    def end(self) -> None:
        self.queue.put(None)

    def __iter__(self):
        return self

    def __next__(self) -> bytes:
        data = self.queue.get()
        if data is None:
            raise StopIteration
        return data


def names(*which: str) -> list[bytes]:
    return [message(f1=name) for name in which]


def check_many_are_greeted_at_once(client: Client) -> None:
    reply = client.client_streaming("SayToAll")(iter(names("Ada", "Bob", "Eve")), timeout=10)
    assert text(reply) == "Hello, Ada, Bob, Eve!"
    assert code(lambda: client.client_streaming("SayToAll")(iter([]), timeout=10)) is grpc.StatusCode.INVALID_ARGUMENT


def check_greetings_come_one_by_one(client: Client) -> None:
    began = time.monotonic()
    call = client.server_streaming("SayOften")(message(f1="Ada", f2=3, f3=300), timeout=10)
    assert text(next(call)) == "Hello, Ada!"
    assert time.monotonic() - began < 0.29, "the first one has waited for the others"
    assert [text(reply) for reply in call] == ["Hello, Ada!"] * 2
    assert call.code() is grpc.StatusCode.OK
    empty = client.server_streaming("SayOften")(message(f1="Ada"), timeout=10)
    assert list(empty) == [] and empty.code() is grpc.StatusCode.OK


def check_each_is_answered_before_the_next_is_sent(client: Client) -> None:
    sent = Sent()
    call = client.both("Chat")(sent, timeout=20)
    for at in range(100):
        sent.send(message(f1=f"name {at}"))
        assert text(next(call)) == f"Hello, name {at}!"
    sent.end()
    assert list(call) == [] and call.code() is grpc.StatusCode.OK


def check_a_conversation_may_be_silent_for_a_while(client: Client) -> None:
    sent = Sent()
    call = client.both("Chat")(sent, timeout=29)
    sent.send(message(f1="Ada"))
    assert text(next(call)) == "Hello, Ada!"
    # Longer than any other body may stand still.
    time.sleep(12)
    sent.send(message(f1="Bob"))
    assert text(next(call)) == "Hello, Bob!"
    sent.end()
    assert list(call) == []


def check_an_error_ends_a_stream_behind_its_messages(client: Client) -> None:
    call = client.both("Chat")(iter(names("Ada", "Bob", "", "Eve")), timeout=10)
    assert [text(next(call)), text(next(call))] == ["Hello, Ada!", "Hello, Bob!"]
    failed = error(lambda: next(call))
    assert failed.code() is grpc.StatusCode.INVALID_ARGUMENT and "who is it?" in failed.details()


def check_large_streams_flow_both_ways(client: Client) -> None:
    name = "x" * 20_000
    replies = client.both("Chat")((message(f1=f"{at} {name}") for at in range(300)), timeout=30)
    for at, reply in enumerate(replies):
        assert text(reply) == f"Hello, {at} {name}!"
    assert at == 299
    reply = client.client_streaming("SayToAll")(iter(names(*[name] * 150)), timeout=30)
    assert len(text(reply)) == 150 * (len(name) + 2) - 2 + len("Hello, !")


def check_a_slow_reader_holds_up_the_writer_and_nobody_else(client: Client) -> None:
    name = "x" * 10_000
    call = client.server_streaming("SayOften")(message(f1=name, f2=600), timeout=30)
    next(call)
    time.sleep(0.5)
    assert text(client.unary("SayHello")(message(f1="Ada"), timeout=5)) == "Hello, Ada!"
    assert sum(1 for _ in call) == 599


def check_a_stream_that_is_cancelled_ends(client: Client) -> None:
    call = client.server_streaming("SayOften")(message(f1="Ada", f2=1_000_000), timeout=30)
    for _ in range(10):
        next(call)
    call.cancel()
    sent = Sent()
    chat = client.both("Chat")(sent, timeout=30)
    sent.send(message(f1="Ada"))
    next(chat)
    chat.cancel()
    sent.end()
    assert text(client.unary("SayHello")(message(f1="Ada"), timeout=5)) == "Hello, Ada!"


def check_a_deadline_ends_a_stream(client: Client) -> None:
    call = client.server_streaming("SayOften")(message(f1="Ada", f2=1_000, f3=100), timeout=0.55)
    got = 0
    failed = None
    try:
        for _ in call:
            got += 1
    except grpc.RpcError as stopped:
        failed = stopped
    assert failed is not None and failed.code() is grpc.StatusCode.DEADLINE_EXCEEDED, failed
    assert 2 <= got <= 6, got


def check_a_compressed_stream_is_read(client: Client) -> None:
    name = "abc" * 10_000
    call = client.both("Chat")(iter(names(name, "Ada", name)), compression=grpc.Compression.Gzip, timeout=10)
    assert [text(reply) for reply in call] == [f"Hello, {name}!", "Hello, Ada!", f"Hello, {name}!"]


def check_a_message_of_a_stream_that_is_too_large_ends_it(client: Client) -> None:
    too_large = message(f1="a" * (4 * 1024 * 1024))
    call = client.both("Chat")(iter([message(f1="Ada"), too_large]), timeout=20)
    assert text(next(call)) == "Hello, Ada!"
    assert error(lambda: next(call)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def check_health_is_watched(client: Client) -> None:
    watch = client.server_streaming("Watch", "/grpc.health.v1.Health/")
    known, unknown = watch(message(f1="hello.Greeter"), timeout=10), watch(message(f1="no.such.Service"), timeout=10)
    assert count(next(known)) == 1 and count(next(unknown)) == 3
    known.cancel()
    unknown.cancel()
