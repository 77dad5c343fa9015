/**
 * h2load: the same request over and over, constant headers, 100 bytes each way.
 *
 * A counted number of requests (never a time limit: it would cut calls off). Latencies come from a
 * run of their own, because logging each request slows the client.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProcess } from "../../test/peers/processes.ts";
import { requireProgram } from "../programs.ts";
import { percentile } from "../statistics.ts";
import type { Behind, CpuLoad, Sample, Target } from "./load.ts";

/** The path that is asked for; the nghttpd upstreams have a file of that name. */
export const H2LOAD_PATH = "/echo.Echo/Say";

/** Bytes of the request body, and of the answer. */
export const H2LOAD_BODY_BYTES = 100;

/** How long latencies are recorded. */
const LATENCY_SECONDS = 0.5;

/** A few requests, to learn how fast it goes. */
function probeRequests(perRound: number): number {
  return Math.max(2 * perRound, Math.ceil(1000 / perRound) * perRound);
}

/** An h2load load of `connections` x `streams`. */
export function h2load(options: {
  readonly name?: string;
  readonly title?: string;
  readonly connections: number;
  readonly streams: number;
  readonly isTls?: boolean;
  readonly behind?: Behind;
}): CpuLoad {
  const { connections, streams } = options;
  const shape = `${connections}x${streams}`;
  return {
    kind: "cpu",
    name: options.name ?? `h2load-${shape}`,
    title: options.title ?? `h2load ${shape.replace("x", " x ")}, constant headers, 100-byte POST`,
    behind: options.behind ?? { kind: "nghttpd", endpoints: 3 },
    isTls: options.isTls ?? false,
    connections,
    unit: "us/call",
    per: "call",
    run: async (target, seconds, rate) => {
      const perRound = connections * streams;
      const probe = async () => (await send(target, shape, probeRequests(perRound))).callsPerSecond;
      const wanted = seconds * (rate ?? (await probe()));
      return send(target, shape, Math.max(1, Math.round(wanted / perRound)) * perRound);
    },
    latency: (target, rate) =>
      latency(target, shape, Math.max(LATENCY_SECONDS * rate, 3 * connections * streams)),
  };
}

async function send(
  target: Target,
  shape: string,
  requests: number,
  more: readonly string[] = [],
): Promise<Sample> {
  const [connections, streams] = shape.split("x") as [string, string];
  const body = join(target.dir, "h2load-body");
  // A gRPC message of 95 bytes: also a gRPC server understands it.
  const message = Buffer.alloc(H2LOAD_BODY_BYTES, 0x79);
  message.set([0, 0, 0, 0, H2LOAD_BODY_BYTES - 5]);
  writeFileSync(body, message);
  const url = `http${target.isTls ? "s" : ""}://127.0.0.1:${target.port}${H2LOAD_PATH}`;
  const args = ["-t1", "-c", connections, "-m", streams, "-n", String(requests), "-d", body];
  const headers = ["content-type: application/grpc", "te: trailers", "user-agent: grpc-bench/1"];
  const run = await runProcess(
    requireProgram("h2load"),
    [...args, ...headers.flatMap((header) => ["-H", header]), ...more, url],
    { name: "h2load", timeoutMs: 120_000 },
  );
  if (run.code !== 0) throw new Error(`h2load ended with ${run.code}: ${run.stderr.slice(-500)}`);
  return parseH2load(run.stdout);
}

/**
 * What h2load printed.
 *
 * @throws Error when it is not a report of h2load.
 */
export function parseH2load(text: string): Sample {
  const done = /^requests: (\d+) total, .* (\d+) done, (\d+) succeeded, (\d+) failed/m.exec(text);
  const ok = /^status codes: (\d+) 2xx/m.exec(text);
  const rate = /^finished in .*?, ([\d.]+) req\/s/m.exec(text);
  if (done === null || ok === null || rate === null) {
    throw new Error(`this is no report of h2load:\n${text.slice(-500)}`);
  }
  const calls = Math.min(Number(done[3]), Number(ok[1]));
  return {
    calls,
    failures: Number(done[1]) - calls,
    callsPerSecond: Number(rate[1]),
    messages: calls * 2,
    bytes: calls * 2 * H2LOAD_BODY_BYTES,
    p50Ms: null,
    p99Ms: null,
    failure: null,
  };
}

async function latency(target: Target, shape: string, requests: number) {
  const log = join(target.dir, "h2load.log");
  rmSync(log, { force: true });
  await send(target, shape, Math.round(requests), [`--log-file=${log}`]);
  // Each line: start time, HTTP status, duration in microseconds.
  const durations = readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((l) => Number(l.split("\t")[2]));
  const sorted = Float64Array.from(durations).sort();
  const [p50, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
  return p50 === null || p99 === null ? null : { p50Ms: p50 / 1000, p99Ms: p99 / 1000 };
}
