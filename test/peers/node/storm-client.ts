/**
 * `node storm-client.ts --target HOST:PORT ...`: many random calls of every kind through grpc-js,
 * each verified. The same as `../go/storm-client`: same protocol, flags, JSON and exit codes.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client, credentials } from "@grpc/grpc-js";
import { judge, type Outcome, type Result, startCall } from "./call.ts";
import { newPlan, type Plan } from "./plan.ts";
import { BODY_BYTES_MAX, MESSAGE_BYTES_MAX } from "./wire.ts";

const USAGE = `usage: storm-client.ts --target HOST:PORT [--calls N] [--concurrency N]
  [--connections N] [--seed N] [--max-size BYTES] [--bound-seconds S] [--allow-unavailable]
  [--tls-ca FILE]`;

const OPTIONS = {
  target: { type: "string" },
  calls: { type: "string", default: "2000" },
  concurrency: { type: "string", default: "50" },
  connections: { type: "string", default: "2" },
  seed: { type: "string", default: "0" },
  "max-size": { type: "string", default: String(BODY_BYTES_MAX) },
  "bound-seconds": { type: "string", default: "60" },
  "allow-unavailable": { type: "boolean", default: false },
  /** PEM: TLS, and the server's certificate must be of these. */
  "tls-ca": { type: "string" },
} as const;

/** When so many calls hang, no more are started: each of them takes its whole bound. */
const HUNG_MAX = 20;
const PROBLEMS_MAX = 50;
const PLANNED: readonly Outcome[] = ["ok", "cancelled", "deadline", "earlyEnd"];

function readOptions() {
  const { values } = parseArgs({ options: OPTIONS });
  const number = (name: "calls" | "concurrency" | "connections" | "seed" | "max-size") => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} ${values[name]}`);
    return value;
  };
  if (values.target === undefined) throw new Error("--target is needed");
  return {
    target: values.target,
    calls: number("calls"),
    concurrency: number("concurrency"),
    connections: number("connections"),
    seed: number("seed") || Date.now() % 1_000_000_000,
    sizeMax: Math.min(number("max-size"), BODY_BYTES_MAX),
    boundMs: Number(values["bound-seconds"]) * 1000,
    isUnavailableAllowed: values["allow-unavailable"],
    ca: values["tls-ca"] === undefined ? null : readFileSync(values["tls-ca"]),
  };
}

type Options = ReturnType<typeof readOptions>;

function newSummary(seed: number) {
  return {
    client: "grpc-js",
    seed,
    calls: 0,
    ok: 0,
    cancelled: 0,
    deadline: 0,
    earlyEnd: 0,
    unavailable: 0,
    lost: 0,
    crossed: 0,
    hung: 0,
    unexpected: 0,
    messages: 0,
    bytes: 0,
    seconds: 0,
    isCutShort: false,
    kinds: {} as Record<string, number>,
    servers: {} as Record<string, number>,
    problems: [] as {
      call: number;
      index: number;
      kind: string;
      outcome: Outcome;
      detail: string;
    }[],
  };
}

type Summary = ReturnType<typeof newSummary>;

async function callOnce(client: Client, index: number, options: Options, summary: Summary) {
  const plan = newPlan(options.seed, index, options.sizeMax);
  const begin = performance.now();
  const started = startCall(client, plan);
  const timer =
    plan.cancelAfterMs > 0 ? setTimeout(() => started.cancel(), plan.cancelAfterMs) : undefined;
  const bound = new AbortController();
  const late = sleep(options.boundMs, null, { signal: bound.signal }).catch(() => null);
  const result = await Promise.race([started.done, late]);
  bound.abort();
  clearTimeout(timer);
  if (result !== null) {
    const outcome = judge(plan, result, performance.now() - begin, options.ca !== null);
    record(summary, index, plan, result, outcome, result.fault?.text);
    return;
  }
  if (summary.hung < HUNG_MAX) {
    console.error(`storm-client: call ${plan.id} (${plan.kind}) hangs for ${options.boundMs} ms`);
  }
  started.cancel();
  const detail = `no end within ${options.boundMs} ms; ${JSON.stringify(plan)}`;
  record(summary, index, plan, null, "hung", detail);
}

function record(
  summary: Summary,
  index: number,
  plan: Plan,
  result: Result | null,
  outcome: Outcome,
  detail?: string,
): void {
  summary.calls += 1;
  summary[outcome] += 1;
  summary.kinds[plan.kind] = (summary.kinds[plan.kind] ?? 0) + 1;
  summary.messages += result?.messages ?? 0;
  summary.bytes += result?.bytes ?? 0;
  const server = result?.header.get("x-served-by")[0];
  if (server !== undefined) {
    summary.servers[String(server)] = (summary.servers[String(server)] ?? 0) + 1;
  }
  if (PLANNED.includes(outcome) || summary[outcome] > PROBLEMS_MAX) return;
  const text = detail ?? `status ${result?.code}: ${result?.details}`;
  summary.problems.push({ call: plan.id, index, kind: plan.kind, outcome, detail: text });
}

async function storm(options: Options): Promise<Summary> {
  const { ca } = options;
  const clients = Array.from({ length: options.connections }, () => {
    const creds = ca === null ? credentials.createInsecure() : credentials.createSsl(ca);
    return new Client(options.target, creds, {
      "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
      "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
    });
  });
  const summary = newSummary(options.seed);
  const begin = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < options.calls && summary.hung < HUNG_MAX) {
      const index = next;
      next += 1;
      await callOnce(clients[index % clients.length] as Client, index, options, summary);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  for (const client of clients) client.close();
  summary.isCutShort = summary.calls < options.calls;
  summary.seconds = (performance.now() - begin) / 1000;
  return summary;
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`storm-client: ${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  console.error(`storm-client: --seed ${options.seed}`);
  const summary = await storm(options);
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  const bad = summary.lost + summary.crossed + summary.hung + summary.unexpected;
  return bad > 0 || (summary.unavailable > 0 && !options.isUnavailableAllowed) ? 1 : 0;
}

const code = await main();
// grpc-js keeps the process alive for a call that was cancelled as it began.
process.stdout.write("", () => process.exit(code));
