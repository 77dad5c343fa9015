/** What a case of the suite is, and what it gets. */
import type { TestContext } from "node:test";
import type { TestCluster } from "../cluster.ts";
import type { Objects } from "../objects.ts";

/** A Node that every cluster has: pods of Nodes that nobody knows are in no slice. */
export const NODE = "node-0";

/** What a case gets. */
export interface CaseContext {
  readonly t: TestContext;
  readonly cluster: TestCluster;
  /** Of a namespace that is this case's alone. */
  readonly objects: Objects;
  /** "kubernetes:///SERVICE.NAMESPACE" with the namespace of this case, and `:PORT` if given. */
  target(service: string, port?: string | number): string;
  /** To be run when the case is over, last first. */
  defer(cleanup: () => Promise<unknown> | unknown): void;
}

/** One case: its name and what it does. */
export type Case = readonly [name: string, body: (context: CaseContext) => Promise<void>];
