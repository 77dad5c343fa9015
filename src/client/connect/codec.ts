/**
 * What a transport keeps of one method: its path, and how its messages become bytes and back.
 *
 * Errors are those of connect-node: what cannot be written is `internal`, what cannot be read is
 * `internal` in binary and `invalid_argument` in JSON.
 */
import {
  type BinaryReadOptions,
  type BinaryWriteOptions,
  type DescMessage,
  type DescMethod,
  fromBinary,
  fromJsonString,
  type JsonReadOptions,
  type JsonWriteOptions,
  type MessageShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { reasonOf } from "../core/index.ts";
import { connectErrorOf } from "./abort.ts";

/** How messages are written and read. */
export interface Format {
  readonly useBinaryFormat: boolean;
  readonly binaryOptions: Partial<BinaryReadOptions & BinaryWriteOptions>;
  readonly jsonOptions: Partial<JsonReadOptions & JsonWriteOptions>;
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** See the head of this file. */
export class Codec<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> {
  /** "/package.Service/Method". */
  readonly path: string;
  readonly #input: I;
  readonly #output: O;
  readonly #format: Format;

  constructor(method: DescMethod & { input: I; output: O }, format: Format) {
    this.path = `/${method.parent.typeName}/${method.name}`;
    this.#input = method.input;
    this.#output = method.output;
    this.#format = format;
  }

  /** @throws ConnectError */
  encode(message: MessageShape<I>): Uint8Array {
    const { useBinaryFormat, binaryOptions, jsonOptions } = this.#format;
    try {
      if (useBinaryFormat) return toBinary(this.#input, message, binaryOptions);
      return ENCODER.encode(toJsonString(this.#input, message, jsonOptions));
    } catch (error) {
      if (!useBinaryFormat) throw connectErrorOf(error, Code.Internal);
      throw new ConnectError(`serialize binary: ${reasonOf(error)}`, Code.Internal);
    }
  }

  /** @throws ConnectError */
  decode(message: Buffer): MessageShape<O> {
    const { useBinaryFormat, binaryOptions, jsonOptions } = this.#format;
    // Fields of bytes are views of it, and users expect them to be plain.
    const bytes = new Uint8Array(message.buffer, message.byteOffset, message.length);
    try {
      if (useBinaryFormat) return fromBinary(this.#output, bytes, binaryOptions);
      return fromJsonString(this.#output, DECODER.decode(bytes), jsonOptions);
    } catch (error) {
      if (!useBinaryFormat) throw connectErrorOf(error, Code.InvalidArgument);
      throw new ConnectError(`parse binary: ${reasonOf(error)}`, Code.Internal);
    }
  }
}
