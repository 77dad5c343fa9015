/**
 * What `fairlead endpoints TARGET -w -o json` says of a target, while it changes.
 *
 * The one place that knows how the suite observes: a process inside the cluster's network, one JSON
 * document a line for each change.
 */
import assert from "node:assert/strict";
import { FAIRLEAD } from "../cli/harness.ts";
import type { RunningProcess } from "../peers/processes.ts";
import type { TestCluster } from "./cluster.ts";

/** One endpoint, as the contract has it. */
export interface SeenEndpoint {
  readonly address: string;
  readonly addresses: readonly string[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly usable: boolean;
  readonly reason: string;
  readonly pod: string | null;
  readonly uid: string | null;
  readonly node: string | null;
  readonly zone: string | null;
  readonly hints: { readonly nodes: readonly string[]; readonly zones: readonly string[] };
  readonly slice: string | null;
}

/** One line: the whole set. */
export interface SeenSet {
  readonly target: string;
  readonly endpoints: readonly SeenEndpoint[];
}

const WAIT_MS = 15_000;

/** See the head of this file. */
export class Watch {
  readonly process: RunningProcess;
  readonly #target: string;

  /** Starts it; it ends with `stop`, or with the cluster. */
  constructor(
    cluster: TestCluster,
    target: string,
    flags: readonly string[] = [],
    kubeconfig = cluster.kubeconfig,
  ) {
    this.#target = target;
    const args = ["endpoints", target, "-w", "-o", "json", "--kubeconfig", kubeconfig];
    const name = `endpoints ${target}`;
    this.process = cluster.launch(FAIRLEAD, [...args, ...flags], { name });
  }

  /** All sets so far. */
  get sets(): readonly SeenSet[] {
    const lines = this.process.stdout.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as SeenSet);
  }

  /** The set of now; null before the first. */
  get current(): SeenSet | null {
    return this.sets.at(-1) ?? null;
  }

  /** Addresses that new calls may go to now, without ports, sorted as they come. */
  get usable(): readonly string[] {
    return usableOf(this.current);
  }

  /** Waits until the set of now is as wanted. */
  async until(what: string, isWanted: (set: SeenSet) => boolean, waitMs = WAIT_MS): Promise<void> {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const { current } = this;
      if (current !== null && isWanted(current)) return;
      const { exit, stderr } = this.process;
      if (exit !== null || Date.now() > deadline) {
        const seen = JSON.stringify(current, null, 1);
        assert.fail(`${this.#target}: not ${what}: ${seen}\n${stderr.slice(-2000)}`);
      }
      await this.#change(deadline);
    }
  }

  /** Waits until exactly these can be used. */
  untilUsable(addresses: readonly string[], waitMs?: number): Promise<void> {
    const want = [...addresses].sort().join(" ");
    const isWanted = (set: SeenSet) => usableOf(set).toSorted().join(" ") === want;
    return this.until(`usable: ${want}`, isWanted, waitMs);
  }

  /** Waits until the log says something. */
  async untilLogged(pattern: RegExp, waitMs = WAIT_MS): Promise<void> {
    await this.process.waitFor(pattern, waitMs);
  }

  /** Resolves at the next line, or soon. */
  async #change(deadline: number): Promise<void> {
    const count = this.sets.length;
    const leftMs = Math.max(1, Math.min(deadline - Date.now(), 1_000));
    const more = new RegExp(`^(?:[^\\n]*\\n){${count + 1}}`);
    await this.process.waitFor(more, leftMs).catch(() => {});
  }

  /** Ends it. */
  async stop(): Promise<void> {
    await this.process.stop();
  }
}

function usableOf(set: SeenSet | null): readonly string[] {
  const usable = set?.endpoints.filter((each) => each.usable) ?? [];
  return usable.map(({ address }) => address.replace(/:\d+$/, ""));
}
