/**
 * A control plane that watches and writes, as a process inside the cluster's network, and what it
 * says of itself (`programs/control-plane.ts`).
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { RunningProcess } from "../peers/processes.ts";
import type { CaseContext } from "./cases/case.ts";
import { eventually, WAIT_MS } from "./wait.ts";

const PROGRAM = join(import.meta.dirname, "programs", "control-plane.ts");

/** What it is to do. */
export interface PlaneOptions {
  /** Null: all. */
  readonly namespaces: readonly string[] | null;
  readonly leaseNamespace: string;
  readonly replica: string;
  readonly writes: boolean;
}

/** How it stands. */
export interface PlaneReport {
  readonly isSynced: boolean;
  readonly isStale: boolean;
  /** Keys by kind, sorted. */
  readonly objects: Readonly<Record<string, readonly string[]>>;
  /** "Gateway absent", sorted. */
  readonly problems: readonly string[];
  readonly role: string;
  readonly leader: string;
  readonly problem: string | null;
}

/** See the head of this file. */
export class Plane {
  readonly process: RunningProcess;
  readonly replica: string;

  /** Starts it; it ends with the case. */
  constructor(
    { cluster, objects, defer }: CaseContext,
    options: Partial<PlaneOptions> = {},
    kubeconfig = cluster.kubeconfig,
  ) {
    const all: PlaneOptions = {
      ...{ namespaces: null, leaseNamespace: objects.namespace, replica: "one", writes: false },
      ...options,
    };
    this.replica = all.replica;
    const args = [PROGRAM, kubeconfig, JSON.stringify(all)];
    this.process = cluster.launch(process.execPath, args, { name: `plane ${all.replica}` });
    defer(() => this.stop());
  }

  /** How it stood from the start on. */
  get reports(): readonly PlaneReport[] {
    const { stdout } = this.process;
    const lines = stdout.slice(0, stdout.lastIndexOf("\n") + 1).split("\n");
    return lines.slice(0, -1).map((line) => JSON.parse(line) as PlaneReport);
  }

  /** How it stands; null before it has said so. */
  get report(): PlaneReport | null {
    return this.reports.at(-1) ?? null;
  }

  /** Waits until it stands as wanted, and answers how. */
  async until(
    what: string,
    isWanted: (report: PlaneReport) => boolean,
    waitMs = WAIT_MS,
  ): Promise<PlaneReport> {
    const look = () => {
      if (this.process.exit !== null) throw new Error(`it ended: ${this.process.output}`);
      return this.report !== null && isWanted(this.report);
    };
    await eventually(what, look, waitMs).catch((error) => {
      const log = this.process.stderr.slice(-2000);
      assert.fail(`${error.message}; now: ${JSON.stringify(this.report)}\n${log}`);
    });
    return this.report!;
  }

  /** Ends it as a cluster ends a pod; it gives its Lease back. */
  async stop(): Promise<void> {
    await this.process.stop();
  }
}
