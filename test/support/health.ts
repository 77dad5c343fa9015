/** Health and load services by hand, on the streams of a `RawConnection`. */
import { eventually, type RawConnection, type RawStream } from "./raw-http2.ts";

/** A message with its prefix. */
export function framedBytes(message: readonly number[] | Uint8Array): Buffer {
  const body = Buffer.from(message);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/** The bytes of a `HealthCheckResponse`, with their prefix. */
export function healthBytes(status: number): Buffer {
  return framedBytes(status === 0 ? [] : [8, status]);
}

/** A stream that the cluster opened for itself, as its server sees it. */
export class OwnCall {
  readonly connection: RawConnection;
  readonly stream: RawStream;
  #isAnswered = false;

  constructor(connection: RawConnection, stream: RawStream) {
    this.connection = connection;
    this.stream = stream;
  }

  /** The request message, without its prefix. */
  get message(): Buffer {
    return this.stream.body.subarray(5);
  }

  /** Whether the client has ended it. */
  get isReset(): boolean {
    return this.stream.resetCode !== null;
  }

  /** Sends bytes as DATA, with response headers before the first. */
  send(bytes: Uint8Array): void {
    const { id } = this.stream;
    if (!this.#isAnswered) this.connection.headers(id, HEADERS);
    this.#isAnswered = true;
    this.connection.data(id, bytes);
  }

  /** Says that the health is this. */
  say(status: number): void {
    this.send(healthBytes(status));
  }

  /** Ends it with a status. */
  end(status: number, message = ""): void {
    const trailers: [string, string][] = [["grpc-status", String(status)]];
    if (message !== "") trailers.push(["grpc-message", message]);
    const list = this.#isAnswered ? trailers : [...HEADERS, ...trailers];
    this.connection.headers(this.stream.id, list, true);
  }
}

const HEADERS = [
  [":status", "200"],
  ["content-type", "application/grpc"],
] as const;

/** The streams of a path on a connection, oldest first. */
export function callsOf(connection: RawConnection, path: string): OwnCall[] {
  return [...connection.streams.values()]
    .filter((stream) => stream.get(":path") === path && stream.isEnded)
    .map((stream) => new OwnCall(connection, stream));
}

/** The `n`th stream of a path on a connection, from 1 on, when it has come. */
export function callOf(connection: RawConnection, path: string, n = 1): Promise<OwnCall> {
  return eventually(`stream ${n} of ${path}`, () => callsOf(connection, path)[n - 1]);
}
