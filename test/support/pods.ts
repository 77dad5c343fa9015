/**
 * Pods of a `ClusterHarness` that answer calls by themselves, each with the status that the test
 * gave it, and a count of what each got.
 */
import { type Endpoint, newEndpoint } from "../../src/discovery/index.ts";
import type { ClusterHarness } from "./cluster.ts";
import { eventually, type RawServer } from "./raw-http2.ts";

/** See the head of this file. In the order of their addresses. */
export class Pods {
  readonly harness: ClusterHarness;
  readonly servers: RawServer[] = [];
  /** The `grpc-status` of each; "0" unless the test says otherwise. */
  readonly statuses: string[] = [];
  readonly #answered = new WeakSet<object>();

  constructor(harness: ClusterHarness) {
    this.harness = harness;
  }

  /** Starts so many more; they are no endpoints yet. */
  async start(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) this.servers.push(await this.harness.server());
    this.servers.sort((a, b) => (a.address < b.address ? -1 : 1));
    while (this.statuses.length < this.servers.length) this.statuses.push("0");
  }

  /** The endpoint of one. */
  endpoint(pod: number, more: Partial<Endpoint> = {}): Endpoint {
    return { ...newEndpoint(this.servers[pod]!.address, "test"), ...more };
  }

  /** Starts calls at once, answers them, and returns how many each pod got. */
  async calls(count: number): Promise<number[]> {
    const probes = Array.from({ length: count }, () => this.harness.call());
    const counts = this.servers.map(() => 0);
    await eventually("all calls are over", () => {
      for (const i of counts.keys()) counts[i]! += this.answer(i);
      return probes.every(({ isEnded, isFailed }) => isEnded || isFailed);
    });
    return counts;
  }

  /** Answers what a pod has not answered yet; returns how many calls that were. */
  answer(pod: number): number {
    let count = 0;
    for (const connection of this.servers[pod]!.connections) {
      for (const stream of connection.streams.values()) {
        const isOpen = stream.lists.length > 0 && stream.resetCode === null;
        if (!isOpen || this.#answered.has(stream)) continue;
        this.#answered.add(stream);
        connection.respond(stream.id, this.statuses[pod]);
        count += 1;
      }
    }
    return count;
  }

  /** The state in which the cluster shows one. */
  state(pod: number): string {
    return this.harness.view(this.servers[pod]!).state;
  }

  /** The steps of `why` for one, as "rule: effect". */
  steps(pod: number): string[] {
    const { decision } = this.harness.view(this.servers[pod]!);
    return decision.map(({ rule, effect }) => `${rule}: ${effect}`);
  }
}
