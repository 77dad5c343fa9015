"""python xds_client.py --target xds:///NAME ...: a stock grpcio program that balances itself.

The same as ../go/xds-client: same flags, same lines, same end by SIGTERM.
"""

import argparse
import json
import signal
import threading
import time

import grpc


def interval_seconds(text):
    """"10ms" or "1s", as Go's flags take them."""
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])


def name_in(done):
    """The name in an answer of Stats, which is JSON and has no metadata."""
    try:
        return json.loads(done.result())["name"]
    except (grpc.RpcError, TypeError, ValueError):
        return ""


class Client:
    def __init__(self, options):
        self.timeout = interval_seconds(options.timeout)
        self.channel = grpc.insecure_channel(options.target)
        self.call = self.channel.unary_unary(options.method)
        pairs = [pair.partition("=") for pair in options.headers.split(",") if "=" in pair]
        self.metadata = tuple((name, value) for name, _, value in pairs)
        self.lock = threading.Lock()
        self.is_ready = False
        self.active = 0
        self.idle = threading.Condition(self.lock)

    def start(self):
        begin = time.monotonic()
        with self.lock:
            self.active += 1
        future = self.call.future(b"hello", timeout=self.timeout, metadata=self.metadata)
        future.add_done_callback(lambda done: self.finish(done, begin))

    def finish(self, done, begin):
        code = done.code()
        line = {
            "at": int(time.time() * 1000),
            "ms": int((time.monotonic() - begin) * 1000),
            # grpcio does not tell the peer to a client: the server's own name stands for it.
            "peer": dict(done.initial_metadata() or ()).get("x-served-by") or name_in(done),
            "code": code.value[0],
            "message": "" if code is grpc.StatusCode.OK else (done.details() or ""),
        }
        with self.lock:
            if line["code"] == 0 and not self.is_ready:
                self.is_ready = True
                print("ready", flush=True)
            print(json.dumps(line), flush=True)
            self.active -= 1
            self.idle.notify_all()

    def close(self):
        with self.lock:
            self.idle.wait_for(lambda: self.active == 0, timeout=self.timeout + 1)
        self.channel.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-target", "--target", required=True)
    parser.add_argument("-method", "--method", default="/echo.Echo/Say")
    parser.add_argument("-interval", "--interval", default="10ms")
    parser.add_argument("-timeout", "--timeout", default="5s")
    parser.add_argument("-headers", "--headers", default="")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    client = Client(options)
    seconds = interval_seconds(options.interval)
    while not stop.wait(seconds):
        client.start()
    client.close()


main()
