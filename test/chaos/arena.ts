/**
 * Who takes part in a run of chaos: pods behind gates, two proxies, and callers by every way of
 * fairlead's. It starts them, replaces what faults took away, and ends them.
 */
import { SERVICE_NAME_LABEL } from "../../src/discovery/index.ts";
import type { ApiObject } from "../../src/lab/cluster/index.ts";
import type { CallerProcess } from "../rollouts/caller-process.ts";
import type { Load } from "../rollouts/plan.ts";
import type { Pod } from "../rollouts/pod.ts";
import { SERVICE, type Stage } from "../rollouts/stage.ts";
import type { WatchedProxy } from "../rollouts/watched-proxy.ts";
import { Gate } from "./gate.ts";

/** How many pods there are. */
export const PODS = 4;
const PORT = 50_051;

const LOAD: Load = {
  ...{ concurrency: 5, pauseMs: 8, streamShare: 0.4, cancelShare: 0.05 },
  ...{ bytesMax: 4_000, unaryMsMax: 60, streamMsMax: 1_500 },
  // Longer than whatever a fault may cost: what exceeds it hung.
  deadlineMs: 90_000,
  lookMs: 40,
};

/** A pod, the gate before it, and its successors under the same address. */
export class ArenaPod {
  readonly arena: Arena;
  readonly gate: Gate;
  readonly #name: string;
  readonly #host: string;
  readonly #innerHost: string;
  pod!: Pod;

  constructor(arena: Arena, name: string) {
    this.arena = arena;
    this.#name = name;
    this.#host = arena.stage.nextHost();
    this.#innerHost = arena.stage.nextHost();
    this.gate = new Gate(this.#host, this.#innerHost, PORT);
  }

  /** Puts a new pod, which is ready, in the place. */
  async replace(): Promise<void> {
    this.pod = await this.arena.stage.addPod(this.#name, this.#host, this.#innerHost);
    this.pod.setReady(true);
  }
}

/** See the head of this file. */
export class Arena {
  readonly stage: Stage;
  readonly pods: ArenaPod[];
  /** The first one lives on; the second may be killed. */
  readonly proxies: WatchedProxy[] = [];
  /** Of the grpc-js channel, of the plain API, and of each proxy. */
  readonly callers: CallerProcess[] = [];
  /** Callers that may be killed, one after the other. */
  readonly victims: CallerProcess[] = [];
  readonly #seed: number;
  #lying: Promise<void> = Promise.resolve();

  constructor(stage: Stage, seed: number) {
    this.stage = stage;
    this.#seed = seed;
    this.pods = Array.from({ length: PODS }, (_, i) => new ArenaPod(this, `echo-${i + 1}`));
  }

  /** Starts everybody. */
  async start(): Promise<void> {
    await Promise.all(
      this.pods.map(async (place) => {
        await place.gate.open();
        await place.replace();
      }),
    );
    this.proxies.push(await this.stage.proxy("least_request"));
    this.proxies.push(await this.stage.proxy("round_robin", await this.stage.freeAddress()));
    const [first, second] = this.proxies.map(({ address }) => address);
    const seed = this.#seed;
    this.callers.push(
      ...(await Promise.all([
        this.stage.caller("client", { way: "client", load: LOAD, seed }),
        this.stage.caller("plain", { way: "plain", load: LOAD, seed }),
        this.stage.caller("proxy-1", { way: "proxy", load: LOAD, seed, proxyAddress: first }),
        this.stage.caller("proxy-2", { way: "proxy", load: LOAD, seed, proxyAddress: second }),
      ])),
    );
    await this.#addVictim();
  }

  async #addVictim(): Promise<void> {
    const name = `victim${this.victims.length + 1}`;
    const [{ address }] = this.proxies;
    const isOwn = this.victims.length % 2 === 0;
    const way = isOwn ? "client" : "proxy";
    const options = { way, load: LOAD, seed: this.#seed, proxyAddress: address } as const;
    this.victims.push(await this.stage.caller(name, options));
  }

  /** Kills a caller in the middle of its calls; another comes. */
  async restartVictim(): Promise<void> {
    const victim = this.victims.at(-1)!;
    victim.process.signal("SIGKILL");
    await victim.process.exited;
    await this.#addVictim();
  }

  /** Kills the second proxy; another listens where it did. */
  async restartProxy(): Promise<void> {
    const [, old] = this.proxies;
    old.started.process.signal("SIGKILL");
    await old.started.process.exited;
    await old.unwatch();
    this.proxies[1] = await this.stage.proxy("round_robin", old.address);
  }

  /** The slices that the controller keeps for the Service. */
  readonly slices = (): ApiObject[] =>
    [...this.stage.cluster.objects.store.all("EndpointSlice")].filter(
      ({ metadata }) =>
        metadata.labels?.[SERVICE_NAME_LABEL] === SERVICE && !/^liar|-moving$/.test(metadata.name),
    );

  /** The controller rests while `lie` changes slices; one lie at a time. */
  lying(lie: () => Promise<void>): Promise<void> {
    const { controller } = this.stage.cluster;
    this.#lying = this.#lying.then(async () => {
      controller?.setPaused(true);
      try {
        await lie();
      } finally {
        controller?.setPaused(false);
      }
    });
    return this.#lying;
  }

  /** Ends all gates; processes end with the stage. */
  close(): void {
    for (const { gate } of this.pods) gate.close();
  }
}
