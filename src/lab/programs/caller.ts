/**
 * The client of one lane: a stub of grpc-js under a steady load, over its channel or fairlead's;
 * or several of them that have the calls in turn.
 *
 * Told of pods by xDS it is a program of Python where that has grpcio, or else grpc-js with
 * grpc-js-xds, which is there in a checkout.
 *
 * It dials what the lab says, says `ready` once connected, and from `start` to `stop` makes
 * `callsPerSecond` calls with at most `inFlightMax` of them open, reporting every 200 ms. A process
 * of its own per lane, so that no lane's work shows up in another lane's latency.
 */
import "./leash.ts";
import diagnostics from "node:diagnostics_channel";
import type net from "node:net";
import * as grpc from "@grpc/grpc-js";
import { realClock } from "../../base/index.ts";
import type { CallerMessage, ChildMessage, DialMessage } from "../messages.ts";
import { ECHO_SERVICE } from "../pods/echo.ts";
import { hasPythonGrpc, PythonLoad } from "./python-load.ts";

const READY_TIMEOUT_MS = 5000;
const CONNECTIONS_TIMEOUT_MS = 1000;
const CALL_TIMEOUT_MS = 5000;
const TICK_MS = 5;
const REPORT_MS = 200;
/** Latencies count from here on: before, all processes of the lab still warm up. */
const WARM_UP_MS = 500;
/** How far the load may fall behind its rate before the missed calls are given up. */
const BACKLOG_MS_MAX = 100;

const clock = realClock();
const { say: method } = ECHO_SERVICE;
const openSockets = new Set<net.Socket>();
/** The API server's ip:port, whose connections carry no calls; "" when there is none. */
let apiServer = "";
diagnostics.subscribe("net.client.socket", (message) => {
  const { socket } = message as { socket: net.Socket };
  socket.once("connect", () => {
    if (`${socket.remoteAddress}:${socket.remotePort}` !== apiServer) openSockets.add(socket);
  });
  socket.once("close", () => openSockets.delete(socket));
});

const tell = (message: ChildMessage): void => {
  // The lab may be gone already; the leash ends this process then.
  if (process.connected) process.send?.(message);
};

/** The load on one channel, and what came of it since the last report. */
class Load {
  readonly #clients: readonly grpc.Client[];
  readonly #dial: DialMessage;
  #perPod: Record<string, number> = {};
  #failed = 0;
  #lastFailure = "";
  #latenciesUs: number[] = [];
  #started = 0;
  #inFlight = 0;
  #isOn = false;
  /** Calls owed to the rate by now; whole calls are taken from it. */
  #owed = 0;
  #tickedAtMs = 0;
  #warmAtMs = Number.POSITIVE_INFINITY;

