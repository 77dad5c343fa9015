/**
 * What is said of one call, checked and put into the words of the core.
 *
 * What is wrong is a TypeError or RangeError of the caller's, before anything is sent; what goes
 * wrong with a call is a `GrpcError`.
 */
import { types } from "node:util";
import { realClock } from "../../base/index.ts";
import type { Field } from "../../http2/index.ts";
import {
  authorityText,
  type CallOptions as CoreCallOptions,
  checkObject,
  clockTimeOf,
  type Encoding,
  flag,
  show,
} from "../core/index.ts";
import { type Metadata, type MetadataInit, toFields } from "./metadata.ts";

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
  /**
   * Called once with the initial metadata, when the server sends any before its status. What it
   * throws is an uncaught exception of the process, as in an event listener; the call goes on.
   */
  readonly onHeaders?: ((headers: Metadata) => void) | undefined;
  /** Called once with what came with the status, when the server gave one. As `onHeaders`. */
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

/** Options as they were when the call was made; what is done to them later is no matter. */
export interface ReadOptions {
  /** For `ClientChannel.createCall`. */
  readonly core: CoreCallOptions;
  readonly metadata: Field[] | null;
  readonly signal: AbortSignal | null;
  readonly onHeaders: ((headers: Metadata) => void) | null;
  readonly onTrailers: ((trailers: Metadata) => void) | null;
}

/**
 * Reads each option once. What a getter among them throws is the caller's.
 *
 * @throws RangeError for an option that does not exist or cannot be; TypeError for metadata.
 */
export function readOptions(path: string, given: CallOptions): ReadOptions {
  checkObject("options", given);
  for (const name in given) {
    if (NAMES.has(name)) continue;
    throw new RangeError(`unknown call option ${name}: allowed are ${[...NAMES].join(", ")}`);
  }
  const { timeoutMs, deadline, signal, metadata, waitForReady, compression, host } = given;
  const { onHeaders, onTrailers } = given;
  if (compression !== undefined) checkEncoding("compression", compression);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new RangeError(`signal is ${show(signal)}, must be an AbortSignal`);
  }
  return {
    core: {
      path,
      deadlineMs: deadlineOf(timeoutMs, deadline),
      host: authorityText("host", host),
      waitForReady: waitForReady === undefined ? null : flag("waitForReady", waitForReady, false),
      encoding: compression ?? null,
    },
    metadata: toFields(metadata),
    signal: signal ?? null,
    onHeaders: listener("onHeaders", onHeaders),
    onTrailers: listener("onTrailers", onTrailers),
  };
}

/** @throws RangeError naming the option. */
export function checkEncoding(name: string, value: unknown): asserts value is Encoding {
  if (value === "identity" || value === "gzip" || value === "deflate") return;
  throw new RangeError(`${name} is ${show(value)}, must be "identity", "gzip" or "deflate"`);
}

/** @throws RangeError for what is no number. Infinity is one. */
export function checkTimeMs(name: string, value: unknown): number {
  if (typeof value === "number" && !Number.isNaN(value)) return value;
  throw new RangeError(`${name} is ${show(value)}, must be a number of milliseconds`);
}

function listener<T>(name: string, given: ((metadata: T) => void) | undefined) {
  if (given === undefined || typeof given === "function") return given ?? null;
  throw new RangeError(`${name} is ${show(given)}, must be a function`);
}

/** On the channel's clock; Infinity for none. */
function deadlineOf(timeoutMs: unknown, deadline: unknown): number {
  if (timeoutMs === undefined && deadline === undefined) return Number.POSITIVE_INFINITY;
  let atMs = Number.POSITIVE_INFINITY;
  if (timeoutMs !== undefined) atMs = realClock().nowMs() + checkTimeMs("timeoutMs", timeoutMs);
  if (deadline === undefined) return atMs;
  const wallMs = types.isDate(deadline) ? deadline.getTime() : deadline;
  return Math.min(atMs, clockTimeOf(checkTimeMs("deadline", wallMs)));
}
