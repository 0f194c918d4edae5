"""Calls with one message each way."""
import concurrent.futures
import time

import grpc
from wire import count, fields, message, text

GREETER = "/hello.Greeter/"
LARGE = 1024 * 1024
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def same(data: bytes) -> bytes:
    return data


class Client:
    """One channel, and so one connection."""

    def __init__(self, address: str):
        # A pool of its own: channels to the same place would share a connection.
        self.channel = grpc.insecure_channel(address, options=[*OPTIONS, ("grpc.use_local_subchannel_pool", 1)])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def unary(self, method: str, path: str = GREETER):
        return self.channel.unary_unary(path + method, request_serializer=same, response_deserializer=same)

    def server_streaming(self, method: str, path: str = GREETER):
        return self.channel.unary_stream(path + method, request_serializer=same, response_deserializer=same)

    def client_streaming(self, method: str):
        return self.channel.stream_unary(GREETER + method, request_serializer=same, response_deserializer=same)

    def both(self, method: str):
        return self.channel.stream_stream(GREETER + method, request_serializer=same, response_deserializer=same)

    def given_up(self) -> int:
        return count(self.unary("CountGivenUp")(b"", timeout=10))

    def wait_until_given_up(self, before: int) -> None:
        until = time.monotonic() + 10
        while self.given_up() == before:
            assert time.monotonic() < until, "its function has not learned of it"
            time.sleep(0.02)

    def teach_slowly(self) -> None:
        """A function that blocks is run beside its shard once that is known, and hears of cancellation then."""
        for _ in range(4):
            self.unary("SaySlowly")(message(f1="you", f2=10), timeout=10)


def error(call) -> grpc.RpcError:
    try:
        call()
    except grpc.RpcError as failed:
        return failed
    raise AssertionError("the call went well")


def code(call) -> grpc.StatusCode:
    return error(call).code()


def check_a_name_is_greeted_and_metadata_goes_both_ways(client: Client) -> None:
    metadata = [("x-caller", "me"), ("x-token-bin", b"\0\xff\1"), ("x-token-bin", b"\2")]
    reply, call = client.unary("SayHello").with_call(message(f1="Ada"), metadata=metadata, timeout=10)
    assert text(reply) == "Hello, Ada!"
    first, last = dict(call.initial_metadata()), dict(call.trailing_metadata())
    assert first["x-caller"] == "me" and first["x-token-bin"] == b"\0\xff\1\2", first
    assert last["x-behind"] == "said behind", last
    assert call.code() is grpc.StatusCode.OK and call.details() == ""


def check_an_error_has_its_code_its_text_and_its_details(client: Client) -> None:
    failed = error(lambda: client.unary("SayHello")(b"", timeout=10))
    assert failed.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert failed.details() == "who is it? 100% of names have a letter — or more"
    status = fields(dict(failed.trailing_metadata())["grpc-status-details-bin"])
    assert status[1] == [3] and status[2] == [failed.details().encode()]
    detail = fields(status[3][0])
    assert detail[1] == [b"type.googleapis.com/hello.BadName"]
    assert text(detail[2][0], 2) == "it is empty"
    failed = error(lambda: client.unary("SayHello")(message(f1="nobody"), timeout=10))
    assert failed.code() is grpc.StatusCode.NOT_FOUND
    assert dict(failed.trailing_metadata())["x-reason"] == "empty house"


def check_what_nobody_has_written_is_unimplemented(client: Client) -> None:
    for path, method in ((GREETER, "SayNothing"), (GREETER, "NoSuchMethod"), ("/no.such.Service/", "Method")):
        failed = error(lambda: client.unary(method, path)(b"", timeout=10))
        assert failed.code() is grpc.StatusCode.UNIMPLEMENTED, (path, method, failed)
    assert code(lambda: client.unary("SayHello")(b"\xff", timeout=10)) is grpc.StatusCode.INTERNAL


def check_large_messages_go_both_ways_up_to_the_limit(client: Client) -> None:
    name = "a" * LARGE
    assert text(client.unary("SayHello")(message(f1=name), timeout=20)) == f"Hello, {name}!"
    nearly = "a" * (4 * LARGE - 100)
    assert len(client.unary("SayHello")(message(f1=nearly), timeout=20)) > len(nearly)
    too_large = message(f1="a" * (4 * LARGE))
    assert code(lambda: client.unary("SayHello")(too_large, timeout=20)) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert text(client.unary("SayHello")(message(f1="Ada"), timeout=10)) == "Hello, Ada!", "the connection goes on"


def check_messages_are_compressed_both_ways(client: Client) -> None:
    name = "abc" * 100_000
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        reply = client.unary("SayHello")(message(f1=name), compression=compression, timeout=10)
        assert text(reply) == f"Hello, {name}!"
    # The only other encoding that grpcio has is one that this server has not.
    deflated = lambda: client.unary("SayHello")(message(f1=name), compression=grpc.Compression.Deflate, timeout=10)
    assert code(deflated) is grpc.StatusCode.UNIMPLEMENTED


def check_a_deadline_ends_a_call_and_its_function_learns_of_it(client: Client) -> None:
    client.teach_slowly()
    before, began = client.given_up(), time.monotonic()
    slow = message(f1="you", f2=20_000)
    assert code(lambda: client.unary("SaySlowly")(slow, timeout=0.3)) is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - began < 5
    client.wait_until_given_up(before)


def check_a_call_that_is_cancelled_is_given_up(client: Client) -> None:
    client.teach_slowly()
    before = client.given_up()
    call = client.unary("SaySlowly").future(message(f1="you", f2=20_000))
    time.sleep(0.2)
    assert client.given_up() == before
    assert call.cancel()
    client.wait_until_given_up(before)


def check_slow_calls_do_not_delay_others_on_the_connection(client: Client) -> None:
    slow = [client.unary("SaySlowly").future(message(f1=f"slow {at}", f2=1_500)) for at in range(8)]
    began = time.monotonic()
    for at in range(50):
        assert text(client.unary("SayHello")(message(f1=f"fast {at}"), timeout=10)) == f"Hello, fast {at}!"
    assert time.monotonic() - began < 1.4, "slow calls are in the way"
    assert [text(call.result(timeout=10)) for call in slow] == [f"Hello, slow {at}!" for at in range(8)]


def check_many_calls_at_once_each_get_their_own_answer(client: Client) -> None:
    def one(at: int) -> str:
        return text(client.unary("SayHello")(message(f1=f"{at} " * (at % 50 + 1)), timeout=20))
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(one, range(1_000)))
    assert replies == [f"Hello, {f'{at} ' * (at % 50 + 1)}!" for at in range(1_000)]


def check_health_is_told(client: Client) -> None:
    check = client.unary("Check", "/grpc.health.v1.Health/")
    assert count(check(b"", timeout=10)) == 1
    assert count(check(message(f1="hello.Greeter"), timeout=10)) == 1
    assert code(lambda: check(message(f1="no.such.Service"), timeout=10)) is grpc.StatusCode.NOT_FOUND
