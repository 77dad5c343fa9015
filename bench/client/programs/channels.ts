/**
 * Program: so many channels to one target in one process, and the memory that it then has. Prints
 * a line of JSON. The calls are as many whatever the number of channels, so that what they leave
 * behind is the same.
 */
import type { BenchClient } from "./drive.ts";
import { importEntry } from "./fairlead.ts";
import { openPlain, type PlainEntry } from "./plain.ts";
import { ROUND_ROBIN } from "./plan.ts";

/** What to open. */
export interface ChannelsPlan {
  readonly client: "fairlead" | "grpc-js";
  readonly addresses: readonly string[];
  readonly count: number;
  readonly entries: Readonly<Record<string, string>>;
}

/** What it took. */
export interface ChannelsReport {
  readonly rssBytes: number;
}

const CALLS = 4_000;
/** How long memory is given to settle. */
const SETTLE_MS = 1_500;

const plan = JSON.parse(process.argv[2] as string) as ChannelsPlan;
const open = plan.client === "fairlead" ? await plain() : await stock();
const clients = Array.from({ length: plan.count }, open);
const callsEach = CALLS / plan.count;
await Promise.all(clients.map(callInTurn));
await new Promise((done) => setTimeout(done, SETTLE_MS));
const report: ChannelsReport = { rssBytes: process.memoryUsage.rss() };
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));

async function plain(): Promise<() => BenchClient> {
  const entry = await importEntry<PlainEntry>(plan, "fairlead");
  return () => openPlain(entry, plan.addresses, {});
}

async function stock(): Promise<() => BenchClient> {
  const { openStub } = await import("./stub.ts");
  return () => openStub(plan.addresses, { "grpc.service_config": ROUND_ROBIN });
}

async function callInTurn(client: BenchClient): Promise<void> {
  for (let i = 0; i < callsEach; i += 1) {
    await new Promise<void>((done, failed) => {
      client.unary(null, (failure) => (failure === null ? done() : failed(failure)));
    });
  }
}
