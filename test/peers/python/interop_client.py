"""python interop_client.py --target HOST:PORT [--case NAME,..|all]: gRPC interop cases through grpcio.

Against any interop server; the cases that need no special server features, as told by grpc's
doc/interop-test-descriptions.md. A line per case; exit 0 when all passed, 1 when not, 2 for wrong usage.
"""

import argparse
import os
import queue
import sys

import grpc
from grpc import StatusCode

from interop_messages import (
    aggregated_bytes_of,
    payload_bytes_of,
    simple_request,
    streaming_input,
    streaming_output,
)

REQUEST_BYTES = 271_828
RESPONSE_BYTES = 314_159
REQUEST_SIZES = (27182, 8, 1828, 45904)
RESPONSE_SIZES = (31415, 9, 2653, 58979)
# How many seconds a call may take that has no deadline of its own.
BOUND = 20
CASES = {}


def case(run):
    """Registers a case under the name of its function."""
    CASES[run.__name__] = run
    return run


def path(method, service="TestService"):
    """The path of a method."""
    return f"/grpc.testing.{service}/{method}"


def want(got, wanted, what):
    """Fails the case unless they are equal."""
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, not {wanted!r}")


def want_status(call, code, details=None):
    """Fails the case unless the call ended so."""
    want(call.code(), code, f"status ({call.details()})")
    if details is not None:
        want(call.details(), details, "details")


def unary(channel, method, request, **options):
    """A unary call to its end; the answer is None when it failed."""
    call = channel.unary_unary(method).future(request, timeout=BOUND, **options)
    return call, None if call.exception() else call.result()


def drain(call):
    """All messages of a stream; its status is the call's."""
    messages = []
    try:
        for message in call:
            messages.append(message)
    except grpc.RpcError:
        pass
    return messages


class Duplex:
    """A FullDuplexCall whose requests are sent one by one."""

    def __init__(self, channel, timeout=BOUND, metadata=None):
        self.requests = queue.Queue()
        method = channel.stream_stream(path("FullDuplexCall"))
        self.call = method(iter(self.requests.get, None), timeout=timeout, metadata=metadata)

    def send(self, request):
        """Sends a message."""
        self.requests.put(request)

    def end(self):
        """Half-closes; nothing is sent after it."""
        self.requests.put(None)

    def ping(self, index):
        """Sends the n-th of the four requests, asking for an answer of its own size."""
        self.send(streaming_output([RESPONSE_SIZES[index]], REQUEST_SIZES[index]))


@case
def empty_unary(channel):
    call, answer = unary(channel, path("EmptyCall"), b"")
    want_status(call, StatusCode.OK)
    want(answer, b"", "answer")


@case
def large_unary(channel):
    request = simple_request(RESPONSE_BYTES, REQUEST_BYTES)
    call, answer = unary(channel, path("UnaryCall"), request)
    want_status(call, StatusCode.OK)
    want(payload_bytes_of(answer), RESPONSE_BYTES, "payload")


@case
def client_streaming(channel):
    requests = map(streaming_input, REQUEST_SIZES)
    call = channel.stream_unary(path("StreamingInputCall")).future(requests, timeout=BOUND)
    want(aggregated_bytes_of(call.result()), 74922, "sum of sizes")


@case
def server_streaming(channel):
    request = streaming_output(RESPONSE_SIZES)
    call = channel.unary_stream(path("StreamingOutputCall"))(request, timeout=BOUND)
    want(tuple(map(payload_bytes_of, drain(call))), RESPONSE_SIZES, "payloads")
    want_status(call, StatusCode.OK)


@case
def ping_pong(channel):
    duplex = Duplex(channel)
    for index, size in enumerate(RESPONSE_SIZES):
        duplex.ping(index)
        want(payload_bytes_of(next(duplex.call)), size, "payload")
    duplex.end()
    want(drain(duplex.call), [], "messages after the last")
    want_status(duplex.call, StatusCode.OK)


@case
def empty_stream(channel):
    duplex = Duplex(channel)
    duplex.end()
    want(drain(duplex.call), [], "messages")
    want_status(duplex.call, StatusCode.OK)


