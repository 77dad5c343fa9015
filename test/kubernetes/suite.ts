/**
 * The suite that every cluster must pass, the real one and the lab's: so the lab's stays honest.
 *
 * One cluster for most tests of a file, a namespace of its own for each case. Cases that mostly
 * wait (for a TTL, for a time-out) run side by side; those that take the API server away have
 * clusters of their own, beside all of them.
 */
import { after, describe, type TestContext, test } from "node:test";
import { accessCases } from "./cases/access.ts";
import { type Case, type CaseContext, NODE } from "./cases/case.ts";
import { controlPlaneCases, controlPlaneOutageCases } from "./cases/control-plane.ts";
import { dnsCases } from "./cases/dns.ts";
import { hangCases, outageCases } from "./cases/outages.ts";
import { placeCases } from "./cases/place.ts";
import { readinessCases } from "./cases/readiness.ts";
import { rolloutCases } from "./cases/rollout.ts";
import { shapeCases } from "./cases/shapes.ts";
import type { TestCluster } from "./cluster.ts";

/** Starts a cluster; null when that cannot be done here, and `t` is then skipped by name. */
export type StartCluster = (t: TestContext) => Promise<TestCluster | null>;

/** Those that touch nothing but their namespace. */
const SIDE_BY_SIDE: readonly Case[] = [
  ...dnsCases,
  ...accessCases,
  ...readinessCases,
  ...shapeCases,
  ...placeCases,
];

/** So many of them at a time. */
const AT_ONCE = 4;

/** Those that count calls of many pods, or look at all namespaces. */
const ONE_BY_ONE: readonly Case[] = [...rolloutCases, ...controlPlaneCases];

/**
 * Those after which other clients of the API server, such as CoreDNS, back off for a while: they
 * have a cluster of their own, and wait for most of their time.
 */
const OUTAGE_CASES: readonly Case[] = [...outageCases, ...controlPlaneOutageCases];

/** Defines all cases for one kind of cluster, and `more` that only it can have. */
export function kubernetesSuite(
  kind: string,
  start: StartCluster,
  more: readonly Case[] = [],
): void {
  const clusters = new Clusters(start);
  const define = ([name, body]: Case, get: StartCluster): void => {
    test(`${kind}: ${name}`, async (t) => {
      const cluster = await get(t);
      if (cluster !== null) await runCase(t, cluster, clusters.nextNamespace(), body);
    });
  };
  const shared = (t: TestContext) => clusters.get(t, "shared");
  const goingAway = (t: TestContext) => clusters.get(t, "going away");
  describe(kind, { concurrency: 3 }, () => {
    for (const each of hangCases) define(each, (t) => clusters.getAnother(t));
    describe(`${kind}: outages`, { concurrency: 1 }, () => {
      for (const each of OUTAGE_CASES) define(each, goingAway);
    });
    describe(`${kind}: all others`, { concurrency: 1 }, () => {
      describe(`${kind}: side by side`, { concurrency: AT_ONCE }, () => {
        for (const each of [...more, ...SIDE_BY_SIDE]) define(each, shared);
      });
      for (const each of ONE_BY_ONE) define(each, shared);
    });
  });
  after(() => clusters.close());
}

/** The clusters of a file of tests. */
class Clusters {
  readonly #start: StartCluster;
  readonly #all: Promise<TestCluster | null>[] = [];
  readonly #shared = new Map<string, Promise<TestCluster | null>>();
  #count = 0;

  constructor(start: StartCluster) {
    this.#start = start;
  }

  /** The one of this name, which cases share; null: the test is skipped by its name. */
  async get(t: TestContext, name: string): Promise<TestCluster | null> {
    const shared = this.#shared.get(name);
    const made = shared ?? this.getAnother(t);
    this.#shared.set(name, made);
    const cluster = await made;
    return cluster === null && shared !== undefined ? this.getAnother(t) : cluster;
  }

  /** One more. */
  getAnother(t: TestContext): Promise<TestCluster | null> {
    const made = startWithNode(t, this.#start);
    this.#all.push(made);
    return made;
  }

  nextNamespace(): string {
    this.#count += 1;
    return `case-${this.#count}`;
  }

  async close(): Promise<void> {
    const made = await Promise.allSettled(this.#all);
    await Promise.all(
      made.map((each) => (each.status === "fulfilled" ? each.value?.close() : null)),
    );
  }
}

async function startWithNode(t: TestContext, start: StartCluster): Promise<TestCluster | null> {
  const cluster = await start(t);
  await cluster?.node(NODE, "zone-0");
  return cluster;
}

async function runCase(
  t: TestContext,
  cluster: TestCluster,
  namespace: string,
  body: (context: CaseContext) => Promise<void>,
): Promise<void> {
  const cleanups: (() => Promise<unknown> | unknown)[] = [];
  const objects = await cluster.namespace(namespace);
  const target = (service: string, port?: string | number) =>
    `kubernetes:///${service}.${namespace}${port === undefined ? "" : `:${port}`}`;
  const defer = (cleanup: () => Promise<unknown> | unknown) => void cleanups.unshift(cleanup);
  try {
    await body({ t, cluster, objects, target, defer });
  } finally {
    for (const cleanup of cleanups) await cleanup();
  }
}
