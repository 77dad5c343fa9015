/**
 * The error for a status that is not OK: a `ConnectError` with code, message, details and metadata,
 * as connect-node makes it.
 *
 * The details are in `grpc-status-details-bin`, a google.rpc.Status, whose code and message count
 * before `grpc-status` and `grpc-message`. One that makes no sense is passed over: a server's
 * mistake there must not hide its status.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import type { HeaderList } from "../../http2/index.ts";
import type { CallStatus } from "../core/index.ts";
import { addAll, toHeaders } from "./headers.ts";

/** A message inside google.protobuf.Any. */
interface Detail {
  readonly type: string;
  readonly value: Uint8Array;
}

/** The parts of google.rpc.Status. */
interface RichStatus {
  code: number;
  message: string;
  readonly details: Detail[];
}

/** @param headers of the answer; null when none came before `status`. */
export function statusError(status: CallStatus, headers: HeaderList | null): ConnectError {
  const { trailers } = status;
  const rich = trailers === null ? null : richStatusOf(trailers);
  const code = rich === null ? (status.code as number) : rich.code;
  const message = rich === null ? status.details : rich.message;
  // The numbers are gRPC's.
  const error = new ConnectError(message, code as Code, toHeaders(trailers));
  if (headers !== null) addAll(error.metadata, headers);
  if (rich !== null) error.details = rich.details;
  return error;
}

function richStatusOf(trailers: HeaderList): RichStatus | null {
  const text = trailers.get("grpc-status-details-bin");
  if (text === null) return null;
  try {
    const status = readRichStatus(Uint8Array.from(Buffer.from(text, "base64")));
    return status.code in Code ? status : null;
  } catch {
    // Thrown for bytes that are no protobuf.
    return null;
  }
}

/** google.rpc.Status: `int32 code = 1; string message = 2; repeated Any details = 3;` */
function readRichStatus(bytes: Uint8Array): RichStatus {
  const reader = new BinaryReader(bytes);
  const status: RichStatus = { code: 0, message: "", details: [] };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Varint) status.code = reader.int32();
    else if (field === 2 && type === WireType.LengthDelimited) status.message = reader.string();
    else if (field === 3 && type === WireType.LengthDelimited) {
      status.details.push(readAny(reader.bytes()));
    } else reader.skip(type, field);
  }
  return status;
}

/** google.protobuf.Any: `string type_url = 1; bytes value = 2;` */
function readAny(bytes: Uint8Array): Detail {
  const reader = new BinaryReader(bytes);
  let url = "";
  let value: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.LengthDelimited) url = reader.string();
    else if (field === 2 && type === WireType.LengthDelimited) value = reader.bytes();
    else reader.skip(type, field);
  }
  return { type: url.slice(url.lastIndexOf("/") + 1), value };
}
