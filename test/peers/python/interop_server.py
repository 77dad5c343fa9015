"""python interop_server.py --port PORT: gRPC's interop server (grpc.testing.TestService) over grpcio.

All methods, as told by grpc's doc/interop-test-descriptions.md: payloads of the asked sizes, statuses
and metadata echoed, answers compressed as asked. It cannot tell whether a request was compressed: grpcio
does not say. Prints "ready PORT" once it listens; SIGTERM ends it.
"""

import argparse
import signal
import sys
import threading
import time
from concurrent import futures

import grpc
from grpc import StatusCode

from interop_messages import (
    aggregate,
    compressable_of,
    payload_of_input,
    response,
    response_parameters_of,
    status_of,
)

ECHO_INITIAL = "x-grpc-test-echo-initial"
ECHO_TRAILING = "x-grpc-test-echo-trailing-bin"
CODES = {code.value[0]: code for code in StatusCode}


def echo_metadata(context):
    """Sends back the two entries of metadata that callers may ask to see again."""
    asked = {key: value for key, value in context.invocation_metadata()}
    if ECHO_INITIAL in asked:
        context.send_initial_metadata(((ECHO_INITIAL, asked[ECHO_INITIAL]),))
    if ECHO_TRAILING in asked:
        context.set_trailing_metadata(((ECHO_TRAILING, asked[ECHO_TRAILING]),))


def echo_status(request, context):
    """Ends the call with the status that the request asks for, if it does."""
    status = status_of(request)
    if status is None:
        return
    code, message = status
    if code != 0:
        context.abort(CODES[code], message)


def empty_call(_request, context):
    """EmptyCall."""
    echo_metadata(context)
    return b""


def unary_call(request, context):
    """UnaryCall. Fields of a SimpleRequest: response_size 2, response_compressed 6."""
    is_compressed, size = compressable_of(request)
    context.set_compression(grpc.Compression.Gzip if is_compressed else grpc.Compression.NoCompression)
    echo_metadata(context)
    echo_status(request, context)
    return response(size)


def streaming_input_call(requests, context):
    """StreamingInputCall: the bytes of all payloads."""
    echo_metadata(context)
    return aggregate(sum(payload_of_input(request) for request in requests))


def outputs(request, context):
    """The answers that one request of an output call asks for."""
    for size, interval_us, is_compressed in response_parameters_of(request):
        if interval_us:
            time.sleep(interval_us / 1_000_000)
        if not is_compressed:
            context.disable_next_message_compression()
        yield response(size)


def streaming_output_call(request, context):
    """StreamingOutputCall."""
    if any(is_compressed for _, _, is_compressed in response_parameters_of(request)):
        context.set_compression(grpc.Compression.Gzip)
    echo_metadata(context)
    yield from outputs(request, context)
    echo_status(request, context)


def full_duplex_call(requests, context):
    """FullDuplexCall: each request is answered as it comes."""
    echo_metadata(context)
    for request in requests:
        echo_status(request, context)
        yield from outputs(request, context)


def half_duplex_call(requests, context):
    """HalfDuplexCall: all requests are read before the first is answered."""
    echo_metadata(context)
    for request in list(requests):
        echo_status(request, context)
        yield from outputs(request, context)


METHODS = {
    "EmptyCall": grpc.unary_unary_rpc_method_handler(empty_call),
    "UnaryCall": grpc.unary_unary_rpc_method_handler(unary_call),
    "StreamingInputCall": grpc.stream_unary_rpc_method_handler(streaming_input_call),
    "StreamingOutputCall": grpc.unary_stream_rpc_method_handler(streaming_output_call),
    "FullDuplexCall": grpc.stream_stream_rpc_method_handler(full_duplex_call),
    "HalfDuplexCall": grpc.stream_stream_rpc_method_handler(half_duplex_call),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True, help="0 picks one")
    options = parser.parse_args()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=[("grpc.so_reuseport", 0)])
    service = grpc.method_handlers_generic_handler("grpc.testing.TestService", METHODS)
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port(f"127.0.0.1:{options.port}")
    server.start()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    print(f"ready {port}", flush=True)
    stopped.wait()
    server.stop(None).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