  constructor(dial: DialMessage, channel: grpc.ClientOptions) {
    this.#dial = dial;
    const config = dial.serviceConfig ? { "grpc.service_config": dial.serviceConfig } : {};
    // grpc-js has equal channels share their connections, unless it is told not to.
    const own = dial.channels > 1 ? { "grpc.use_local_subchannel_pool": 1 } : {};
    const options = { ...channel, ...config, ...own };
    this.#clients = Array.from(
      { length: dial.channels },
      () => new grpc.Client(dial.target, grpc.credentials.createInsecure(), options),
    );
  }

  /** Says `ready` once all channels are READY and connections are up (or a second has passed). */
  connect(): void {
    const deadline = clock.wallMs() + READY_TIMEOUT_MS;
    const ready = this.#clients.map(
      (client) =>
        new Promise<void>((resolve, reject) => {
          client.waitForReady(deadline, (error) => (error ? reject(error) : resolve()));
        }),
    );
    Promise.all(ready).then(
      () => this.#awaitConnections(clock.nowMs() + CONNECTIONS_TIMEOUT_MS),
      () => {
        const reason = `no connection to ${this.#dial.target} within ${READY_TIMEOUT_MS / 1000} s`;
        tell({ type: "failed", code: "", reason });
      },
    );
  }

  #awaitConnections(untilMs: number): void {
    if (openSockets.size >= this.#dial.connections || clock.nowMs() >= untilMs) {
      const isXds = this.#dial.xdsBootstrap !== null;
      tell({ type: "ready", ...(isXds && { client: "grpc-js with grpc-js-xds" }) });
    } else {
      clock.setTimer(TICK_MS, () => this.#awaitConnections(untilMs));
    }
  }

  start(): void {
    this.#isOn = true;
    this.#tickedAtMs = clock.nowMs();
    this.#warmAtMs = this.#tickedAtMs + WARM_UP_MS;
    this.#tick();
    clock.setTimer(REPORT_MS, () => this.#reportOn());
  }

  /** No further call; the last report goes out when the calls in flight are over. */
  stop(): void {
    this.#isOn = false;
    if (this.#inFlight === 0) this.#report(true);
  }

  #tick(): void {
    if (!this.#isOn) return;
    const nowMs = clock.nowMs();
    const passedMs = Math.min(nowMs - this.#tickedAtMs, BACKLOG_MS_MAX);
    this.#tickedAtMs = nowMs;
    const rate = this.#dial.callsPerSecond / 1000;
    this.#owed = Math.min(this.#owed + passedMs * rate, BACKLOG_MS_MAX * rate);
    while (this.#owed >= 1 && this.#inFlight < this.#dial.inFlightMax) {
      this.#owed -= 1;
      this.#call();
    }
    clock.setTimer(TICK_MS, () => this.#tick());
  }

  #call(): void {
    const startMs = clock.nowMs();
    const client = this.#clients[this.#started % this.#clients.length]!;
    this.#started += 1;
    this.#inFlight += 1;
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      "lab",
      { deadline: clock.wallMs() + CALL_TIMEOUT_MS },
      (error, pod) => this.#onEnd(startMs, error, pod),
    );
  }

  #onEnd(startMs: number, error: grpc.ServiceError | null, pod: string | undefined): void {
    this.#inFlight -= 1;
    if (error) {
      this.#failed += 1;
      this.#lastFailure = `${grpc.status[error.code] ?? error.code}: ${error.details}`;
    } else {
      const name = pod || "(no name)";
      this.#perPod[name] = (this.#perPod[name] ?? 0) + 1;
      if (startMs >= this.#warmAtMs) {
        this.#latenciesUs.push(Math.round((clock.nowMs() - startMs) * 1000));
      }
    }
    if (!this.#isOn && this.#inFlight === 0) this.#report(true);
  }

  #reportOn(): void {
    if (!this.#isOn) return;
    this.#report(false);
    clock.setTimer(REPORT_MS, () => this.#reportOn());
  }

  #report(final: boolean): void {
    tell({
      type: "report",
      perPod: this.#perPod,
      failed: this.#failed,
      lastFailure: this.#lastFailure,
      latenciesUs: this.#latenciesUs,
      connections: openSockets.size,
      final,
    });
    this.#perPod = {};
    this.#failed = 0;
    this.#lastFailure = "";
    this.#latenciesUs = [];
  }
}

/** The one line that puts fairlead under a stub; nothing for stock grpc-js, which stays lean. */
async function channelOf({ kubernetes, xdsBootstrap }: DialMessage): Promise<grpc.ClientOptions> {
  if (xdsBootstrap !== null) {
    process.env.GRPC_XDS_BOOTSTRAP_CONFIG = xdsBootstrap;
    (await import("@grpc/grpc-js-xds")).register();
    return {};
  }
  if (kubernetes === null) return {};
  apiServer = kubernetes.server;
  const { channelFactory } = await import("../../client/index.ts");
  const { kubeconfig } = kubernetes;
  return { channelFactoryOverride: channelFactory(grpc, { kubernetes: { kubeconfig } }) };
}

/** Counts what a program of Python tells. */
class PythonCaller {
  readonly #python: PythonLoad;
  #perPod: Record<string, number> = {};
  #failed = 0;
  #lastFailure = "";
  #latenciesUs: number[] = [];
  #isReady = false;
  #isOn = false;
  #warmAtMs = Number.POSITIVE_INFINITY;

  constructor(dial: DialMessage) {
    this.#python = new PythonLoad(dial, {
      onReady: () => {
        this.#isReady = true;
        tell({ type: "ready", client: "grpcio of Python" });
      },
      onCall: ({ pod, latencyUs, failure }) => {
        if (failure === "") this.#perPod[pod] = (this.#perPod[pod] ?? 0) + 1;
        else {
          this.#failed += 1;
          this.#lastFailure = failure;
        }
        if (failure === "" && clock.nowMs() >= this.#warmAtMs) this.#latenciesUs.push(latencyUs);
      },
      onEnded: (reason) => this.#onEnded(reason),
    });
  }

  start(): void {
    this.#isOn = true;
    this.#warmAtMs = clock.nowMs() + WARM_UP_MS;
    this.#python.start();
    clock.setTimer(REPORT_MS, () => this.#reportOn());
  }

  stop(): void {
    this.#isOn = false;
    this.#python.stop();
  }

  #onEnded(reason: string): void {
    if (reason === "") {
      this.#report(true);
      return;
    }
    if (!this.#isReady) tell({ type: "failed", code: "", reason: `Python: ${reason}` });
    process.exit(1);
  }

  #reportOn(): void {
    if (!this.#isOn) return;
    this.#report(false);
    clock.setTimer(REPORT_MS, () => this.#reportOn());
  }

  #report(final: boolean): void {
    const [perPod, failed] = [this.#perPod, this.#failed];
    const [lastFailure, latenciesUs] = [this.#lastFailure, this.#latenciesUs];
    // Its sockets are not ours to count: it holds one to each pod that answers.
    const connections = Object.keys(perPod).length;
    tell({ type: "report", perPod, failed, lastFailure, latenciesUs, connections, final });
    this.#perPod = {};
    this.#failed = 0;
    this.#lastFailure = "";
    this.#latenciesUs = [];
  }
}

/** What is wrong with the Python that is named is the lane's failure. */
function usesPython({ xdsBootstrap }: DialMessage): boolean | null {
  try {
    return xdsBootstrap !== null && hasPythonGrpc();
  } catch (error) {
    tell({ type: "failed", code: "", reason: (error as Error).message });
    return null;
  }
}

let load: Load | PythonCaller | null = null;
process.title = "fairlead-lab caller";
// It lives on its channel, and so do its connections after the load: what stands behind them is
// looked at once more then.
process.channel?.ref();
process.on("message", (message: CallerMessage) => {
  if (message.type === "dial") {
    process.title = `fairlead-lab caller ${message.target.slice(0, 40)}`;
    const isPython = usesPython(message);
    if (isPython === true) load = new PythonCaller(message);
    else if (isPython === false) {
      channelOf(message).then(
        (channel) => {
          const own = new Load(message, channel);
          load = own;
          own.connect();
        },
        () => {
          const reason = "neither Python with grpcio nor @grpc/grpc-js-xds is here";
          tell({ type: "failed", code: "", reason });
        },
      );
    }
  } else if (message.type === "start") {
    load?.start();
  } else {
    load?.stop();
  }
});
