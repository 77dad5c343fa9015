"""A pod of both Services, with texts in place of protobuf: pod.py ADDRESS:PORT"""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

address = sys.argv[1]


def handler(service, method, answer):
    def call(request, _):
        return f"{answer(request)} from {address}"

    unary = grpc.unary_unary_rpc_method_handler(call, bytes.decode, str.encode)
    return grpc.method_handlers_generic_handler(service, {method: unary})


# Asked by the health checks of services.yaml: a HealthCheckResponse of SERVING.
SERVING = b"\x08\x01"
check = grpc.unary_unary_rpc_method_handler(lambda request, _: SERVING)
health = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check})

server = grpc.server(ThreadPoolExecutor())
server.add_generic_rpc_handlers(
    [
        health,
        handler("api.Echo", "Echo", lambda text: text),
        handler("api.Reverse", "Reverse", lambda text: text[::-1]),
    ]
)
server.add_insecure_port(address)
server.start()
server.wait_for_termination()
