"""python storm_client.py --target HOST:PORT ...: many random calls of every kind through grpcio.

The same as ../go/storm-client: same protocol, same flags, same JSON, same exit codes.
"""

import argparse
import json
import os
import sys
import threading
import time

import grpc
from grpc import StatusCode

from plan import new_plan
from wire import BODY_BYTES_MAX, FRAME_HEAD_BYTES, MESSAGE_BYTES_MAX, Crossed, Lost
from wire import check_frame, new_frame

# When so many calls hang, no more are started: each of them takes its whole bound.
HUNG_MAX = 20
# After its bound a hung call is cancelled, and gets so many seconds to notice.
HUNG_GRACE = 5.0
PROBLEMS_MAX = 50
# Clocks of both sides differ a little: a status may name the deadline or the cancellation.
DEADLINE_SLACK = 0.05
PLANNED = ("ok", "cancelled", "deadline", "earlyEnd")
OUTCOMES = (*PLANNED, "unavailable", "lost", "crossed", "hung", "unexpected")


class Performance:
    """One call: made, and its answers verified. It blocks the thread that runs it."""

    def __init__(self, channel, plan):
        self.plan = plan
        self.channel = channel
        self.call = None
        self.begin = time.monotonic()
        self.is_hung = False
        self.header = {}
        self.messages = 0
        self.bytes = 0
        self.fault = None
        self.code = None
        self.details = ""

    def run(self):
        """Returns when the call has ended; its status is then in `code` and `details`."""
        plan = self.plan
        self.call = self._start()
        timer = None
        if plan.cancel_after is not None:
            timer = threading.Timer(plan.cancel_after, self.call.cancel)
            timer.start()
        try:
            if plan.kind in ("unary", "clientStream"):
                # A client stream's answer says how many messages the server got.
                self._take(self.call.result(), len(plan.sizes) if plan.kind != "unary" else 0)
            else:
                for message in self.call:
                    self._take(message, self.messages)
        except (grpc.RpcError, grpc.FutureCancelledError):
            pass  # Its status says the same.
        if timer is not None:
            timer.cancel()
        self.code = self.call.code()
        self.details = self.call.details() or ""
        self.header = dict(self.call.initial_metadata() or ())

    def _start(self):
        plan = self.plan
        options = {"metadata": plan.orders.metadata(), "timeout": plan.deadline}
        frames = (new_frame(plan.id, seq, size) for seq, size in enumerate(plan.sizes))
        if plan.kind == "unary":
            return self.channel.unary_unary("/echo.Echo/Say").future(next(frames), **options)
        if plan.kind == "clientStream":
            return self.channel.stream_unary("/echo.Echo/Collect").future(frames, **options)
        if plan.kind == "serverStream":
            return self.channel.unary_stream("/echo.Echo/Produce")(next(frames), **options)
        return self.channel.stream_stream("/echo.Echo/Chat")(frames, **options)

    def _take(self, message, seq):
        if message is None:
            return  # grpcio's word for an OK without an answer; the count will tell.
        self.messages += 1
        self.bytes += len(message)
        if self.fault is not None:
            return
        try:
            check_frame(message, self.plan.id, seq)
            size, wanted = len(message) - FRAME_HEAD_BYTES, self.plan.wanted_size(seq)
            if size != wanted:
                raise Lost(f"a body of {size} bytes where {wanted} were due")
        except (Lost, Crossed) as fault:
            self.fault = fault

    def judge(self, took):
        """What it means, given the plan and how long it took."""
        plan, code = self.plan, self.code
        if self.header.get("x-call-id", str(plan.id)) != str(plan.id):
            return "crossed"
        if isinstance(self.fault, Crossed):
            return "crossed"
        if self.fault is not None or code == StatusCode.DATA_LOSS:
            return "lost"
        is_early = plan.orders.end_after >= 0 and code.value[0] == plan.orders.end_status
        if (is_early or code == StatusCode.OK) and self.messages != plan.wanted_messages():
            self.details = f"{self.messages} of {plan.wanted_messages()} messages came"
            return "lost"
        if is_early:
            return "earlyEnd"
        if code == StatusCode.OK:
            return "ok"
        if plan.cancel_after is not None and code == StatusCode.CANCELLED:
            return "cancelled"
        if plan.deadline is not None:
            is_late = took > plan.deadline - DEADLINE_SLACK
            if code == StatusCode.DEADLINE_EXCEEDED or (code == StatusCode.CANCELLED and is_late):
                return "deadline"
        return "unavailable" if code == StatusCode.UNAVAILABLE else "unexpected"


