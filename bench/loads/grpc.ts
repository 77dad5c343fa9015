/**
 * grpc-go clients in front, grpc-go servers behind: metadata as in life, large messages, streams.
 */
import { runProcess, startProcess } from "../../test/peers/processes.ts";
import { requireProgram } from "../programs.ts";
import type { Behind, CpuLoad, MemoryLoad, Sample, Target } from "./load.ts";

/** What load-client prints, as far as it is read here. */
interface Report {
  readonly calls: number;
  readonly failures: number;
  readonly errors: Readonly<Record<string, string>>;
  readonly messages: number;
  readonly bytes: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const ECHO: Behind = { kind: "echo", endpoints: 3 };

/** A load of load-client; `args` are its flags beside -target, -seconds and the shape. */
export function grpc(options: {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  readonly streams: number;
  readonly per?: CpuLoad["per"];
  readonly args?: readonly string[];
  readonly behind?: Behind;
}): CpuLoad {
  const per = options.per ?? "call";
  const { connections, streams } = options;
  const shape = ["-connections", String(connections), "-streams", String(streams)];
  return {
    kind: "cpu",
    name: options.name,
    title: options.title,
    behind: options.behind ?? ECHO,
    isTls: false,
    connections,
    unit: `us/${per}`,
    per,
    run: (target, seconds) =>
      send(target, [...shape, "-seconds", String(seconds), ...(options.args ?? [])]),
  };
}

async function send(target: Target, args: readonly string[]): Promise<Sample> {
  const all = ["-target", `127.0.0.1:${target.port}`, ...args];
  const run = await runProcess(requireProgram("load-client"), all, { name: "load-client" });
  if (run.code !== 0) throw new Error(`load-client ended with ${run.code}: ${run.stderr}`);
  const report = JSON.parse(run.stdout) as Report;
  if (report.calls === 0) throw new Error(`no call ended well: ${Object.values(report.errors)[0]}`);
  return { ...report, failure: Object.values(report.errors)[0] ?? null };
}

/** Open things, held by load-client: `idle` connections or `hold` streams. */
export function held(options: {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly mode: "idle" | "hold";
  readonly connections: number;
  readonly streams: number;
  readonly args?: readonly string[];
}): MemoryLoad {
  const { connections, streams, mode } = options;
  const shape = ["-connections", String(connections), "-streams", String(streams)];
  return {
    kind: "memory",
    name: options.name,
    title: options.title,
    behind: ECHO,
    isTls: false,
    connections,
    unit: options.unit,
    count: mode === "idle" ? connections : connections * streams,
    hold: async (target) => {
      const args = ["-target", `127.0.0.1:${target.port}`, "-mode", mode, "-metadata", "none"];
      const client = startProcess(
        requireProgram("load-client"),
        [...args, ...shape, ...(options.args ?? [])],
        { name: "load-client", hasOpenStdin: true },
      );
      const [, open] = await client.waitFor(/\{"open":(\d+)\}/, 120_000);
      return { open: Number(open), release: async () => void (await client.stop(2_000)) };
    },
  };
}
