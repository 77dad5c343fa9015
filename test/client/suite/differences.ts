/**
 * Where a fairlead channel differs from stock grpc-js on purpose: data for the suite and the docs.
 *
 * Each row is asserted by a case, for grpc-js as well as for fairlead: what it says of grpc-js is
 * what the grpc-js of this repository does.
 */
import type { ChannelDriver } from "./driver.ts";

/** One difference, in whole sentences. */
export interface Difference {
  /** When it shows. */
  readonly when: string;
  readonly grpcJs: string;
  readonly fairlead: string;
  readonly why: string;
}

/** All differences, by the name that cases use. */
export const DIFFERENCES = {
  "unknown status": {
    when: "A server ends a call with a `grpc-status` that is none of the 17 codes.",
    grpcJs: "The call's code is that number, or NaN for what is no number.",
    fairlead: "The code is UNKNOWN.",
    why: "Code that switches over the codes meets only the codes that exist, as in grpc-go.",
  },
  "reserved characters": {
    when: "`grpc-message` has escaped characters that URIs reserve, such as `%2F` or `%3A`.",
    grpcJs: "They stay escaped: it decodes with `decodeURI`.",
    fairlead: "They are decoded like all others.",
    why: "gRPC's protocol has one rule for all escapes.",
  },
  "broken escape": {
    when: "`grpc-message` has a `%` that begins no escape.",
    grpcJs: "The whole message stays escaped.",
    fairlead: "That `%` stays as it is, and the rest is decoded.",
    why: "The protocol asks to decode as much of a message as can be.",
  },
  "repeated values": {
    when: "An answer has one ASCII key several times.",
    grpcJs: 'They become one value, joined by ", ".',
    fairlead: "They are several values, in order.",
    why: "Joined values cannot be told from one with a comma; other gRPC clients keep them apart.",
  },
  "HTML with 200": {
    when: "A server answers HTTP 200 with something other than gRPC, such as a sign-in page.",
    grpcJs: "RESOURCE_EXHAUSTED: the page is read as a message, whose length is its first letters.",
    fairlead: "UNKNOWN, and the details name the content type.",
    why: "The cause is in the message: the target is no gRPC server.",
  },
  "cut message": {
    when: "A server ends a call amid a message, and yet with OK.",
    grpcJs: "The call is OK, and the begun message is lost without a word.",
    fairlead: "INTERNAL.",
    why: "The caller would take an answer for whole that is not.",
  },
  "unknown reset": {
    when: "A server resets a stream with an error code that HTTP/2 does not know.",
    grpcJs: "INTERNAL.",
    fairlead: "UNKNOWN.",
    why: "gRPC's protocol maps the known codes only; nothing says that the error is internal.",
  },
  "no decoder": {
    when: "A message is marked as compressed, in an encoding that is unknown or was not named.",
    grpcJs: "The call fails with an error whose `code` and `details` are undefined.",
    fairlead: "INTERNAL, and the details name the encoding.",
    why: "gRPC's compression guide asks for INTERNAL, and every error has a status.",
  },
  "unknown flag": {
    when: "The first byte of a message is neither 0 nor 1.",
    grpcJs: "The message is taken as one that is not compressed.",
    fairlead: "INTERNAL.",
    why: "The stream is out of step or of another protocol: what follows would be garbage.",
  },
  "plaintext token": {
    when: "One call on a plaintext channel is given call credentials.",
    grpcJs: "Their metadata is sent in plaintext.",
    fairlead: "The call ends as UNAUTHENTICATED, and nothing is sent.",
    why: "Call credentials are secrets; gRPC says that they need a secure channel.",
  },
  "unread stream": {
    when: "The application has not yet begun to read a stream, and the server sends.",
    grpcJs: "It takes everything that comes, however much, until the first read.",
    fairlead: "Flow control stops the server after a window.",
    why: "Memory must be bounded by the reader, from the first message on.",
  },
  "short keepalive": {
    when: "A keepalive time is shorter than 10 s.",
    grpcJs: "It is kept, and servers that allow no such number of PINGs end the connection.",
    fairlead: "Under grpc-js stubs it becomes 10 s; the plain API refuses it.",
    why: "gRFC A8 has that floor, to spare servers PINGs that they would answer with GOAWAY.",
  },
  "bad pushback": {
    when: "A server sends a `grpc-retry-pushback-ms` that is no number.",
    grpcJs: "The call is made again at once.",
    fairlead: "It is not made again.",
    why: "gRFC A6: what cannot be parsed asks the client not to retry at all.",
  },
  "retry budget": {
    when: "Many calls whose policy retries them fail at the same time.",
    grpcJs: "Each is made again.",
    fairlead: "So many as a fifth of those in flight, at least 3; the others end as they failed.",
    why: "Servers that fail under load must not get a multiple of it; `retryBudget` changes it.",
  },
  "aged connections": {
    when: "Servers limit the age of their connections (`max_connection_age`) under load.",
    grpcJs: "Calls that meet the end of a connection may fail with UNAVAILABLE or INTERNAL.",
    fairlead: "No call fails: one that the server did not take is sent again.",
    why: "GOAWAY says which calls were not processed, so that sending them again is safe.",
  },
} as const satisfies Readonly<Record<string, Difference>>;

/** A name of `DIFFERENCES`. */
export type DifferenceName = keyof typeof DIFFERENCES;

const asserted = new Set<DifferenceName>();

/** The value to expect of a driver where the two differ. */
export function differs<T>(
  driver: ChannelDriver,
  name: DifferenceName,
  values: { readonly grpcJs: T; readonly fairlead: T },
): T {
  asserted.add(name);
  return driver.isReference ? values.grpcJs : values.fairlead;
}

/** The rows that no case has asked about so far. */
export function unassertedDifferences(): DifferenceName[] {
  return (Object.keys(DIFFERENCES) as DifferenceName[]).filter((name) => !asserted.has(name));
}
