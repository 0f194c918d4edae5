"""The calls of a board's service, on a server with a board's limits."""
import base64

import grpc
from calls import Client, code
from wire import count, message

LED = "/device.v1.Led/"
PASSWORD = [("authorization", "Basic " + base64.b64encode(b"operator:not a secret").decode())]


def check_the_led_is_switched_by_those_who_know_the_password(client: Client) -> None:
    switch = client.unary("Switch", LED)
    for on in (1, 0, 1):
        assert count(switch(message(f1=on), metadata=PASSWORD, timeout=10)) == on
    assert code(lambda: switch(message(f1=1), timeout=10)) is grpc.StatusCode.UNAUTHENTICATED


def check_what_the_device_cannot_do_is_said(client: Client) -> None:
    blink, switch = client.unary("Blink", LED), client.unary("Switch", LED)
    assert code(lambda: blink(b"", metadata=PASSWORD, timeout=10)) is grpc.StatusCode.UNIMPLEMENTED
    too_large = lambda: switch(b"x" * 17, metadata=PASSWORD, timeout=10)
    assert code(too_large) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert code(lambda: switch(b"x", metadata=PASSWORD, timeout=10)) is grpc.StatusCode.INTERNAL
    compressed = lambda: switch(message(f1=1), metadata=PASSWORD, compression=grpc.Compression.Gzip, timeout=10)
    assert code(compressed) is grpc.StatusCode.UNIMPLEMENTED
    assert count(switch(message(f1=1), metadata=PASSWORD, timeout=10)) == 1
