/**
 * Header names, one shared object each. RFC 9113 §8.2, §8.3.
 *
 * A name is validated, classified and put into wire form once; fields point to it. Names that a
 * peer makes up do not stay: the table of shared names is bounded.
 */

import { encodeHuffman, huffmanLength } from "./huffman.ts";
import { STATIC_ROWS } from "./static-table.ts";

/** What the engine must know of a name. Everything else is REGULAR and passes through. */
export const NameKind = {
  REGULAR: 0,
  METHOD: 1,
  SCHEME: 2,
  AUTHORITY: 3,
  PATH: 4,
  STATUS: 5,
  /** A pseudo-header that nobody defined for us, such as :protocol. */
  UNKNOWN_PSEUDO: 6,
  /** connection, keep-alive, proxy-connection, transfer-encoding, upgrade. RFC 9113 §8.2.2. */
  CONNECTION_SPECIFIC: 7,
  TE: 8,
  HOST: 9,
  CONTENT_LENGTH: 10,
  CONTENT_TYPE: 11,
  GRPC_TIMEOUT: 12,
  GRPC_STATUS: 13,
  /** Empty, upper case, or not a token. */
  INVALID: 14,
} as const;

const KINDS: ReadonlyMap<string, number> = new Map([
  [":method", NameKind.METHOD],
  [":scheme", NameKind.SCHEME],
  [":authority", NameKind.AUTHORITY],
  [":path", NameKind.PATH],
  [":status", NameKind.STATUS],
  ["connection", NameKind.CONNECTION_SPECIFIC],
  ["keep-alive", NameKind.CONNECTION_SPECIFIC],
  ["proxy-connection", NameKind.CONNECTION_SPECIFIC],
  ["transfer-encoding", NameKind.CONNECTION_SPECIFIC],
  ["upgrade", NameKind.CONNECTION_SPECIFIC],
  ["te", NameKind.TE],
  ["host", NameKind.HOST],
  ["content-length", NameKind.CONTENT_LENGTH],
  ["content-type", NameKind.CONTENT_TYPE],
  ["grpc-timeout", NameKind.GRPC_TIMEOUT],
  ["grpc-status", NameKind.GRPC_STATUS],
]);

/** Shared names beyond the RFC's; peers choose them, so above this they are all forgotten. */
const NAMES_MAX = 2_048;
/** A longer name is not shared. */
const NAME_BYTES_MAX = 128;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** A header name in all the forms that the engine needs. */
export class HeaderName {
  readonly text: string;
  /** One of `NameKind`. */
  readonly kind: number;
  /** The lowest index of the static table with this name, or 0. */
  readonly staticIndex: number;
  /** The string literal as it goes on the wire, length first. RFC 7541 §5.2. */
  readonly wire: Uint8Array;

  constructor(text: string, staticIndex: number) {
    this.text = text;
    this.kind = kindOf(text);
    this.staticIndex = staticIndex;
    this.wire = stringLiteral(text);
  }
}

function kindOf(text: string): number {
  const kind = KINDS.get(text);
  if (kind !== undefined) return kind;
  if (text.charCodeAt(0) === 0x3a) return NameKind.UNKNOWN_PSEUDO;
  return TOKEN.test(text) ? NameKind.REGULAR : NameKind.INVALID;
}

/** A string literal with its length, Huffman-coded where that is shorter. RFC 7541 §5.2. */
function stringLiteral(text: string): Uint8Array {
  const coded = huffmanLength(text);
  const isHuffman = coded < text.length;
  const length = isHuffman ? coded : text.length;
  const head: number[] = [];
  const flag = isHuffman ? 0x80 : 0;
  if (length < 127) head.push(flag | length);
  else {
    head.push(flag | 127);
    let rest = length - 127;
    for (; rest >= 128; rest >>>= 7) head.push((rest & 127) | 128);
    head.push(rest);
  }
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  if (isHuffman) encodeHuffman(text, bytes, head.length);
  else for (let i = 0; i < text.length; i++) bytes[head.length + i] = text.charCodeAt(i);
  return bytes;
}

const staticNames = new Map<string, HeaderName>();
for (const [index, [text]] of STATIC_ROWS.entries()) {
  if (!staticNames.has(text)) staticNames.set(text, new HeaderName(text, index + 1));
}
let names = new Map(staticNames);

/**
 * The shared object of a name. Not unique for ever: when peers have made up too many names, all but
 * those of the static table are forgotten, so that they cannot keep the names of others out.
 */
export function headerName(text: string): HeaderName {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = new HeaderName(text, 0);
  if (text.length <= NAME_BYTES_MAX) {
    if (names.size >= NAMES_MAX) names = new Map(staticNames);
    names.set(text, name);
  }
  return name;
}
