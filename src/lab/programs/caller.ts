/**
 * The client of one lane: a stub of grpc-js under a steady load, over its channel or fairlead's;
 * or several of them that have the calls in turn.
 *
 * Told of pods by xDS it is a program of Python where that has grpcio, or else grpc-js with
 * grpc-js-xds, which is there in a checkout.
 *
 * It dials what the lab says, says `ready` once connected, and from `start` to `stop` makes the
 * load that it was told, which `load` changes. A process of its own per lane, so that no lane's
 * work shows up in another lane's latency.
 */
import "./leash.ts";
import { hostname } from "node:os";
import * as grpc from "@grpc/grpc-js";
import { realClock } from "../../base/index.ts";
import type { ClusterView } from "../../cluster/index.ts";
import { asked } from "../load/asked.ts";
import { type CallEnd, Load } from "../load/load.ts";
import { OpenSockets } from "../load/sockets.ts";
import { Tally } from "../load/tally.ts";
import type { CallerMessage, ChildMessage, DialMessage } from "../messages.ts";
import { subchannels } from "./caller-channelz.ts";
import { CallerWhy } from "./caller-why.ts";
import { PythonCaller } from "./python-caller.ts";
import { hasPythonGrpc } from "./python-load.ts";

/** On a busy machine grpc-js-xds takes seconds to be told of the pods. */
const READY_TIMEOUT_MS = 15_000;
const CONNECTIONS_TIMEOUT_MS = 1000;
const CONNECTIONS_POLL_MS = 5;
const CALL_TIMEOUT_MS = 5000;

const clock = realClock();
const host = hostname();
const sockets = new OpenSockets(clock);
const why = new CallerWhy(clock, sockets);

const tell = (message: ChildMessage): void => {
  // The lab may be gone already; the leash ends this process then.
  if (process.connected) process.send?.(message);
};

/** The stubs of a lane. */
class Stubs {
  readonly #clients: readonly grpc.Client[];
  readonly #dial: DialMessage;

  constructor(dial: DialMessage, { channel, viewOf }: Under) {
    this.#dial = dial;
    // What the lane says holds; where it says nothing, what the Service says.
    const config = dial.serviceConfig
      ? { "grpc.service_config": dial.serviceConfig, "grpc.service_config_disable_resolution": 1 }
      : {};
    // grpc-js has equal channels share their connections, unless it is told not to.
    const own = dial.channels > 1 ? { "grpc.use_local_subchannel_pool": 1 } : {};
    const options = { ...channel, ...config, ...own };
    this.#clients = Array.from(
      { length: dial.channels },
      () => new grpc.Client(dial.target, grpc.credentials.createInsecure(), options),
    );
    if (viewOf === null) why.sources = { subchannels };
    else why.sources = { view: () => viewOf(this.#clients[0]!) };
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
    if (sockets.count >= this.#dial.connections || clock.nowMs() >= untilMs) {
      const isXds = this.#dial.xdsBootstrap !== null;
      tell({ type: "ready", ...(isXds && { client: "grpc-js with grpc-js-xds" }) });
    } else {
      clock.setTimer(CONNECTIONS_POLL_MS, () => this.#awaitConnections(untilMs));
    }
  }

  /** Makes the call of a number over the channel whose turn it is. */
  call(number: number, onEnd: (end: CallEnd) => void): void {
    const client = this.#clients[number % this.#clients.length]!;
    const startMs = clock.nowMs();
    const second = Math.floor(clock.wallMs() / 1000);
    const { definition, text, podOf } = asked(this.#dial.calls, number, { host, second });
    let named = "";
    const call = client.makeUnaryRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      { text },
      { deadline: clock.wallMs() + CALL_TIMEOUT_MS },
      (error: grpc.ServiceError | null, answer: string | undefined) => {
        const pod = error === null ? podOf(answer ?? "", named) : null;
        const failure = error === null ? notAnswered(pod, answer) : failureText(error);
        why.ended(pod ?? "", clock.nowMs() - startMs, failure ?? "", call.getPeer());
        onEnd(failure === null ? { pod: pod ?? "" } : { failure });
      },
    );
    call.on("metadata", (headers) => {
      named = String(headers.get("hostname")[0] ?? "");
    });
  }
}

function failureText({ code, details }: grpc.ServiceError): string {
  return `${grpc.status[code] ?? code}: ${details}`;
}

function notAnswered(pod: string | null, answer: string | undefined): string | null {
  return pod === null ? `"${answer}" is no answer to the call` : null;
}

/** What is under a stub. */
interface Under {
  readonly channel: grpc.ClientOptions;
  /** What fairlead's channel knows; null for that of grpc-js. */
  readonly viewOf: ((client: grpc.Client) => ClusterView | null) | null;
}

const STOCK: Under = { channel: {}, viewOf: null };

/** The one line that puts fairlead under a stub; nothing for stock grpc-js, which stays lean. */
async function channelOf(message: DialMessage): Promise<Under> {
  const { kubernetes, xdsBootstrap, connectionsPerPod } = message;
  if (xdsBootstrap !== null) {
    process.env.GRPC_XDS_BOOTSTRAP_CONFIG = xdsBootstrap;
    (await import("@grpc/grpc-js-xds")).register();
    return STOCK;
  }
  if (kubernetes === null) return STOCK;
  sockets.apiServer = kubernetes.server;
  const { channelFactory, viewOf } = await import("../../client/index.ts");
  const { kubeconfig } = kubernetes;
  const options = { kubernetes: { kubeconfig }, maxConnectionsPerEndpoint: connectionsPerPod };
  return { channel: { channelFactoryOverride: channelFactory(grpc, options) }, viewOf };
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

function dial(message: DialMessage): void {
  process.title = `fairlead-lab caller ${message.target.slice(0, 40)}`;
  const isPython = usesPython(message);
  if (isPython === true) load = new PythonCaller(message, { clock, tell, why });
  if (isPython !== false) return;
  channelOf(message).then(
    (under) => {
      const stubs = new Stubs(message, under);
      load = new Load(message, {
        ...{ clock, tell, tally: new Tally(clock, () => process.cpuUsage()) },
        call: (number, onEnd) => stubs.call(number, onEnd),
        connections: () => sockets.count,
      });
      stubs.connect();
    },
    () => {
      const reason = "neither Python with grpcio nor @grpc/grpc-js-xds is here";
      tell({ type: "failed", code: "", reason });
    },
  );
}

process.title = "fairlead-lab caller";
// It lives on its channel, and so do its connections after the load: what stands behind them is
// looked at once more then.
process.channel?.ref();
process.on("message", (message: CallerMessage) => {
  if (message.type === "dial") dial(message);
  else if (message.type === "load") load?.set(message);
  else if (message.type === "why") tell(why.answer(message.id));
  else if (message.type === "start") load?.start();
  else load?.stop();
});