@case
def custom_metadata(channel):
    initial = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
    trailing = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
    request = simple_request(RESPONSE_BYTES, REQUEST_BYTES)
    single, answer = unary(channel, path("UnaryCall"), request, metadata=(initial, trailing))
    want(payload_bytes_of(answer), RESPONSE_BYTES, "payload")
    duplex = Duplex(channel, metadata=(initial, trailing))
    duplex.send(streaming_output([RESPONSE_BYTES], REQUEST_BYTES))
    duplex.end()
    want([payload_bytes_of(message) for message in drain(duplex.call)], [RESPONSE_BYTES], "payloads")
    for call in (single, duplex.call):
        want_status(call, StatusCode.OK)
        want(dict(call.initial_metadata()).get(initial[0]), initial[1], "initial metadata")
        want(dict(call.trailing_metadata()).get(trailing[0]), trailing[1], "trailing metadata")


@case
def status_code_and_message(channel):
    status = (2, "test status message")
    single, _ = unary(channel, path("UnaryCall"), simple_request(status=status))
    duplex = Duplex(channel)
    duplex.send(streaming_output(status=status))
    duplex.end()
    drain(duplex.call)
    for call in (single, duplex.call):
        want_status(call, StatusCode.UNKNOWN, status[1])


@case
def special_status_message(channel):
    text = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"
    call, _ = unary(channel, path("UnaryCall"), simple_request(status=(2, text)))
    want_status(call, StatusCode.UNKNOWN, text)


@case
def unimplemented_method(channel):
    call, _ = unary(channel, path("UnimplementedCall"), b"")
    want_status(call, StatusCode.UNIMPLEMENTED)


@case
def unimplemented_service(channel):
    call, _ = unary(channel, path("UnimplementedCall", "UnimplementedService"), b"")
    want_status(call, StatusCode.UNIMPLEMENTED)


@case
def cancel_after_begin(channel):
    requests = queue.Queue()
    method = channel.stream_unary(path("StreamingInputCall"))
    call = method.future(iter(requests.get, None), timeout=BOUND)
    call.cancel()
    want(call.cancelled(), True, "cancelled")
    want_status(call, StatusCode.CANCELLED)
    requests.put(None)


@case
def cancel_after_first_response(channel):
    duplex = Duplex(channel)
    duplex.ping(0)
    want(payload_bytes_of(next(duplex.call)), RESPONSE_SIZES[0], "payload")
    duplex.call.cancel()
    drain(duplex.call)
    want_status(duplex.call, StatusCode.CANCELLED)
    duplex.end()


@case
def timeout_on_sleeping_server(channel):
    # The server knows the deadline too, and may reset the stream before our own timer fires: grpcio
    # then says CANCELLED. That is a race of the case, so it has a few attempts.
    for _ in range(5):
        duplex = Duplex(channel, timeout=0.001)
        duplex.send(streaming_output(payload_bytes=27182))
        drain(duplex.call)
        duplex.end()
        if duplex.call.code() != StatusCode.CANCELLED:
            break
    want_status(duplex.call, StatusCode.DEADLINE_EXCEEDED)


def main():
    """Runs the cases; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True, help="HOST:PORT")
    parser.add_argument("--case", default="all", help=" ".join(CASES))
    options = parser.parse_args()
    names = list(CASES) if options.case == "all" else options.case.split(",")
    for name in names:
        if name not in CASES:
            parser.error(f"no case {name}; known: {' '.join(CASES)}")
    code = 0
    with grpc.insecure_channel(options.target, [("grpc.enable_http_proxy", 0)]) as channel:
        for name in names:
            try:
                CASES[name](channel)
                print(f"ok {name}", flush=True)
            except Exception as error:
                code = 1
                reason = str(error).replace("\n", " ") or repr(error)
                print(f"FAILED {name}: {reason}", flush=True)
    return code


if __name__ == "__main__":
    # At once: threads of calls that never ended would be waited for.
    os._exit(main())
