/**
 * The load of a lane made by stock gRPC of Python: a program of Python that calls, and tells of
 * each call by a line; this process counts them for the lab.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import type { DialMessage } from "../messages.ts";
import { ECHO_SERVICE } from "../pods/echo.ts";

/** Another Python than the one on the PATH; empty: none. */
const NAMED = process.env.FAIRLEAD_LAB_PYTHON;
const PYTHON = NAMED ?? "python3";

/** What it tells of: a call that ended. */
export interface PythonCall {
  /** Name of the pod; "" when the call failed. */
  readonly pod: string;
  readonly latencyUs: number;
  /** "UNAVAILABLE: ..."; "" when it did not fail. */
  readonly failure: string;
}

/** Hears of the program. */
export interface PythonListener {
  onReady(): void;
  onCall(call: PythonCall): void;
  /** It has ended, with its last words when it was not told to. */
  onEnded(reason: string): void;
}

/**
 * Reads "start" and "stop" from stdin, ends when that closes, and keeps a steady rate of calls with
 * at most so many in flight.
 */
const PROGRAM = `
import json, os, sys, threading, time
import grpc
target, path, rate, most = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
request = bytes.fromhex(sys.argv[5])
channel = grpc.insecure_channel(target)
say = channel.unary_unary(path)
lock, out = threading.Condition(), threading.Lock()
in_flight, stopping = 0, False
def tell(**fields):
    with out:
        print(json.dumps(fields), flush=True)
def listen():
    global stopping
    for line in sys.stdin:
        if line.strip() == "start": started.set()
        if line.strip() == "stop": break
    else:
        os._exit(0)
    with lock:
        stopping = True
        lock.notify_all()
    for line in sys.stdin: pass
    os._exit(0)
started = threading.Event()
grpc.channel_ready_future(channel).result(timeout=10)
threading.Thread(target=listen, daemon=True).start()
tell(ready=True)
started.wait()
def call():
    global in_flight
    begin = time.monotonic()
    def done(future):
        global in_flight
        us = int((time.monotonic() - begin) * 1e6)
        error = future.exception()
        if error is None: tell(pod=future.result()[2:].decode(), us=us)
        else: tell(failure=error.code().name + ": " + (error.details() or ""), us=us)
        with lock:
            in_flight -= 1
            lock.notify_all()
    say.future(request, timeout=5).add_done_callback(done)
due = time.monotonic()
while True:
    with lock:
        while in_flight >= most and not stopping: lock.wait()
        if stopping: break
        in_flight += 1
    due = max(due + 1 / rate, time.monotonic() - 0.1)
    time.sleep(max(0, due - time.monotonic()))
    call()
with lock:
    while in_flight > 0: lock.wait()
tell(ended=True)
`;

/**
 * Whether a Python with grpcio is there.
 * @throws Error when one is named that has none: another client would be a surprise.
 */
export function hasPythonGrpc(): boolean {
  if (NAMED === "") return false;
  const hasGrpc = spawnSync(PYTHON, ["-c", "import grpc"], { stdio: "ignore" }).status === 0;
  if (hasGrpc || NAMED === undefined) return hasGrpc;
  throw new Error(`FAIRLEAD_LAB_PYTHON ${NAMED}: no Python with grpcio (empty: do without)`);
}

/** The program, running. */
export class PythonLoad {
  readonly #process: ChildProcess;
  #stderr = "";
  #hasEnded = false;

  constructor(dial: DialMessage, listener: PythonListener) {
    const { target, callsPerSecond, inFlightMax, xdsBootstrap } = dial;
    const { path, requestSerialize } = ECHO_SERVICE.say;
    const request = requestSerialize("lab").toString("hex");
    const args = [target, path, String(callsPerSecond), String(inFlightMax), request];
    const env = { ...process.env, GRPC_XDS_BOOTSTRAP_CONFIG: xdsBootstrap ?? "" };
    this.#process = spawn(PYTHON, ["-u", "-c", PROGRAM, ...args], { env });
    this.#process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2000);
    });
    createInterface(this.#process.stdout!).on("line", (line) => this.#onLine(line, listener));
    this.#process.on("exit", () => {
      if (this.#hasEnded) return;
      this.#hasEnded = true;
      listener.onEnded(this.#stderr.trim().split("\n").at(-1) ?? "Python ended");
    });
  }

  start(): void {
    this.#process.stdin!.write("start\n");
  }

  /** No further call; it ends when those in flight are over. */
  stop(): void {
    this.#process.stdin!.write("stop\n");
  }

  #onLine(line: string, listener: PythonListener): void {
    const said = JSON.parse(line) as Record<string, unknown>;
    if (said.ready === true) listener.onReady();
    else if (said.ended === true) {
      this.#hasEnded = true;
      listener.onEnded("");
      this.#process.stdin!.end();
    } else {
      const { pod = "", us = 0, failure = "" } = said;
      listener.onCall({ pod: String(pod), latencyUs: Number(us), failure: String(failure) });
    }
  }
}
