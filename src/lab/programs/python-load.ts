/**
 * The load of a lane made by stock gRPC of Python: a program of Python that calls, and tells of
 * each call by a line; this process counts them for the lab.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import type { DialMessage, LoadMessage } from "../messages.ts";
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
  /** Processor time of the program so far. */
  readonly cpuUs: number;
}

/** Hears of the program. */
export interface PythonListener {
  onReady(): void;
  onCall(call: PythonCall): void;
  /** So many calls were due and are not made; it woke so late for the latest. */
  onGivenUp(calls: number, lateMs: number): void;
  /** It has ended, with its last words when it was not told to. */
  onEnded(reason: string): void;
}

/**
 * Reads "start", "load RATE IN_FLIGHT" and "stop" from stdin, ends when that closes, and keeps a
 * steady rate of calls with at most so many in flight. As in `load/pace.ts`, it falls behind its
 * rate by 0.1 s at most, and tells of what it gives up then.
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
    global stopping, rate, most
    for line in sys.stdin:
        words = line.split()
        if words[0] == "start": started.set()
        if words[0] == "stop": break
        if words[0] == "load":
            with lock:
                rate, most = float(words[1]), int(words[2])
                lock.notify_all()
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
        cpu = int(time.process_time() * 1e6)
        if error is None: tell(pod=future.result()[2:].decode(), us=us, cpu=cpu)
        else: tell(failure=error.code().name + ": " + (error.details() or ""), us=us, cpu=cpu)
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
    due += 1 / rate
    behind = time.monotonic() - 0.1 - due
    if behind > 0:
        given_up = int(behind * rate)
        due += given_up / rate
        if given_up > 0: tell(given_up=given_up, late_ms=0)
    wait = due - time.monotonic()
    if wait > 0:
        time.sleep(wait)
        late_ms = (time.monotonic() - due) * 1000
        if late_ms > 5: tell(given_up=0, late_ms=late_ms)
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

  /** Another load from now on. */
  set({ callsPerSecond, inFlightMax }: Omit<LoadMessage, "type">): void {
    this.#process.stdin!.write(`load ${callsPerSecond} ${inFlightMax}\n`);
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
    } else if (said.given_up !== undefined) {
      listener.onGivenUp(Number(said.given_up), Number(said.late_ms));
    } else {
      const { pod = "", us = 0, failure = "", cpu = 0 } = said;
      const [latencyUs, cpuUs] = [Number(us), Number(cpu)];
      listener.onCall({ pod: String(pod), latencyUs, failure: String(failure), cpuUs });
    }
  }
}
