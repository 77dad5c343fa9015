"""A greeter server: grpcio as anybody would write it. Nothing here knows of fairlead."""

import argparse
import os
import signal
import socket
from concurrent import futures

import grpc

# Compiled from greet.proto when the server starts (package grpcio-tools).
messages, services = grpc.protos_and_services("greet.proto")


class Greeter(services.GreeterServicer):
    def __init__(self, name: str) -> None:
        self._name = name

    def _reply(self, name: str):
        return messages.HelloReply(message=f"hello {name}", server=self._name)

    def SayHello(self, request, context):
        return self._reply(request.name)

    def SayHellos(self, request, context):
        for _ in range(request.count):
            yield self._reply(request.name)

    def GreetAll(self, requests, context):
        return self._reply(" and ".join(request.name for request in requests))

    def Chat(self, requests, context):
        for request in requests:
            yield self._reply(request.name)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", default="[::]:50051", help="address to listen on")
    address = parser.parse_args().listen
    # In a pod HOSTNAME is its name.
    name = os.environ.get("HOSTNAME") or socket.gethostname()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    services.add_GreeterServicer_to_server(Greeter(name), server)
    server.add_insecure_port(address)
    server.start()
    print(f"{name} listens on {address}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=10))
    server.wait_for_termination()


if __name__ == "__main__":
    main()
