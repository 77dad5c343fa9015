/**
 * What the interop cases ask of a client library: the four kinds of calls, as promises of what
 * came.
 *
 * The cases are written over this alone, so that each client runs the same ones.
 */

/** What came of a call. */
export interface Answer {
  readonly messages: readonly Buffer[];
  /** The status: a gRPC code and its text. */
  readonly code: number;
  readonly details: string;
  /** Values of a key in the initial metadata; of `-bin` keys the bytes. */
  header(key: string): readonly (string | Buffer)[];
  /** The same of the trailing metadata. */
  trailer(key: string): readonly (string | Buffer)[];
}

/** What a call may be given besides its messages. */
export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string | Buffer>>;
  readonly deadlineMs?: number;
}

/** The half of a bidirectional call that sends. */
export interface Duplex {
  write(message: Buffer): void;
  end(): void;
  cancel(): void;
}

/** A message of a stream; `isPlain`: not compressed, although the channel compresses. */
export interface Sent {
  readonly bytes: Buffer;
  readonly isPlain?: boolean;
}

/** A channel of some client library. Its calls never reject: a failure is a status. */
export interface Caller {
  unary(path: string, request: Buffer, options?: CallOptions): Promise<Answer>;
  /** Sends these and ends, or is cancelled when `isCancelled` says so, after none. */
  clientStream(path: string, requests: readonly Sent[], isCancelled?: boolean): Promise<Answer>;
  serverStream(path: string, request: Buffer): Promise<Answer>;
  /** `onMessage` is told of each answer, from 0 (at the start: -1), and acts on the call. */
  bidi(
    path: string,
    onMessage: (call: Duplex, index: number) => void,
    options?: CallOptions,
  ): Promise<Answer>;
  close(): void;
}

/** Opens a channel; `isCompressing`: it compresses what it sends with gzip. */
export type OpenCaller = (target: string, isCompressing: boolean) => Caller;

/** The codes that the cases speak of. */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  DEADLINE_EXCEEDED: 4,
  UNIMPLEMENTED: 12,
} as const;

/** The path of a method. */
export function pathOf(method: string, service = "TestService"): string {
  return `/grpc.testing.${service}/${method}`;
}
