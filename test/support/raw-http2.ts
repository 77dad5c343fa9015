/**
 * HTTP/2 by hand, for tests: a connection of either role whose every frame is in the test's hands.
 *
 * It answers SETTINGS and PING and gives credit unless told otherwise, and checks nothing: what a
 * hostile or broken peer sends is sent as it is. Not an implementation of the RFC.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { Decoder, type HeaderList } from "../../src/http2/index.ts";

/** Frame types. RFC 9113 §6. */
export const Type = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** Flags. */
export const Flags = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8 } as const;

/** A frame as it came. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** [name, value] pairs. */
export type Pairs = readonly (readonly [string, string])[];

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** SETTINGS_MAX_FRAME_SIZE of everyone who says nothing. */
const FRAME_BYTES = 16_384;
const OPEN_WINDOW = 0x7fffffff - 65_535;

/** How a `RawConnection` behaves by itself. */
export interface RawOptions {
  /** Ids and values, sent at once; null waits for `RawConnection.settings`. */
  readonly settings?: readonly (readonly [number, number])[] | null;
  /** Gives back credit for all DATA (default true). */
  readonly isCrediting?: boolean;
  /** Answers PINGs (default true). */
  readonly isPonging?: boolean;
}

/** What came on one stream. */
export class RawStream {
  readonly id: number;
  /** Header lists in order: headers, then trailers. */
  readonly lists: HeaderList[] = [];
  /** The header blocks as they came, beside `lists`. */
  readonly blocks: Buffer[] = [];
  readonly data: Buffer[] = [];
  isEnded = false;
  /** The code of RST_STREAM, or null. */
  resetCode: number | null = null;

  constructor(id: number) {
    this.id = id;
  }

  /** All DATA so far. */
  get body(): Buffer {
    return Buffer.concat(this.data);
  }

  /** The first value of a header or trailer, or null. */
  get(name: string): string | null {
    for (const list of this.lists) {
      const value = list.get(name);
      if (value !== null) return value;
    }
    return null;
  }
}

/** Waits until `look` gives something other than null, undefined or false. */
export async function eventually<T>(
  what: string,
  look: () => T | null | undefined | false,
  timeoutMs = 20_000,
): Promise<T> {
  const endMs = Date.now() + timeoutMs;
  for (let i = 0; ; i += 1) {
    const found = look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await (i < 50 ? new Promise(setImmediate) : new Promise((done) => setTimeout(done, 2)));
  }
}

/** A header block of literals without indexing, never Huffman-coded. */
export function encodePairs(pairs: Pairs): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of pairs) {
    parts.push(Buffer.from([0x00]), encodeText(name), encodeText(value));
  }
  return Buffer.concat(parts);
}

/** A string literal. RFC 7541 §5.2. */
export function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const head = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) head.push((rest & 127) | 128);
  head.push(rest);
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** The bytes of a frame. */
export function frameBytes(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId >>> 0, 5);
  return Buffer.concat([head, payload]);
}

function count(counts: Map<number, number>, key: number, more: number): void {
  counts.set(key, (counts.get(key) ?? 0) + more);
}

/** A 32-bit number as bytes. */
export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * i);
  return bytes;
}

/** One connection. */
export class RawConnection {
  readonly socket: Socket;
  /** Every frame that came, in order. */
  readonly frames: RawFrame[] = [];
  readonly streams = new Map<number, RawStream>();
  /** Streams in order of appearance, for `nextStream`. */
  readonly #fresh: RawStream[] = [];
  readonly #decoder = new Decoder({ listBytesMax: 1 << 24, fieldsMax: 1 << 16 });
  readonly #isCrediting: boolean;
  readonly #isPonging: boolean;
  /** Whether our SETTINGS went out; the ACK of the peer's waits for that. */
  #isIntroduced = false;
  #acksOwed = 0;
  /** Of the peer's SETTINGS; what it granted and what was sent, by stream, 0 for all. */
  #windowBytes = 65_535;
  readonly #granted = new Map<number, number>();
  readonly #sent = new Map<number, number>();
  #pending: Buffer = Buffer.alloc(0);
  #prefaceLeft: number;
  #block: { streamId: number; flags: number; parts: Buffer[] } | null = null;
  #nextId = 1;
  isClosed = false;
  isEnded = false;

