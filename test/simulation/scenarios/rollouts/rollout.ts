/**
 * One rollout in virtual time: every pod is replaced under load, and each call is accounted for,
 * as its client saw it and as the pods did.
 */
import { Status } from "../../../../src/grpc/index.ts";
import { CHANNEL_CLUSTER, Client, policyConfig, type SimulatedCall } from "../../world/client.ts";
import { type Draw, exponential, lognormal } from "../../world/distributions.ts";
import { Network } from "../../world/network.ts";
import type { Pod, PodConfig } from "../../world/pod.ts";
import { Service } from "../../world/service.ts";
import { World } from "../../world/world.ts";
import type { Plan } from "./plan.ts";

/** What a rollout counts. */
export interface Outcome {
  readonly plan: Plan;
  calls: number;
  streams: number;
  ok: number;
  /** Failed, and a pod that was killed had begun to work on it. */
  lostExecuted: number;
  /** Failed, and it was on its way to a pod that was killed: nobody can tell from here. */
  lostOnTheWay: number;
  /** Of both, those with one answer; a stream that was answered in part cannot be sent again. */
  lostUnary: number;
  /** Failed for no reason that the plan allows, or without saying where: one sentence each. */
  readonly unexplained: string[];
  /** Calls that were executed more than once. */
  executedTwice: number;
  /** Calls sent again elsewhere, because a pod had provably done nothing with them. */
  replays: number;
  /** Calls that no pod and no failure accounts for. */
  unaccounted: number;
  longestMs: number;
}

const POD: PodConfig = {
  workMs: lognormal(10, 0.7),
  streamMs: (rng) => 200 + 3_800 * rng.next(),
  workers: 64,
  queueMax: 1_000,
  maxStreams: 100,
};
/** Kubernetes' own: far more than the longest stream. */
const GRACE_MS = 30_000;
const SETTLE_MS = 2_000;
/**
 * Within this every client has heard of a change. Either a pod that leaves serves on for as long
 * (preStop, --drain-delay), or the next one leaves no sooner (minReadySeconds): a rollout that is
 * faster than the news leaves clients with nothing but pods that are gone.
 */
const NEWS_MS_MAX = 1_500;
const newsMs: Draw = (rng) => Math.min(NEWS_MS_MAX, exponential(300)(rng));

const RETRY_POLICY = {
  maxAttempts: 3,
  initialBackoff: "0.01s",
  maxBackoff: "0.1s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE"],
};

/** Runs one. */
export function runRollout(plan: Plan): Outcome {
  return new Rollout(plan).run();
}

