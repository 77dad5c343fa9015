/**
 * The messages of grpc.testing.TestService that the interop cases need, written and read by hand.
 *
 * Field numbers are those of grpc-proto's `grpc/testing/messages.proto`. Encoders leave out what is
 * empty, as protobuf does; decoders read the one field that a case looks at.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** A status that the server is asked to answer with. */
export interface EchoStatus {
  readonly code: number;
  readonly message: string;
}

/** SimpleRequest: a payload of `payloadBytes` zeroes, an answer of `responseBytes`. */
export function encodeSimpleRequest(request: {
  readonly responseBytes?: number;
  readonly payloadBytes?: number;
  readonly status?: EchoStatus;
  /** Whether the answer shall be compressed; left to the server unless given. */
  readonly isResponseCompressed?: boolean;
  /** Whether this request is compressed, for servers that look. */
  readonly isCompressed?: boolean;
}): Buffer {
  return Buffer.concat([
    varintField(2, request.responseBytes ?? 0),
    payloadField(3, request.payloadBytes),
    boolValueField(6, request.isResponseCompressed),
    statusField(request.status),
    boolValueField(8, request.isCompressed),
  ]);
}

/** StreamingInputCallRequest: a payload of zeroes; `isCompressed` for servers that look. */
export function encodeStreamingInput(payloadBytes: number, isCompressed?: boolean): Buffer {
  return Buffer.concat([payloadField(1, payloadBytes), boolValueField(2, isCompressed)]);
}

/** StreamingOutputCallRequest: an answer of each size, and a payload of zeroes. */
export function encodeStreamingOutput(request: {
  readonly responseBytes?: readonly number[];
  /** Whether each of the answers shall be compressed. */
  readonly areResponsesCompressed?: readonly boolean[];
  readonly payloadBytes?: number;
  readonly status?: EchoStatus;
}): Buffer {
  return Buffer.concat([
    ...(request.responseBytes ?? []).map((size, index) => {
      const compressed = boolValueField(3, request.areResponsesCompressed?.[index]);
      return bytesField(2, Buffer.concat([varintField(1, size), compressed]));
    }),
    payloadField(3, request.payloadBytes),
    statusField(request.status),
  ]);
}

/** Bytes in the payload of a SimpleResponse or a StreamingOutputCallResponse (field 1, then 2). */
export function payloadBytesOf(message: Buffer): number {
  const payload = fieldOf(message, 1);
  if (typeof payload === "number") throw new Error("field 1 of the answer is no message");
  const body = payload === null ? null : fieldOf(payload, 2);
  return typeof body === "number" || body === null ? 0 : body.length;
}

/** `aggregated_payload_size` of a StreamingInputCallResponse. */
export function aggregatedBytesOf(message: Buffer): number {
  const value = fieldOf(message, 1);
  return typeof value === "number" ? value : 0;
}

function payloadField(field: number, size: number | undefined): Buffer {
  return size === undefined
    ? Buffer.alloc(0)
    : bytesField(field, bytesField(2, Buffer.alloc(size)));
}

/** A BoolValue: a message of its own, so that "false" differs from "not said". */
function boolValueField(field: number, value: boolean | undefined): Buffer {
  return value === undefined ? Buffer.alloc(0) : bytesField(field, varintField(1, value ? 1 : 0));
}

function statusField(echo: EchoStatus | undefined): Buffer {
  if (echo === undefined) return Buffer.alloc(0);
  const message = bytesField(2, Buffer.from(echo.message));
  return bytesField(7, Buffer.concat([varintField(1, echo.code), message]));
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((field << 3) | LENGTH_DELIMITED), varint(bytes.length), bytes]);
}

function varintField(field: number, value: number): Buffer {
  if (value === 0) return Buffer.alloc(0);
  return Buffer.concat([varint((field << 3) | VARINT), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** The last value of a field: a number for a varint, bytes for a length-delimited one. */
function fieldOf(message: Buffer, wanted: number): number | Buffer | null {
  let found: number | Buffer | null = null;
  let at = 0;
  const read = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw new Error("a protobuf message is cut off");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = read();
    const value = read();
    let content: number | Buffer = value;
    if ((tag & 7) === LENGTH_DELIMITED) {
      content = message.subarray(at, at + value);
      at += value;
    } else if ((tag & 7) !== VARINT) {
      throw new Error(`wire type ${tag & 7} is not read here`);
    }
    if (tag >>> 3 === wanted) found = content;
  }
  return found;
}