  constructor(socket: Socket, isServer: boolean, options: RawOptions) {
    this.socket = socket;
    this.#prefaceLeft = isServer ? PREFACE.length : 0;
    this.#isCrediting = options.isCrediting ?? true;
    this.#isPonging = options.isPonging ?? true;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("end", () => {
      this.isEnded = true;
    });
    socket.on("close", () => {
      this.isClosed = true;
    });
    socket.on("data", (bytes: Buffer) => this.#recv(bytes));
    if (!isServer) socket.write(PREFACE);
    const settings = options.settings === undefined ? [] : options.settings;
    if (settings !== null) this.settings(settings);
    if (this.#isCrediting && settings !== null) this.windowUpdate(0, OPEN_WINDOW);
  }

  #recv(bytes: Buffer): void {
    let all = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    if (this.#prefaceLeft > 0) {
      const skip = Math.min(this.#prefaceLeft, all.length);
      this.#prefaceLeft -= skip;
      all = all.subarray(skip);
    }
    let pos = 0;
    while (all.length - pos >= 9) {
      const end = pos + 9 + all.readUIntBE(pos, 3);
      if (end > all.length) break;
      this.#onFrame({
        type: all[pos + 3]!,
        flags: all[pos + 4]!,
        streamId: all.readUInt32BE(pos + 5) & 0x7fffffff,
        payload: Buffer.from(all.subarray(pos + 9, end)),
      });
      pos = end;
    }
    this.#pending = Buffer.from(all.subarray(pos));
  }

  #onFrame(frame: RawFrame): void {
    this.frames.push(frame);
    const { type, flags, streamId, payload } = frame;
    const isAck = (flags & Flags.ACK) !== 0;
    if (type === Type.SETTINGS && !isAck) this.#onSettings(payload);
    else if (type === Type.WINDOW_UPDATE) count(this.#granted, streamId, payload.readUInt32BE(0));
    else if (type === Type.PING && !isAck) this.#onPing(payload);
    else if (type === Type.HEADERS) this.#onHeaders(frame);
    else if (type === Type.CONTINUATION) this.#onBlockPart(flags, payload);
    else if (type === Type.DATA) this.#onData(frame);
    else if (type === Type.RST_STREAM) this.stream(streamId).resetCode = payload.readUInt32BE(0);
  }

  #onPing(payload: Buffer): void {
    if (this.#isPonging) this.send(Type.PING, Flags.ACK, 0, payload);
  }

  #onSettings(payload: Buffer): void {
    for (let pos = 0; pos < payload.length; pos += 6) {
      if (payload.readUInt16BE(pos) === 4) this.#windowBytes = payload.readUInt32BE(pos + 2);
    }
    this.#acknowledge();
  }

  #acknowledge(): void {
    if (this.#isIntroduced) this.send(Type.SETTINGS, Flags.ACK, 0);
    else this.#acksOwed += 1;
  }

  #onHeaders({ flags, streamId, payload }: RawFrame): void {
    this.#block = { streamId, flags, parts: [] };
    this.#onBlockPart(flags, payload);
  }

  #onBlockPart(flags: number, payload: Buffer): void {
    const block = this.#block!;
    block.parts.push(payload);
    if ((flags & Flags.END_HEADERS) === 0) return;
    this.#block = null;
    const bytes = Buffer.concat(block.parts);
    const list = this.#decoder.decode(bytes, 0, bytes.length);
    if (list === null) throw new Error("a header block that cannot be decoded");
    const stream = this.stream(block.streamId);
    stream.lists.push(list);
    stream.blocks.push(bytes);
    if ((block.flags & Flags.END_STREAM) !== 0) stream.isEnded = true;
  }

  #onData({ flags, streamId, payload }: RawFrame): void {
    const stream = this.stream(streamId);
    stream.data.push(payload);
    if ((flags & Flags.END_STREAM) !== 0) stream.isEnded = true;
    if (!this.#isCrediting || payload.length === 0) return;
    this.windowUpdate(streamId, payload.length);
    this.windowUpdate(0, payload.length);
  }

  /** The stream with that id, made if nothing was heard of it yet. */
  stream(id: number): RawStream {
    const known = this.streams.get(id);
    if (known !== undefined) return known;
    const stream = new RawStream(id);
    this.streams.set(id, stream);
    this.#fresh.push(stream);
    return stream;
  }

  /** The next stream whose headers came, in order. */
  async nextStream(): Promise<RawStream> {
    await eventually("a stream", () => (this.#fresh[0]?.lists.length ?? 0) > 0);
    return this.#fresh.shift()!;
  }

  /** Streams that came and were not yet taken by `nextStream`. */
  get freshCount(): number {
    return this.#fresh.length;
  }

  /** What the peer lets us send on a stream now, 0 for the connection; negative when overdone. */
  window(streamId: number): number {
    const initial = streamId === 0 ? 65_535 : this.#windowBytes;
    return initial + (this.#granted.get(streamId) ?? 0) - (this.#sent.get(streamId) ?? 0);
  }

  /** Sends any frame. */
  send(type: number, flags: number, streamId: number, payload?: Uint8Array): void {
    if (type === Type.DATA && payload !== undefined) {
      count(this.#sent, streamId, payload.length);
      count(this.#sent, 0, payload.length);
    }
    this.write(frameBytes(type, flags, streamId, payload));
  }

  /** Sends any bytes. */
  write(bytes: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** HEADERS, and CONTINUATIONs where it takes more than one frame. */
  headers(streamId: number, pairs: Pairs, isEnd = false): void {
    this.block(streamId, encodePairs(pairs), isEnd);
  }

  /** The same with a block that the test has encoded. */
  block(streamId: number, block: Buffer, isEnd = false): void {
    for (let pos = 0; pos === 0 || pos < block.length; pos += FRAME_BYTES) {
      const type = pos === 0 ? Type.HEADERS : Type.CONTINUATION;
      let flags = pos === 0 && isEnd ? Flags.END_STREAM : 0;
      if (pos + FRAME_BYTES >= block.length) flags |= Flags.END_HEADERS;
      this.send(type, flags, streamId, block.subarray(pos, pos + FRAME_BYTES));
    }
  }

  /** DATA in frames of at most 16 KiB, without regard to windows. */
  data(streamId: number, bytes: Uint8Array | string, isEnd = false): void {
    const all = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    for (let pos = 0; pos === 0 || pos < all.length; pos += FRAME_BYTES) {
      const part = all.subarray(pos, pos + FRAME_BYTES);
      const isLast = pos + FRAME_BYTES >= all.length;
      this.send(Type.DATA, isEnd && isLast ? Flags.END_STREAM : 0, streamId, part);
    }
  }

  /** DATA as the windows allow, in pieces of at most `pieceBytes`. */
  async paced(
    streamId: number,
    bytes: Uint8Array,
    pieceBytes = FRAME_BYTES,
    send: (piece: Uint8Array) => void = (piece) => this.send(Type.DATA, 0, streamId, piece),
  ): Promise<void> {
    for (let pos = 0; pos < bytes.length; pos += pieceBytes) {
      // Twice: a test may send padding with it.
      await eventually("room in the windows", () => {
        return Math.min(this.window(streamId), this.window(0)) >= 2 * pieceBytes;
      });
      send(bytes.subarray(pos, pos + pieceBytes));
    }
  }

  /** A whole gRPC answer: headers, maybe a body, trailers. */
  respond(streamId: number, status = "0", body = "", more: Pairs = []): void {
    this.headers(streamId, [[":status", "200"], ["content-type", "application/grpc"], ...more]);
    if (body !== "") this.data(streamId, body);
    this.headers(streamId, [["grpc-status", status]], true);
  }

  /** Opens a stream with a request (client role); returns its id. */
  request(pairs: Pairs, isEnd = true): RawStream {
    const id = this.#nextId;
    this.#nextId += 2;
    this.headers(id, pairs, isEnd);
    return this.stream(id);
  }

  /** RST_STREAM. */
  reset(streamId: number, code: number): void {
    this.send(Type.RST_STREAM, 0, streamId, uint32(code));
  }

  /** GOAWAY. */
  goAway(lastStreamId: number, code = 0, debugData = ""): void {
    const payload = Buffer.concat([uint32(lastStreamId, code), Buffer.from(debugData)]);
    this.send(Type.GOAWAY, 0, 0, payload);
  }

  /** WINDOW_UPDATE. */
  windowUpdate(streamId: number, increment: number): void {
    this.send(Type.WINDOW_UPDATE, 0, streamId, uint32(increment));
  }

  /** SETTINGS of ids and values. */
  settings(entries: readonly (readonly [number, number])[]): void {
    const payload = Buffer.alloc(6 * entries.length);
    for (const [i, [id, value]] of entries.entries()) {
      payload.writeUInt16BE(id, 6 * i);
      payload.writeUInt32BE(value, 6 * i + 2);
    }
    this.send(Type.SETTINGS, 0, 0, payload);
    this.#isIntroduced = true;
    for (; this.#acksOwed > 0; this.#acksOwed -= 1) this.#acknowledge();
  }

  /** The first frame of a type that satisfies `match`, now or later. */
  frame(type: number, match: (frame: RawFrame) => boolean = () => true): Promise<RawFrame> {
    return eventually(`a frame of type ${type}`, () =>
      this.frames.find((frame) => frame.type === type && match(frame)),
    );
  }

  /** Resolves when everything sent before was seen by the peer: a PING round trip. */
  async roundTrip(): Promise<void> {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(this.frames.length, 0);
    payload.writeUInt32BE(0x7e57, 4);
    this.send(Type.PING, 0, 0, payload);
    await this.frame(Type.PING, (frame) => frame.payload.equals(payload));
  }

  /** Resolves when the socket is closed. */
  closed(): Promise<unknown> {
    return eventually("the connection closes", () => this.isClosed || this.isEnded);
  }

  /** Ends the socket at once. */
  destroy(): void {
    this.socket.destroy();
  }
}

/** A listener whose connections are `RawConnection`s. */
export class RawServer {
  readonly connections: RawConnection[] = [];
  /** Options of the connections to come. */
  options: RawOptions;
  readonly #server: Server;
  #taken = 0;
  /** "127.0.0.1:PORT" or "unix:PATH". */
  address = "";

  constructor(options: RawOptions = {}) {
    this.options = options;
    this.#server = createServer((socket) => {
      this.connections.push(new RawConnection(socket, true, this.options));
    });
  }

  /** Listens on a port of 127.0.0.1 (0: any), or on a Unix socket. */
  static async listen(options: RawOptions = {}, at: number | string = 0): Promise<RawServer> {
    const server = new RawServer(options);
    await new Promise<void>((done, failed) => {
      server.#server.once("error", failed);
      if (typeof at === "string") server.#server.listen(at, done);
      else server.#server.listen(at, "127.0.0.1", done);
    });
    const bound = server.#server.address();
    server.address = typeof bound === "object" ? `127.0.0.1:${bound!.port}` : `unix:${bound}`;
    return server;
  }

  /** Its TCP port. */
  get port(): number {
    return Number(this.address.slice(this.address.lastIndexOf(":") + 1));
  }

  /** The next connection that was not taken yet, in order. */
  async next(): Promise<RawConnection> {
    const at = this.#taken;
    this.#taken += 1;
    return eventually("a connection", () => this.connections[at]);
  }

  /** Stops listening; open connections stay. */
  async stop(): Promise<void> {
    await new Promise<void>((done) => {
      this.#server.close(() => done());
      // The callback waits for open connections too; that nobody listens is known at once.
      setImmediate(done);
    });
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    for (const connection of this.connections) connection.destroy();
    await closed;
  }
}

/** Dials "127.0.0.1:PORT" or "unix:PATH" as a client. */
export async function rawClient(address: string, options: RawOptions = {}): Promise<RawConnection> {
  const socket = address.startsWith("unix:")
    ? connect(address.slice("unix:".length))
    : connect(Number(address.slice(address.lastIndexOf(":") + 1)), "127.0.0.1");
  await new Promise<void>((done, failed) => {
    socket.once("connect", done);
    socket.once("error", failed);
  });
  return new RawConnection(socket, false, options);
}

/** The headers of a gRPC request. */
export function grpcRequest(path = "/echo.Echo/Say", more: Pairs = []): Pairs {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "echo.test"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...more,
  ];
}
