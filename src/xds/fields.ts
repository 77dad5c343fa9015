/**
 * Reading of protobuf messages with a check: each mistake is named by the path of its field.
 */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import type { Address } from "./generated/envoy/config/core/v3/address_pb.js";

/** A field of a resource cannot be used. The message names it by its path. */
export class FieldProblem extends Error {
  override readonly name = "FieldProblem";

  /** @param path "" for the resource as a whole. @param why a clause, "must be ...". */
  constructor(path: string, why: string) {
    super(path === "" ? why : `${path} ${why}`);
  }
}

/** A protobuf `Any`. */
export interface AnyMessage {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** What follows the last slash of a type URL: "envoy.config.cluster.v3.Cluster". */
export function typeNameOf(any: AnyMessage): string {
  return any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
}

/** The message in an `Any` of that type; null when it is of another one. */
export function unpack<D extends DescMessage>(
  schema: D,
  any: AnyMessage,
  path: string,
): MessageShape<D> | null {
  if (typeNameOf(any) !== schema.typeName) return null;
  try {
    return fromBinary(schema, any.value);
  } catch {
    throw new FieldProblem(path, `is no ${schema.typeName}`);
  }
}

/** A protobuf `Duration`, as it comes. */
export interface ProtoDuration {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** Milliseconds; null when it is absent. */
export function durationMs(value: ProtoDuration | undefined, path: string): number | null {
  if (value === undefined) return null;
  const ms = Number(value.seconds) * 1_000 + value.nanos / 1_000_000;
  if (value.seconds >= 0n && value.nanos >= 0 && Number.isFinite(ms)) return ms;
  throw new FieldProblem(path, "must be a duration of 0s or more");
}

/** The JSON of a duration for a service config, such as "1.5s"; undefined when it is absent. */
export function durationJson(value: ProtoDuration | undefined, path: string): string | undefined {
  const ms = durationMs(value, path);
  if (ms === null) return undefined;
  return `${Number((ms / 1_000).toFixed(9))}s`;
}

/** Of a million; the denominators are `FractionalPercent`'s. */
export function perMillion(
  value: { readonly numerator: number; readonly denominator: number } | undefined,
  path: string,
): number | null {
  if (value === undefined) return null;
  const factor = [10_000, 100, 1][value.denominator];
  if (factor === undefined) throw new FieldProblem(`${path}.denominator`, "is unknown");
  return Math.min(1_000_000, value.numerator * factor);
}

/** Runs a decoder: its `FieldProblem` is the resource's. What else it throws is no resource. */
export function decoded<T>(name: string, decode: () => T): Decoded<T> {
  try {
    return { name, value: decode(), problem: null };
  } catch (error) {
    if (error instanceof FieldProblem) return { name, value: null, problem: error.message };
    throw error;
  }
}

/** An object without the fields that are undefined. */
export function defined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** One resource that was decoded: what it says, or what is wrong with it (names the field). */
export type Decoded<T> =
  | { readonly name: string; readonly value: T; readonly problem: null }
  | { readonly name: string; readonly value: null; readonly problem: string };

/** A host with its port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Of a socket address. @throws FieldProblem */
export function hostPortOf(address: Address | undefined, path: string): HostPort {
  const inner = address?.address;
  if (inner?.case !== "socketAddress") throw new FieldProblem(path, "must be a socket_address");
  const { address: host, portSpecifier, protocol } = inner.value;
  const at = `${path}.socket_address`;
  // 0: TCP.
  if (protocol !== 0) throw new FieldProblem(`${at}.protocol`, "must be TCP");
  if (host === "") throw new FieldProblem(`${at}.address`, "is missing");
  if (portSpecifier.case !== "portValue") throw new FieldProblem(at, "must have a port_value");
  const port = portSpecifier.value;
  if (port >= 1 && port <= 65_535) return { host, port };
  throw new FieldProblem(`${at}.port_value`, `is ${port}, must be from 1 to 65535`);
}
