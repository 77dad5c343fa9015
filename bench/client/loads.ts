/**
 * What is asked of the clients: unary calls one, ten and a hundred at a time, streams, and more
 * calls than a server takes on one connection.
 */
import { STREAM_MESSAGES } from "./programs/plan.ts";

/** One load. */
export interface ClientLoad {
  /** As in `--only` and in the results. */
  readonly name: string;
  readonly title: string;
  readonly shape: "unary" | "chat";
  readonly inFlight: number;
  readonly metadata: "none" | "real";
  /** Servers, each a process. */
  readonly servers: number;
  /** How long they take over a call; 0 for no time. */
  readonly sleepMs: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS of the servers; null for grpc-go's default, no limit. */
  readonly streamsMax: number | null;
  /** What `us` are counted by. */
  readonly per: "call" | "message";
  /** Who is measured. */
  readonly lanes: readonly LaneName[];
}

/** A client in a load. */
export type LaneName = (typeof ALL)[number] | "fairlead-pool-4";

const ALL = [
  "grpc-js",
  "connect-node",
  "nice-grpc",
  "grpc-go",
  "fairlead-stub",
  "fairlead-plain",
] as const;

const UNARY = {
  shape: "unary",
  metadata: "none",
  servers: 3,
  sleepMs: 0,
  streamsMax: null,
  per: "call",
  lanes: ALL,
} as const;

function unary(inFlight: number): ClientLoad {
  const title = `unary calls, ${inFlight} in flight, no metadata`;
  return { ...UNARY, name: `unary-${inFlight}`, title, inFlight };
}

/** Every load, in the order in which they run and are shown. */
export const CLIENT_LOADS: readonly ClientLoad[] = [
  unary(1),
  unary(10),
  unary(100),
  {
    ...UNARY,
    name: "unary-100-metadata",
    title: "unary calls, 100 in flight, with trace, request id, token and more",
    inFlight: 100,
    metadata: "real",
  },
  {
    ...UNARY,
    name: "streams-10",
    title: `streams both ways of ${STREAM_MESSAGES} messages each way, 10 at a time`,
    shape: "chat",
    inFlight: 10,
    per: "message",
  },
  {
    ...UNARY,
    name: "pool-300",
    title: "300 calls in flight to one server that takes 100 a connection and 20 ms over each",
    inFlight: 300,
    servers: 1,
    sleepMs: 20,
    streamsMax: 100,
    lanes: ["grpc-js", "grpc-go", "fairlead-plain", "fairlead-pool-4"],
  },
];