class Rollout {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #service: Service;
  readonly #outcome: Outcome;
  /** How often each call was executed. */
  readonly #executions = new Map<string, number>();
  readonly #failed: SimulatedCall[] = [];
  readonly #clients: Client[];

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#world = new World(plan.seed);
    const network = new Network(this.#world, lognormal(0.3, 0.5));
    this.#service = new Service(network, newsMs, {
      onExecuted: (_pod, request) => {
        const id = request.get("call-id")!;
        this.#executions.set(id, (this.#executions.get(id) ?? 0) + 1);
      },
    });
    this.#service.addMany(plan.pods, POD);
    this.#outcome = {
      ...{ plan, calls: 0, streams: 0, ok: 0, lostExecuted: 0, lostOnTheWay: 0, lostUnary: 0 },
      ...{ unexplained: [], executedTwice: 0, replays: 0, unaccounted: 0, longestMs: 0 },
    };
    this.#clients = Array.from({ length: plan.clients }, (_, i) => this.#newClient(`client-${i}`));
  }

  #newClient(name: string): Client {
    const { policy, isChannel, leaving } = this.#plan;
    const methodConfig = leaving === "retried" ? [{ name: [{}], retryPolicy: RETRY_POLICY }] : [];
    return new Client(this.#service, {
      name,
      serviceConfig: { ...policyConfig(policy), methodConfig },
      ...(isChannel ? { cluster: CHANNEL_CLUSTER } : {}),
      onCallEnded: (call) => this.#onCallEnded(call),
    });
  }

  run(): Outcome {
    const world = this.#world;
    this.#offer();
    world.run(SETTLE_MS);
    for (const pod of [...this.#service.pods]) this.#replace(pod);
    world.run(SETTLE_MS);
    for (const client of this.#clients) client.stop();
    world.run(GRACE_MS + SETTLE_MS);
    this.#close();
    this.#account();
    return this.#outcome;
  }

  #offer(): void {
    const { callsPerS, streamShare, bodyShare, seed } = this.#plan;
    for (const client of this.#clients) {
      const rng = this.#world.rng(`calls of ${client.name}`);
      const rate = callsPerS / this.#clients.length;
      client.offer(
        () => rate,
        () => ({
          id: `${seed}-${this.#outcome.calls++}`,
          isStream: rng.next() < streamShare,
          hasBody: rng.next() < bodyShare,
        }),
      );
    }
  }

  /** Replaces one pod, and waits until the new one is ready. */
  #replace(pod: Pod): void {
    const { isSurge, startupMs } = this.#plan;
    if (!isSurge) this.#end(pod);
    this.#world.run(startupMs);
    this.#service.add(POD);
    if (!isSurge) return;
    // The controller sees that it is ready, and goes on.
    this.#world.run(100);
    this.#end(pod);
  }

  #end(pod: Pod): void {
    const { leaving, drainDelayMs, noticedMs } = this.#plan;
    if (leaving === "killed" || leaving === "retried") {
      this.#service.kill(pod, noticedMs);
      this.#world.run(noticedMs + NEWS_MS_MAX);
      return;
    }
    pod.isRefusing = leaving === "refused";
    this.#service.remove(pod, drainDelayMs, GRACE_MS);
    // One pod at a time: what a second one refuses too has failed (A6: sent again once).
    if (pod.isRefusing) this.#world.run(drainDelayMs + SETTLE_MS);
    else if (drainDelayMs < NEWS_MS_MAX) this.#world.run(NEWS_MS_MAX);
  }

  #onCallEnded(call: SimulatedCall): void {
    const outcome = this.#outcome;
    outcome.longestMs = Math.max(outcome.longestMs, call.tookMs);
    if (call.isStream) outcome.streams += 1;
    if (call.status === Status.OK) outcome.ok += 1;
    else this.#failed.push(call);
  }

  #close(): void {
    for (const client of this.#clients) {
      this.#outcome.replays += client.metric("fairlead_transparent_replays_total");
      client.cluster.close();
    }
    this.#world.run(2 * GRACE_MS);
    const { pendingCount } = this.#world.clock;
    const open = this.#service.pods.reduce((sum, pod) => sum + pod.connectionCount, 0);
    if (pendingCount > 0) this.#outcome.unexplained.push(`${pendingCount} timers were left`);
    if (open > 0) this.#outcome.unexplained.push(`${open} connections were left open`);
  }

  #account(): void {
    const outcome = this.#outcome;
    for (const call of this.#failed) this.#judge(call);
    for (const count of this.#executions.values()) if (count > 1) outcome.executedTwice += 1;
    const { calls, ok, lostExecuted, lostOnTheWay, unexplained } = outcome;
    outcome.unaccounted = calls - ok - lostExecuted - lostOnTheWay - unexplained.length;
    // Both sides agree: what was answered was executed, and nothing else but what was lost.
    const executed = this.#executions.size;
    if (executed !== ok + lostExecuted) {
      unexplained.push(`pods executed ${executed} calls, clients know of ${ok + lostExecuted}`);
    }
  }

  /** A failure is explained when its last attempt went to a pod that was killed, and it says so. */
  #judge(call: SimulatedCall): void {
    const { address, failure } = call;
    const pod = this.#service.pods.find((each) => each.address === address);
    const says = failure !== null && address !== null && failure.reason.startsWith(address);
    if (pod?.isKilled === true && says && failure.kind === "lost") {
      if (this.#executions.has(call.id!)) this.#outcome.lostExecuted += 1;
      else this.#outcome.lostOnTheWay += 1;
      if (!call.isStream) this.#outcome.lostUnary += 1;
      return;
    }
    const why = failure?.reason ?? `status ${call.status}`;
    this.#outcome.unexplained.push(`call ${call.id} failed after ${call.tookMs} ms: ${why}`);
  }
}
