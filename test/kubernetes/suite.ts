/**
 * The suite that every cluster must pass, the real one and the lab's: so the lab's stays honest.
 *
 * One cluster for a whole file of tests, a namespace of its own for each case.
 */
import { after, type TestContext, test } from "node:test";
import { accessCases } from "./cases/access.ts";
import { type Case, type CaseContext, NODE } from "./cases/case.ts";
import { controlPlaneCases, controlPlaneOutageCases } from "./cases/control-plane.ts";
import { dnsCases } from "./cases/dns.ts";
import { outageCases } from "./cases/outages.ts";
import { placeCases } from "./cases/place.ts";
import { readinessCases } from "./cases/readiness.ts";
import { rolloutCases } from "./cases/rollout.ts";
import { shapeCases } from "./cases/shapes.ts";
import type { TestCluster } from "./cluster.ts";

/** Starts a cluster; null when that cannot be done here, and `t` is then skipped by name. */
export type StartCluster = (t: TestContext) => Promise<TestCluster | null>;

/** What all clusters must pass. */
const CASES: readonly Case[] = [
  ...readinessCases,
  ...shapeCases,
  ...placeCases,
  ...accessCases,
  ...rolloutCases,
  ...dnsCases,
  ...controlPlaneCases,
];

/** Those after which other clients of the API server, such as CoreDNS, back off for a while. */
const LAST_CASES: readonly Case[] = [...outageCases, ...controlPlaneOutageCases];

/** Defines all cases for one kind of cluster, and `more` that only it can have. */
export function kubernetesSuite(
  kind: string,
  start: StartCluster,
  more: readonly Case[] = [],
): void {
  let shared: Promise<TestCluster | null> | null = null;
  let count = 0;
  for (const [name, body] of [...CASES, ...more, ...LAST_CASES]) {
    test(`${kind}: ${name}`, async (t) => {
      shared ??= startWithNode(t, start);
      const cluster = await shared;
      if (cluster === null) {
        shared = null; // The next test is skipped by its own name.
        return;
      }
      count += 1;
      await runCase(t, cluster, `case-${count}`, body);
    });
  }
  after(async () => {
    await (await shared?.catch(() => null))?.close();
  });
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