class Storm:
    """All calls, and their summary."""

    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.next = 0
        self.active = set()
        self.summary = {
            "client": "grpcio",
            "seed": options.seed,
            "calls": 0,
            **dict.fromkeys(OUTCOMES, 0),
            "messages": 0,
            "bytes": 0,
            "seconds": 0.0,
            "isCutShort": False,
            "kinds": {},
            "servers": {},
            "problems": [],
        }

    def run(self):
        """Makes the calls; the summary."""
        settings = [
            ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_http_proxy", 0),
            ("grpc.enable_retries", 0),
        ]
        channels = [self._new_channel(settings) for _ in range(self.options.connections)]
        begin = time.monotonic()
        workers = [
            threading.Thread(target=self._work, args=(channels,), daemon=True)
            for _ in range(self.options.concurrency)
        ]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers) and self._watch():
            time.sleep(0.05)
        self.summary["seconds"] = time.monotonic() - begin
        self.summary["isCutShort"] = self.summary["calls"] < self.options.calls
        return self.summary

    def _new_channel(self, settings):
        target, ca_file = self.options.target, self.options.tls_ca
        if ca_file is None:
            return grpc.insecure_channel(target, settings)
        with open(ca_file, "rb") as file:
            return grpc.secure_channel(target, grpc.ssl_channel_credentials(file.read()), settings)

    def _work(self, channels):
        while True:
            with self.lock:
                if self.next >= self.options.calls or self.summary["hung"] >= HUNG_MAX:
                    return
                index, self.next = self.next, self.next + 1
            plan = new_plan(self.options.seed, index, self.options.max_size)
            performance = Performance(channels[index % len(channels)], plan)
            with self.lock:
                self.active.add(performance)
            try:
                performance.run()
                outcome = performance.judge(time.monotonic() - performance.begin)
                detail = performance.fault or f"{performance.code}: {performance.details}"
            except Exception as error:  # A mistake of this program is a failure like any other.
                outcome, detail = "unexpected", repr(error)
            with self.lock:
                self.active.discard(performance)
                if not performance.is_hung:
                    self._record(index, performance, outcome, str(detail))

    def _watch(self):
        """Cancels what outlives its bound; False once something does not even end by that."""
        bound, now = self.options.bound_seconds, time.monotonic()
        with self.lock:
            late = [p for p in self.active if now - p.begin > bound]
            for performance in late:
                if performance.is_hung:
                    continue
                performance.is_hung = True
                plan = performance.plan
                print(f"storm-client: call {plan.id} ({plan.kind}) hangs for {bound} s", file=sys.stderr)
                self._record((plan.id & 0xFFFFFFFF) - 1, performance, "hung", f"no end; {plan}")
        for performance in late:
            if performance.call is not None:
                performance.call.cancel()
        return all(now - p.begin < bound + HUNG_GRACE for p in late)

    def _record(self, index, performance, outcome, detail):
        summary, plan = self.summary, performance.plan
        summary["calls"] += 1
        summary[outcome] += 1
        summary["messages"] += performance.messages
        summary["bytes"] += performance.bytes
        summary["kinds"][plan.kind] = summary["kinds"].get(plan.kind, 0) + 1
        server = performance.header.get("x-served-by")
        if server is not None:
            summary["servers"][server] = summary["servers"].get(server, 0) + 1
        if outcome not in PLANNED and summary[outcome] <= PROBLEMS_MAX:
            summary["problems"].append(
                {"call": plan.id, "index": index, "kind": plan.kind, "outcome": outcome, "detail": detail}
            )


def parse_options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True, help="HOST:PORT")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="0 takes one from the clock")
    parser.add_argument("--max-size", type=int, default=BODY_BYTES_MAX)
    parser.add_argument("--bound-seconds", type=float, default=60.0)
    parser.add_argument("--allow-unavailable", action="store_true")
    parser.add_argument("--tls-ca", help="PEM: TLS, and the server's certificate must be of these")
    options = parser.parse_args()
    options.seed = options.seed or int(time.time() * 1000) % 1_000_000_000
    options.max_size = min(options.max_size, BODY_BYTES_MAX)
    return options


def main():
    """Runs a storm; the exit code."""
    options = parse_options()
    print(f"storm-client: --seed {options.seed}", file=sys.stderr)
    summary = Storm(options).run()
    print(json.dumps(summary), flush=True)
    bad = sum(summary[name] for name in ("lost", "crossed", "hung", "unexpected"))
    if not options.allow_unavailable:
        bad += summary["unavailable"]
    return 1 if bad > 0 else 0


if __name__ == "__main__":
    # At once: grpcio would wait for threads of calls that never end.
    os._exit(main())
