"""The greeter of `examples/grpc` once more, by an independent gRPC server (grpcio): `python3 tests/grpc/server.py`."""
import concurrent.futures
import queue
import threading
import time

import grpc
from wire import count, fields, message, text

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
DETAILS = "who is it? 100% of names have a letter — or more"
SERVICES = {"": 1, "hello.Greeter": 1}

given_up = 0
lock = threading.Lock()


def greet(name: str, context) -> bytes:
    if not name:
        detail = message(f1=b"type.googleapis.com/hello.BadName", f2=message(f2="it is empty"))
        status = message(f1=3, f2=DETAILS, f3=detail)
        context.set_trailing_metadata([("grpc-status-details-bin", status)])
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, DETAILS)
    if name == "nobody":
        context.set_trailing_metadata([("x-reason", "empty house")])
        context.abort(grpc.StatusCode.NOT_FOUND, "nobody is here")
    return message(f1=f"Hello, {name}!")


def name_of(request: bytes, context) -> str:
    try:
        return text(request)
    except (IndexError, ValueError):
        context.abort(grpc.StatusCode.INTERNAL, "no message")


def say_hello(request: bytes, context) -> bytes:
    told = dict(context.invocation_metadata())
    reply = greet(name_of(request, context), context)
    tokens = b"".join(value for name, value in context.invocation_metadata() if name == "x-token-bin")
    metadata = [("x-caller", told["x-caller"])] if "x-caller" in told else []
    context.send_initial_metadata(metadata + ([("x-token-bin", tokens)] if tokens else []))
    context.set_trailing_metadata([("x-behind", "said behind")])
    return reply


def say_often(request: bytes, context):
    for _ in range(count(request, 2)):
        if not context.is_active():
            return
        yield greet(text(request), context)
        time.sleep(count(request, 3) / 1000)


def say_to_all(requests, context) -> bytes:
    return greet(", ".join([text(request) for request in requests]), context)


def chat(requests, context):
    for request in requests:
        yield greet(text(request), context)


def say_slowly(request: bytes, context) -> bytes:
    global given_up
    over = threading.Event()
    context.add_callback(over.set)
    if over.wait(count(request, 2) / 1000):
        with lock:
            given_up += 1
    return greet(text(request), context)


def count_given_up(_request: bytes, _context) -> bytes:
    return message(f1=given_up)


def check(request: bytes, context) -> bytes:
    if text(request) not in SERVICES:
        context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
    return message(f1=SERVICES[text(request)])


def watch(request: bytes, context):
    over = queue.SimpleQueue()
    context.add_callback(lambda: over.put(None))
    yield message(f1=SERVICES.get(text(request), 3))
    over.get()


def handlers():
    one, many = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    yield "hello.Greeter", {
        "SayHello": one(say_hello), "SayOften": many(say_often), "SaySlowly": one(say_slowly),
        "SayToAll": grpc.stream_unary_rpc_method_handler(say_to_all),
        "Chat": grpc.stream_stream_rpc_method_handler(chat), "CountGivenUp": one(count_given_up),
    }
    yield "grpc.health.v1.Health", {"Check": one(check), "Watch": many(watch)}


def main() -> None:
    options = [("grpc.max_receive_message_length", MESSAGE_BYTES_MAX), ("grpc.max_send_message_length", -1)]
    pool = concurrent.futures.ThreadPoolExecutor(64)
    server = grpc.server(pool, options=options, compression=grpc.Compression.Gzip)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(*each) for each in handlers()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"http://127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
