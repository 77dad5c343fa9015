/**
 * The ways that the lab compares: for each, what a stub of grpc-js is told to dial, over whose
 * channel, and what has to run in between. A lane knows nothing of load or figures.
 */
import { fileURLToPath } from "node:url";
import type { Clock } from "../base/index.ts";
import type { Child, Children } from "./children.ts";
import { type Deployment, LAB_TARGET, NAMESPACE, SERVICES } from "./deployment.ts";
import { LabError } from "./error.ts";
import type { KubernetesAccess } from "./messages.ts";
import type { LaneName } from "./options.ts";
import { firstWord } from "./pods.ts";

/** Whatever a proxy needs longer than this to listen is taken as a failure. */
const PROXY_START_TIMEOUT_MS = 5000;

const ROUND_ROBIN = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });

/** What a lane may use. */
export interface LaneEnv {
  readonly pods: Deployment;
  /** Resolves when the first pods serve: what needs none of them may start before. */
  readonly podsReady: Promise<void>;
  /** Of the DNS server: ip:port. */
  readonly dns: string;
  /** How the API server is found. */
  readonly kubernetes: KubernetesAccess;
  readonly children: Children;
  readonly clock: Clock;
  /** The `fairlead` command and its first arguments; `bin/fairlead` except in tests. */
  readonly fairlead: readonly string[];
  /** To be called when something between client and pods has ended by itself. */
  onBroken(reason: string): void;
}

/** What the caller of a lane dials. */
export interface Dial {
  readonly target: string;
  /** Service config JSON, or "" for none. */
  readonly serviceConfig: string;
  /** How many connections to pods, or to what stands before them, it holds when it is ready. */
  readonly connections: number;
  /** For fairlead's channel, which watches the API server; null: grpc-js' own channel. */
  readonly kubernetes: KubernetesAccess | null;
}

/** One way to reach the pods. */
export interface Lane {
  readonly name: LaneName;
  readonly title: string;
  /** How the client dials, for people. */
  readonly how: string;
  /** Starts what stands between client and pods. Throws `LabError` with the reason if it cannot. */
  open(env: LaneEnv): Promise<Dial>;
}

/** The `fairlead` command of this checkout or package. */
export function fairleadCommand(): readonly string[] {
  return [fileURLToPath(new URL("../../bin/fairlead", import.meta.url))];
}

const CLUSTERIP: Lane = {
  name: "clusterip",
  title: "ClusterIP Service",
  how: "stock grpc-js, one channel to the ClusterIP",
  async open({ pods, podsReady, children, onBroken }) {
    await podsReady;
    const { host, port } = pods.clusterIp;
    const addresses = (): string[] => pods.ready.map((pod) => pod.address);
    const list = addresses().join(",");
    const relay = children.program("clusterip", "clusterip", [host, String(port), list]);
    const word = await firstWord(relay);
    if (word.type !== "listening") {
      throw new LabError(
        word.type === "failed" ? word.reason : "the ClusterIP relay did not listen",
      );
    }
    relay.ended.then(() => onBroken(`the ClusterIP relay ${relay.endReason}`));
    // Pods that came before the relay listened, and all that come and go from now on.
    const follow = (): void => relay.send({ type: "pods", addresses: addresses() });
    follow();
    pods.onChange(follow);
    return { target: `${host}:${word.port}`, serviceConfig: "", connections: 1, kubernetes: null };
  },
};

const STATIC: Lane = {
  name: "static",
  title: "All pods listed",
  how: "stock grpc-js, round_robin over all pods",
  async open({ pods, podsReady }) {
    await podsReady;
    const list = pods.ready.map((pod) => pod.address);
    return {
      target: `ipv4:${list.join(",")}`,
      serviceConfig: ROUND_ROBIN,
      connections: list.length,
      kubernetes: null,
    };
  },
};

const HEADLESS: Lane = {
  name: "headless",
  title: "Headless Service",
  how: "stock grpc-js, dns:/// and round_robin",
  async open({ pods, podsReady, dns }) {
    await podsReady;
    const { port } = pods.clusterIp;
    if (port === 0) {
      throw new LabError("DNS tells no ports, and on this system the pods have different ones");
    }
    const name = `${SERVICES.headless}.${NAMESPACE}.svc.cluster.local`;
    return {
      target: `dns://${dns}/${name}:${port}`,
      serviceConfig: ROUND_ROBIN,
      connections: pods.ready.length,
      kubernetes: null,
    };
  },
};

const CLIENT: Lane = {
  name: "client",
  title: "fairlead client",
  how: "grpc-js stub on fairlead's channel, kubernetes:///",
  async open({ pods, podsReady, kubernetes }) {
    await podsReady;
    return {
      target: LAB_TARGET,
      // The same policy as the `static` lane, so that the two differ in how pods are found.
      serviceConfig: ROUND_ROBIN,
      connections: pods.ready.length,
      kubernetes,
    };
  },
};

const PROXY: Lane = {
  name: "proxy",
  title: "fairlead proxy",
  how: "stock grpc-js, one connection to fairlead proxy, round_robin from there",
  async open({ podsReady, children, clock, fairlead, kubernetes, onBroken }) {
    const target = LAB_TARGET;
    const proxy = children.command("fairlead proxy", [
      ...fairlead,
      ...["proxy", "--listen", "127.0.0.1:0", "--to", target],
      ...["--kubeconfig", kubernetes.kubeconfig],
      // The same policy as the `static` lane, so that the two differ in one thing: where it runs.
      ...["--policy", "round_robin", "--log-level", "info"],
    ]);
    const address = await listeningAddress(proxy, clock);
    proxy.ended.then(() => onBroken(`${proxy.label} ${proxy.endReason}`));
    await podsReady;
    return { target: address, serviceConfig: "", connections: 1, kubernetes: null };
  },
};

/** All lanes by name. */
export const LANES: Readonly<Record<LaneName, Lane>> = {
  clusterip: CLUSTERIP,
  static: STATIC,
  headless: HEADLESS,
  client: CLIENT,
  proxy: PROXY,
};

/** The address in the `listening` log line of a `fairlead` process. */
function listeningAddress(child: Child, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new LabError(`${child.label} ${why}`));
    const timer = clock.setTimer(PROXY_START_TIMEOUT_MS, () => {
      fail(`did not listen within ${PROXY_START_TIMEOUT_MS / 1000} s`);
    });
    child.ended.then(() => {
      timer.cancel();
      fail(child.endReason);
    });
    child.onStderr(() => {
      const match = /^\{.*"msg":"listening".*\}$/m.exec(child.stderr)?.[0];
      if (!match) return;
      timer.cancel();
      resolve(String((JSON.parse(match) as { address: unknown }).address));
    });
  });
}
