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
import { eventually, WAIT_MS } from "./wait.ts";

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

/** See the head of this file. */
export class Watch {
  readonly process: RunningProcess;
  readonly #target: string;
  #sets: readonly SeenSet[] = [];
  #readChars = 0;

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
    const { stdout } = this.process;
    const end = stdout.lastIndexOf("\n") + 1;
    if (end > this.#readChars) {
      const lines = stdout.slice(this.#readChars, end).trimEnd().split("\n");
      this.#sets = [...this.#sets, ...lines.map((line) => JSON.parse(line) as SeenSet)];
      this.#readChars = end;
    }
    return this.#sets;
  }

  /** The set of now; null before the first. */
  get current(): SeenSet | null {
    return this.sets.at(-1) ?? null;
  }

  /** Addresses that new calls may go to now, without ports, sorted by `toSorted`. */
  get usable(): readonly string[] {
    return usableOf(this.current);
  }

  /** Waits until the set of now is as wanted. */
  async until(what: string, isWanted: (set: SeenSet) => boolean, waitMs = WAIT_MS): Promise<void> {
    const look = () => {
      const { current } = this;
      if (current !== null && isWanted(current)) return true;
      if (this.process.exit !== null) throw new Error("it ended");
      return false;
    };
    await eventually(what, look, waitMs).catch((error) => {
      const seen = JSON.stringify(this.current?.endpoints.map(summary) ?? null);
      const log = this.process.stderr.slice(-2000);
      assert.fail(`${this.#target}: ${error.message}; now: ${seen}\n${log}`);
    });
  }

  /** Waits until exactly these can be used. */
  untilUsable(addresses: readonly string[], waitMs?: number): Promise<void> {
    const want = [...addresses].sort().join(" ");
    const isWanted = (set: SeenSet) => usableOf(set).join(" ") === want;
    return this.until(`usable: ${want}`, isWanted, waitMs);
  }

  /** Waits until the log says something. */
  async untilLogged(pattern: RegExp, waitMs = WAIT_MS): Promise<void> {
    await this.process.waitFor(pattern, waitMs);
  }

  /** Ends it. */
  async stop(): Promise<void> {
    await this.process.stop();
  }
}

function usableOf(set: SeenSet | null): readonly string[] {
  const usable = set?.endpoints.filter((each) => each.usable) ?? [];
  return usable.map(({ address }) => address.replace(/:\d+$/, "")).toSorted();
}

function summary({ address, usable, reason }: SeenEndpoint): string {
  return `${address} ${usable ? "usable" : "skipped"}: ${reason}`;
}
