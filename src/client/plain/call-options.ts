/**
 * What is said of one call, checked and put into the words of the core.
 *
 * What is wrong is a TypeError or RangeError of the caller's, before anything is sent; what goes
 * wrong with a call is a `GrpcError`.
 */
import { realClock } from "../../base/index.ts";
import type { CallOptions as CoreCallOptions, Encoding } from "../core/index.ts";
import type { Metadata, MetadataInit } from "./metadata.ts";

/** Options of a call; all may be left out. */
export interface CallOptions {
  /** How long the call may take, in milliseconds; then it fails with DEADLINE_EXCEEDED. */
  readonly timeoutMs?: number | undefined;
  /** The same as a moment: a Date, or milliseconds since 1970. The earlier of both counts. */
  readonly deadline?: Date | number | undefined;
  /** Its abort ends the call with CANCELLED; the error's `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: MetadataInit | undefined;
  /** Whether the call waits while no endpoint can be reached, in place of failing at once. */
  readonly waitForReady?: boolean | undefined;
  /** In place of the channel's. */
  readonly compression?: Encoding | undefined;
  /** `:authority` in place of the channel's. */
  readonly host?: string | undefined;
  /** Called once with the initial metadata, when the server sends any before its status. */
  readonly onHeaders?: ((headers: Metadata) => void) | undefined;
  /** Called once with what came with the status, when the server gave one. */
  readonly onTrailers?: ((trailers: Metadata) => void) | undefined;
}

/** What stands for no options. */
export const NO_OPTIONS: CallOptions = Object.freeze({});

const NAMES: ReadonlySet<string> = new Set<keyof CallOptions>([
  "timeoutMs",
  "deadline",
  "signal",
  "metadata",
  "waitForReady",
  "compression",
  "host",
  "onHeaders",
  "onTrailers",
]);

/**
 * For `ClientChannel.createCall`.
 *
 * @throws RangeError for an option that does not exist or cannot be.
 */
export function coreOptions(path: string, options: CallOptions): CoreCallOptions {
  for (const name in options) {
    if (NAMES.has(name)) continue;
    throw new RangeError(`unknown call option ${name}: allowed are ${[...NAMES].join(", ")}`);
  }
  const { compression } = options;
  if (compression !== undefined) checkEncoding("compression", compression);
  return {
    path,
    deadlineMs: deadlineOf(options),
    host: options.host ?? null,
    waitForReady: options.waitForReady ?? null,
    encoding: compression ?? null,
  };
}

/** @throws RangeError naming the option. */
export function checkEncoding(name: string, value: unknown): asserts value is Encoding {
  if (value === "identity" || value === "gzip" || value === "deflate") return;
  const shown = JSON.stringify(value) ?? String(value);
  throw new RangeError(`${name} is ${shown}, must be "identity", "gzip" or "deflate"`);
}

/** On the channel's clock; Infinity for none. */
function deadlineOf({ timeoutMs, deadline }: CallOptions): number {
  if (timeoutMs === undefined && deadline === undefined) return Number.POSITIVE_INFINITY;
  const clock = realClock();
  const nowMs = clock.nowMs();
  let atMs = Number.POSITIVE_INFINITY;
  if (timeoutMs !== undefined) atMs = nowMs + checkTime("timeoutMs", timeoutMs);
  if (deadline === undefined) return atMs;
  const leftMs = checkTime("deadline", Number(deadline)) - clock.wallMs();
  return Math.min(atMs, nowMs + leftMs);
}

function checkTime(name: string, value: number): number {
  if (typeof value === "number" && !Number.isNaN(value)) return value;
  throw new RangeError(`${name} is ${String(value)}, must be a number of milliseconds`);
}
