/**
 * Metadata of grpc-js to header fields and back.
 *
 * What the protocol itself owns (`isReservedKey`) is neither sent nor shown, but for the content
 * type, which grpc-js shows.
 */
import type { Metadata } from "@grpc/grpc-js";
import {
  decodeBinaryValues,
  encodeBinaryValue,
  isBinaryKey,
  isReservedKey,
} from "../../grpc/index.ts";
import { type Field, type HeaderList, newField } from "../../http2/index.ts";
import type { GrpcModule } from "./grpc-module.ts";

/** Fields for what a caller wants to send; null for nothing. grpc-js has checked them. */
export function toFields(metadata: Metadata): Field[] | null {
  const map = metadata.toJSON() as Record<string, (string | Buffer)[]>;
  let fields: Field[] | null = null;
  // Not "for in": `toJSON` makes the values of a key "__proto__" the prototype of `map`.
  for (const key of Object.keys(map)) {
    if (key.startsWith(":") || isReservedKey(key)) continue;
    for (const value of map[key]!) {
      const text = typeof value === "string" ? value : encodeBinaryValue(value);
      fields ??= [];
      fields.push(newField(key, text));
    }
  }
  return fields;
}

/** What a server sent, as grpc-js shows it. */
export function toMetadata(grpc: GrpcModule, list: HeaderList | null): Metadata {
  const metadata = new grpc.Metadata();
  if (list === null) return metadata;
  const { fields } = list;
  for (let i = 0; i < fields.length; i++) {
    const { name, value } = fields[i]!;
    const key = name.text;
    if (key.charCodeAt(0) === 0x3a || (isReservedKey(key) && key !== "content-type")) continue;
    if (!isBinaryKey(key)) add(metadata, key, value);
    else for (const bytes of decodeBinaryValues(value)) metadata.add(key, bytes);
  }
  return metadata;
}

/** A value that grpc-js refuses (not ASCII) is left out: it must not fail a call that went well. */
function add(metadata: Metadata, key: string, value: string): void {
  try {
    metadata.add(key, value);
  } catch {
    // Metadata.add throws for what no gRPC server may send.
  }
}
