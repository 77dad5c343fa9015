/**
 * All loads of the relay benchmark, in the order in which they run.
 */
import { grpc, held } from "./grpc.ts";
import { h2load } from "./h2load.ts";
import type { CpuLoad, Load } from "./load.ts";

export type { Behind, CpuLoad, Load, MemoryLoad, Target } from "./load.ts";

const LIFE = "metadata as in life (grpc-go)";

/** Every load. */
export const LOADS: readonly Load[] = [
  h2load({ connections: 1, streams: 1 }),
  h2load({ connections: 10, streams: 10 }),
  h2load({ connections: 100, streams: 100 }),
  grpc({ name: "grpc-10x10", title: `10 x 10, ${LIFE}`, connections: 10, streams: 10 }),
  grpc({ name: "grpc-100x100", title: `100 x 100, ${LIFE}`, connections: 100, streams: 100 }),
  messages("64 KiB", 64 * 1024),
  messages("1 MiB", 1024 * 1024),
  grpc({
    name: "streams-1000",
    title: "server streams of 1,000 messages of 100 bytes, 10 at once",
    connections: 10,
    streams: 1,
    per: "message",
    args: ["-mode", "produce", "-messages", "1000"],
  }),
  h2load({
    name: "tls-10x10",
    title: "h2load 10 x 10 with TLS in front, one certificate for all",
    connections: 10,
    streams: 10,
    isTls: true,
  }),
  endpoints(3, 1, 1),
  endpoints(1000, 1, 1),
  endpoints(3, 10, 10),
  endpoints(1000, 10, 10),
  held({
    name: "idle-connections",
    title: "5,000 idle connections",
    unit: "KiB/connection",
    mode: "idle",
    connections: 5000,
    streams: 1,
  }),
  held({
    name: "idle-connections-used",
    title: "5,000 idle connections that have each carried a call",
    unit: "KiB/connection",
    mode: "idle",
    connections: 5000,
    streams: 1,
    args: ["-touch"],
  }),
  held({
    name: "open-streams",
    title: "10,000 open idle streams on 100 connections",
    unit: "KiB/stream",
    mode: "hold",
    connections: 100,
    streams: 100,
  }),
];

/**
 * Large unary messages, both ways: what a MiB costs. One call at a time on each connection: with
 * more, HAProxy 2.6 stalls sooner or later, because one full stream stops its whole connection.
 */
function messages(label: string, size: number): CpuLoad {
  return grpc({
    name: `messages-${label.replace(" ", "")}`,
    title: `unary messages of ${label} each way, 8 x 1`,
    connections: 8,
    streams: 1,
    per: "MiB",
    args: ["-size", String(size)],
  });
}

/** The same load before few and before many endpoints, all in one process. */
function endpoints(count: number, connections: number, streams: number): CpuLoad {
  const shape = `${connections}x${streams}`;
  return grpc({
    name: `endpoints-${count}-${shape}`,
    title: `${connections} x ${streams} before ${count.toLocaleString("en")} endpoints, ${LIFE}`,
    connections,
    streams,
    behind: { kind: "echo", endpoints: count, isOneProcess: true },
  });
}

/**
 * The loads of these names; a trailing `*` matches the rest of a name.
 *
 * @throws RangeError for a name that fits none.
 */
export function selectLoads(names: readonly string[] | null): readonly Load[] {
  if (names === null) return LOADS;
  const chosen = new Set<Load>();
  for (const name of names) {
    const fits = (load: Load) =>
      name.endsWith("*") ? load.name.startsWith(name.slice(0, -1)) : load.name === name;
    const matches = LOADS.filter(fits);
    if (matches.length === 0) {
      throw new RangeError(`no load ${name}; known: ${LOADS.map((load) => load.name).join(", ")}`);
    }
    for (const load of matches) chosen.add(load);
  }
  return LOADS.filter((load) => chosen.has(load));
}
