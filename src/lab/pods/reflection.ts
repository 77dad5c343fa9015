/**
 * gRPC server reflection of a lab pod, `grpc.reflection.v1.ServerReflection` and its older name
 * `v1alpha` (the messages are the same): what tools such as grpcurl read before they call.
 *
 * Loaded with its descriptors when a tool first asks, so that no pod starts later for it. There are
 * no extensions here (proto3 without options), and so none is ever found.
 */
import { fileOfName, fileOfSymbol, SERVICE_NAMES } from "./descriptors.ts";
import type { ReflectionStream } from "./pod-services.ts";
import { field, fieldsOf } from "./wire.ts";

/** Fields of ServerReflectionRequest.message_request. */
const Request = {
  FILE_BY_FILENAME: 3,
  FILE_CONTAINING_SYMBOL: 4,
  FILE_CONTAINING_EXTENSION: 5,
  ALL_EXTENSION_NUMBERS_OF_TYPE: 6,
  LIST_SERVICES: 7,
} as const;
/** Fields of ServerReflectionResponse. */
const Response = {
  VALID_HOST: 1,
  ORIGINAL_REQUEST: 2,
  FILE_DESCRIPTOR: 4,
  LIST_SERVICES: 6,
  ERROR: 7,
} as const;
/** gRPC status codes. */
const NOT_FOUND = 5;
const INVALID_ARGUMENT = 3;

/** Answers every request of the stream, and ends it when its client has. */
export function reflect(stream: ReflectionStream): void {
  stream.on("data", (request) => stream.write(responseTo(request)));
  stream.on("end", () => stream.end());
}

/** ServerReflectionResponse to a ServerReflectionRequest, both as bytes. */
export function responseTo(request: Buffer): Buffer {
  const fields = fieldsOf(request);
  const host = fields.findLast(({ number }) => number === 1)?.value;
  // Of a oneof that is there more than once, the last one counts.
  const asked = fields.findLast(
    ({ number }) => number >= Request.FILE_BY_FILENAME && number <= Request.LIST_SERVICES,
  );
  const text = String(asked?.value ?? "");
  return Buffer.concat([
    ...(host instanceof Buffer ? [field(Response.VALID_HOST, host)] : []),
    field(Response.ORIGINAL_REQUEST, request),
    answerTo(asked?.number, text),
  ]);
}

function answerTo(asked: number | undefined, text: string): Buffer {
  switch (asked) {
    case Request.LIST_SERVICES: {
      const services = SERVICE_NAMES.map((name) => field(1, field(1, name)));
      return field(Response.LIST_SERVICES, Buffer.concat(services));
    }
    case Request.FILE_BY_FILENAME:
      return fileAnswer(fileOfName(text), `no file ${JSON.stringify(text)}`);
    case Request.FILE_CONTAINING_SYMBOL:
      return fileAnswer(fileOfSymbol(text), `no symbol ${JSON.stringify(text)}`);
    case Request.FILE_CONTAINING_EXTENSION:
    case Request.ALL_EXTENSION_NUMBERS_OF_TYPE:
      return errorAnswer(NOT_FOUND, "no extension is known here");
    default:
      return errorAnswer(INVALID_ARGUMENT, "a request of nothing");
  }
}

function fileAnswer(file: Buffer | undefined, why: string): Buffer {
  if (file === undefined) return errorAnswer(NOT_FOUND, `${why} here`);
  return field(Response.FILE_DESCRIPTOR, field(1, file));
}

function errorAnswer(code: number, message: string): Buffer {
  return field(Response.ERROR, Buffer.concat([field(1, code), field(2, message)]));
}
