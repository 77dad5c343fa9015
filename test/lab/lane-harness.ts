/**
 * A lab of pods without its command, for tests that open lanes one by one: each with a client of
 * its own, under a load that the test names.
 */
import type { TestContext } from "node:test";
import { realClock, realRng } from "../../src/base/index.ts";
import { StoreZone, startCluster } from "../../src/lab/cluster/index.ts";
import { LabDns } from "../../src/lab/dns/index.ts";
import { LANES, laneSite } from "../../src/lab/lanes/index.ts";
import type { ReportMessage } from "../../src/lab/messages.ts";
import type { LaneName } from "../../src/lab/options.ts";
import { Deployment } from "../../src/lab/pods/deployment.ts";
import { LOOPBACK } from "../../src/lab/pods/pod-network.ts";
import { firstWord } from "../../src/lab/pods/pods.ts";
import { type Child, Children } from "../../src/lab/system/children.ts";
import { writeKubeconfig } from "../../src/lab/system/kubeconfig.ts";
import { FAIRLEAD } from "../cli/harness.ts";

/** What a lane's client is to do. */
export interface LaneLoad {
  readonly callsPerSecond: number;
  readonly inFlightMax: number;
}

/** A lane that is open, and its client connected. */
export interface OpenLane {
  /** What its client told, summed up. */
  readonly perPod: ReadonlyMap<string, number>;
  readonly failed: () => string[];
  readonly connections: () => number;
  /** Why it broke off, if it did. */
  readonly broken: readonly string[];
  /** Its processes: client, and what stands between. */
  readonly children: Children;
  start(): void;
  /** Ends the load; resolves with the last call. */
  stop(): Promise<void>;
  /** Ends all of it. */
  close(): Promise<void>;
}

/** Pods that serve, and what lanes are opened with. */
export class LaneHarness {
  readonly deployment: Deployment;
  readonly #children: Children;
  readonly #env: {
    readonly dns: string;
    readonly kubernetes: { readonly kubeconfig: string; readonly server: string };
  };

  private constructor(
    deployment: Deployment,
    children: Children,
    env: { dns: string; kubernetes: { kubeconfig: string; server: string } },
  ) {
    this.deployment = deployment;
    this.#children = children;
    this.#env = env;
  }

  /** Starts so many pods; they and all lanes end with the test. */
  static async start(t: TestContext, pods: number): Promise<LaneHarness> {
    const clock = realClock();
    const children = new Children(clock);
    const cluster = await startCluster({ clock, rng: realRng() });
    const dnsServer = new LabDns({ clock, zone: new StoreZone(cluster.objects.store) });
    t.after(async () => {
      await children.close();
      await Promise.all([dnsServer.close(), cluster.close()]);
    });
    const kubeconfig = writeKubeconfig(cluster.url);
    t.after(() => kubeconfig.remove());
    const { objects } = cluster;
    const deployment = new Deployment(pods, { children, clock, objects, network: LOOPBACK });
    await deployment.start();
    const kubernetes = { kubeconfig: kubeconfig.path, server: new URL(cluster.url).host };
    return new LaneHarness(deployment, children, { dns: await dnsServer.listen(), kubernetes });
  }

  /** Opens a lane and connects its client. */
  async open(name: string, load: LaneLoad): Promise<OpenLane> {
    const children = this.#children.scope();
    const clock = realClock();
    const broken: string[] = [];
    const first = children.program(`client of ${name}`, "caller", []);
    const dial = await LANES[name as LaneName].open({
      ...{ ...this.#env, ...laneSite("no namespace here"), children, clock, client: first },
      ...{ pods: this.deployment, podsReady: Promise.resolve(), fairlead: [FAIRLEAD] },
      hasPeers: false,
      onBroken: (reason) => broken.push(reason),
    });
    const { program } = dial;
    const client = program === undefined ? first : children.program(name, program, []);
    const word = firstWord(client);
    client.send({
      ...{ type: "dial", target: dial.target, serviceConfig: dial.serviceConfig },
      ...{
        connections: dial.connections,
        channels: dial.channels ?? 1,
        connectionsPerPod: dial.connectionsPerPod ?? 1,
        calls: dial.calls ?? "say",
      },
      ...{ kubernetes: dial.kubernetes ?? null, xdsBootstrap: dial.xdsBootstrap ?? null },
      ...load,
    });
    const said = await word;
    if (said.type !== "ready") throw new Error(`${name}: ${JSON.stringify(said)}`);
    const figures = new Figures(client);
    return {
      ...{ perPod: figures.perPod, broken, children },
      failed: () => figures.failures,
      connections: () => figures.connections,
      start: () => client.send({ type: "start" }),
      stop: () => {
        client.send({ type: "stop" });
        return figures.final;
      },
      close: async () => {
        await dial.close?.();
        await children.close();
      },
    };
  }
}

/** The reports of a client, summed up. */
class Figures {
  readonly perPod = new Map<string, number>();
  readonly failures: string[] = [];
  readonly final: Promise<void>;
  connections = 0;

  constructor(client: Child) {
    this.final = new Promise((resolve) => {
      client.onMessage((message) => {
        if (message.type !== "report") return;
        this.#add(message);
        if (message.final) resolve();
      });
    });
  }

  #add({ perPod, failed, lastFailure, connections }: ReportMessage): void {
    for (const [pod, calls] of Object.entries(perPod)) {
      this.perPod.set(pod, (this.perPod.get(pod) ?? 0) + calls);
    }
    for (let nth = 0; nth < failed; nth += 1) this.failures.push(lastFailure);
    this.connections = connections;
  }
}
