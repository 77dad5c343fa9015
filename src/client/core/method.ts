/**
 * What a channel keeps of one method: its request headers in the forms that repeat, and what
 * service config says of it.
 *
 * A header list that repeats is one object, whose wire form each connection's encoder keeps: so a
 * call without metadata costs no header work, also with a deadline, whose rest is the same for most
 * calls when it is counted in milliseconds.
 */
import { formatGrpcTimeout, type MethodConfig } from "../../grpc/index.ts";
import { constantList, type Field, HeaderList, newField } from "../../http2/index.ts";
import { ACCEPT_ENCODING, type Encoding } from "./compression.ts";

/** Time-outs whose header lists are kept; then the collection starts anew. */
const TIMEOUTS_KEPT_MAX = 64;
/** From here on a time-out is cut to whole milliseconds: 5 % of it at most. */
const WHOLE_MS_MIN = 20;
const USER_AGENT = "user-agent";

/** What is the same for all calls of a channel. */
export interface RequestSettings {
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly userAgent: string;
  /** "application/grpc", or with the format of messages: "application/grpc+json". */
  readonly contentType: string;
}

/** See the head of this file. */
export class Method {
  readonly config: MethodConfig;
  readonly #base: HeaderList;
  readonly #byTimeout = new Map<string, HeaderList>();

  constructor(
    path: string,
    encoding: Encoding,
    { scheme, authority, userAgent, contentType }: RequestSettings,
    config: MethodConfig,
  ) {
    this.config = config;
    const pairs: [string, string][] = [
      [":method", "POST"],
      [":scheme", scheme],
      [":path", path],
      [":authority", authority],
      ["content-type", contentType],
      ["te", "trailers"],
      [USER_AGENT, userAgent],
      ["grpc-accept-encoding", ACCEPT_ENCODING],
    ];
    if (encoding !== "identity") pairs.push(["grpc-encoding", encoding]);
    this.#base = constantList(pairs);
  }

  /**
   * The headers of a call. `remainingMs` is Infinity without a deadline. A "user-agent" in metadata
   * takes the place of the channel's.
   */
  headers(remainingMs: number, metadata: readonly Field[] | null): HeaderList {
    const list = remainingMs === Number.POSITIVE_INFINITY ? this.#base : this.#timed(remainingMs);
    if (metadata === null || metadata.length === 0) return list;
    const own = new HeaderList();
    const hasAgent = metadata.some(({ name }) => name.text === USER_AGENT);
    for (const field of list.fields) {
      if (!hasAgent || field.name.text !== USER_AGENT) own.add(field);
    }
    for (const field of metadata) own.add(field);
    return own;
  }

  #timed(remainingMs: number): HeaderList {
    const ms = remainingMs >= WHOLE_MS_MIN ? Math.floor(remainingMs) : remainingMs;
    const timeout = formatGrpcTimeout(ms);
    const known = this.#byTimeout.get(timeout);
    if (known !== undefined) {
      // It comes again: worth the memory of the encoders.
      known.isRepeated = true;
      return known;
    }
    const list = new HeaderList();
    for (const field of this.#base.fields) list.add(field);
    list.add(newField("grpc-timeout", timeout));
    if (this.#byTimeout.size >= TIMEOUTS_KEPT_MAX) this.#byTimeout.clear();
    this.#byTimeout.set(timeout, list);
    return list;
  }
}
