/**
 * What the harness tells a client program to do (JSON, its one argument), and what the program
 * answers (a line of JSON): the same as test/peers/go/load-client prints with -mode client.
 */

/** A measurement of one client. */
export interface Plan {
  /** "IP:PORT" of each server. */
  readonly addresses: readonly string[];
  readonly shape: "unary" | "chat";
  /** Calls or streams at a time. */
  readonly inFlight: number;
  /** `real`: trace, request id, token and more with each call, some of it new each time. */
  readonly metadata: "none" | "real";
  /** How long servers are told to wait before they answer; 0 for not at all. */
  readonly sleepMs: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Connections to one endpoint at most; only fairlead has more than one. */
  readonly pool: number;
  /** Files that the client is imported from, by what the program calls them. */
  readonly entries: Readonly<Record<string, string>>;
}

/** What came of it; only `failures` and `errors` speak of the warm-up too. */
export interface Report {
  readonly calls: number;
  readonly failures: number;
  /** One message by status. */
  readonly errors: Readonly<Record<string, string>>;
  /** Both ways together. */
  readonly messages: number;
  readonly seconds: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** User + system of this process. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** Bytes of a message, each way. */
export const MESSAGE_BYTES = 100;

/** Messages of one stream, each way. */
export const STREAM_MESSAGES = 1_000;

/** What a call may take. */
export const DEADLINE_MS = 5_000;

/** The echo server's unary method. */
export const SAY = "/echo.Echo/Say";

/** Its stream both ways: each message comes back. */
export const CHAT = "/echo.Echo/Chat";

/** The service config of a client that spreads its calls over all addresses. */
export const ROUND_ROBIN = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });

/** What grpc-js calls a list of addresses. */
export function targetOf(addresses: readonly string[]): string {
  return `ipv4:${addresses.join(",")}`;
}

/** How many times the plan's warm-up a slow client takes at most. */
export const WARM_UPS_MAX = 3;
