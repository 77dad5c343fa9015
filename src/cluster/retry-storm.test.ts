/**
 * A retry storm: every endpoint fails half of its calls, and each failure may be retried. The load
 * that retries add stays within the budget, and when the endpoints are well again so is everything.
 */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type CallerProbe,
  type ClusterHarness,
  settle,
  withCluster,
} from "../../test/support/cluster.ts";
import type { RawConnection } from "../../test/support/raw-http2.ts";
import { type Rng, seededRng } from "../base/index.ts";
import { type MethodConfig, MethodConfigs } from "../grpc/index.ts";

const TICK_MS = 10;
/** Ticks that a server takes for an answer. */
const LATENCY_TICKS = 4;
const CALLS_PER_TICK = 12;

const RETRYING: MethodConfig = MethodConfigs.parse({
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        ...{ maxAttempts: 5, initialBackoff: "0.01s", maxBackoff: "0.02s", backoffMultiplier: 2 },
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
}).find("/a/b");

/** Servers that answer everything a few ticks later, and some of it with a failure. */
class SlowServers {
  readonly #connections: readonly RawConnection[];
  readonly #rng: Rng;
  #waiting: { readonly connection: RawConnection; readonly id: number; readonly tick: number }[] =
    [];
  failingShare = 0;
  attempts = 0;

  constructor(connections: readonly RawConnection[], rng: Rng) {
    this.#connections = connections;
    this.#rng = rng;
  }

  async onTick(tick: number): Promise<void> {
    for (const connection of this.#connections) {
      while (connection.freshCount > 0) {
        const { id } = await connection.nextStream();
        this.attempts += 1;
        this.#waiting.push({ connection, id, tick: tick + LATENCY_TICKS });
      }
    }
    const due = this.#waiting.filter((each) => each.tick <= tick);
    this.#waiting = this.#waiting.filter((each) => each.tick > tick);
    for (const { connection, id } of due) {
      const status = this.#rng.next() < this.failingShare ? "14" : "0";
      const head = [[":status", "200"] as const, ["content-type", "application/grpc"] as const];
      connection.headers(id, [...head, ["grpc-status", status]], true);
    }
  }
}

/** What came of the calls of some ticks. */
interface Load {
  readonly calls: CallerProbe[];
  readonly attempts: number;
}

async function run(harness: ClusterHarness, servers: SlowServers, ticks: number): Promise<Load> {
  const before = servers.attempts;
  const calls: CallerProbe[] = [];
  const isOver = ({ isEnded, isFailed }: CallerProbe) => isEnded || isFailed;
  for (let tick = 0; tick < ticks || !calls.every(isOver); tick += 1) {
    for (let i = 0; tick < ticks && i < CALLS_PER_TICK; i += 1) {
      calls.push(harness.call({ config: RETRYING }));
    }
    await settle(2);
    await servers.onTick(tick);
    await settle(2);
    harness.clock.advance(TICK_MS);
  }
  return { calls, attempts: servers.attempts - before };
}

function failedShare({ calls }: Load): number {
  return calls.filter(({ grpcStatus }) => grpcStatus !== "0").length / calls.length;
}

async function storm(fairlead: object): Promise<{ during: Load; after: Load }> {
  let loads: { during: Load; after: Load } | null = null;
  await withCluster({ serviceConfig: { fairlead } }, async (harness) => {
    const connections = await Promise.all((await harness.ready(3)).map((each) => each.next()));
    const servers = new SlowServers(connections, seededRng(5));
    servers.failingShare = 0.5;
    const during = await run(harness, servers, 60);
    servers.failingShare = 0;
    loads = { during, after: await run(harness, servers, 20) };
  });
  return loads!;
}

test("a storm: retries add a fifth to the load at most, and it ends with its cause", async (t) => {
  const { during, after } = await storm({});
  const added = during.attempts / during.calls.length - 1;
  t.diagnostic(`added load ${(added * 100).toFixed(1)} %, failed ${failedShare(during) * 100} %`);
  assert.ok(added <= 0.2, `${added}`);
  assert.ok(added > 0.05, "the budget is used");
  assert.equal(failedShare(after), 0);
  assert.equal(after.attempts, after.calls.length, "no attempt is left over");
});

test("the same without a budget is what the budget is for", async (t) => {
  const { during } = await storm({ retryBudget: null });
  const added = during.attempts / during.calls.length - 1;
  t.diagnostic(`added load ${(added * 100).toFixed(1)} %, failed ${failedShare(during) * 100} %`);
  assert.ok(added > 0.7, `${added}`);
});
