/**
 * A gRPC server that says GOAWAY on every connection, each time at another point of its life, in
 * order and out of order. RFC 9113 §6.8.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { ErrorCode } from "../../src/http2/index.ts";
import { Flags, RawConnection, type RawStream, Type, uint32 } from "../support/raw-http2.ts";

const LAST_ID_MAX = 0x7fffffff;
const STORM_FRAMES = 1_000;
const DEBUG_BYTES = 16_000;
/** A message without bytes. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/** What a connection does; `first` is when its first call has come. */
interface Point {
  readonly atOnce?: (connection: RawConnection) => void;
  readonly first?: (connection: RawConnection, stream: RawStream) => void;
}

function goaway(connection: RawConnection, lastId: number, code = 0, debug = ""): void {
  const payload = Buffer.concat([uint32(lastId, code), Buffer.from(debug)]);
  connection.send(Type.GOAWAY, 0, 0, payload);
}

function sendHeaders(connection: RawConnection, { id }: RawStream): void {
  connection.headers(id, [
    [":status", "200"],
    ["content-type", "application/grpc"],
  ]);
}

function sendEnd(connection: RawConnection, { id }: RawStream): void {
  connection.headers(id, [["grpc-status", "0"]], true);
}

function answer(connection: RawConnection, stream: RawStream): void {
  sendHeaders(connection, stream);
  connection.data(stream.id, EMPTY_MESSAGE);
  sendEnd(connection, stream);
}

/** The points by name. What a point leaves open is for the client to close. */
const POINTS: Readonly<Record<string, Point>> = {
  "instead of SETTINGS": {
    atOnce: (connection) => {
      goaway(connection, 0, ErrorCode.INTERNAL_ERROR);
      connection.socket.end();
    },
  },
  "after SETTINGS, with a FIN": {
    atOnce: (connection) => {
      connection.settings([]);
      goaway(connection, 0);
      connection.socket.end();
    },
  },
  "after SETTINGS, with a reset": {
    atOnce: (connection) => {
      connection.settings([]);
      goaway(connection, 0, ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings");
      setTimeout(() => connection.socket.resetAndDestroy(), 5);
    },
  },
  "before the first call, which is not processed": {
    first: (connection) => {
      goaway(connection, 0);
      connection.socket.end();
    },
  },
  "before the first call is answered": {
    first: (connection, stream) => {
      goaway(connection, stream.id);
      answer(connection, stream);
    },
  },
  "between headers and message": {
    first: (connection, stream) => {
      sendHeaders(connection, stream);
      goaway(connection, stream.id);
      connection.data(stream.id, EMPTY_MESSAGE);
      sendEnd(connection, stream);
    },
  },
  "between message and trailers": {
    first: (connection, stream) => {
      sendHeaders(connection, stream);
      connection.data(stream.id, EMPTY_MESSAGE);
      goaway(connection, stream.id);
      sendEnd(connection, stream);
    },
  },
  "after trailers, with a FIN": {
    first: (connection, stream) => {
      answer(connection, stream);
      goaway(connection, stream.id);
      connection.socket.end();
    },
  },
  "in two steps, as a drain does": {
    first: (connection, stream) => {
      goaway(connection, LAST_ID_MAX);
      answer(connection, stream);
      goaway(connection, stream.id);
      connection.socket.end();
    },
  },
  "inside a header block": {
    first: (connection, { id }) => {
      connection.send(Type.HEADERS, 0, id, Buffer.from([0x88]));
      goaway(connection, id);
    },
  },
  "on a stream of its own": {
    first: (connection, { id }) => {
      connection.send(Type.GOAWAY, Flags.END_STREAM, id, uint32(id, 0));
      connection.socket.end();
    },
  },
  "cut short": {
    first: (connection) => {
      connection.send(Type.GOAWAY, 0, 0, Buffer.alloc(3));
      connection.socket.end();
    },
  },
  "with a last stream that grows": {
    first: (connection, { id }) => {
      goaway(connection, 0);
      goaway(connection, id);
      goaway(connection, LAST_ID_MAX);
      connection.socket.end();
    },
  },
  "with an unknown code and much to say": {
    first: (connection) => {
      goaway(connection, 0, 0xffff_ffff, "x".repeat(DEBUG_BYTES));
      connection.socket.end();
    },
  },
  "a thousand times, and a reset": {
    first: (connection, { id }) => {
      for (let n = 0; n < STORM_FRAMES; n += 1) goaway(connection, id, n % 14, "storm");
      setTimeout(() => connection.socket.resetAndDestroy(), 5);
    },
  },
};

/** A server that listens. */
export interface GoawayServer {
  /** "127.0.0.1:PORT". */
  readonly address: string;
  /** Connections that came to each point. */
  readonly visits: ReadonlyMap<string, number>;
  /** From now on calls are answered as they should be. */
  behave(): void;
  close(): void;
}

/** Starts one. */
export async function startGoawayServer(): Promise<GoawayServer> {
  const names = Object.keys(POINTS);
  const visits = new Map(names.map((name) => [name, 0]));
  const sockets = new Set<Socket>();
  let count = 0;
  let isGood = false;
  const server = createServer((socket) => {
    sockets.add(socket);
    const name = names[count % names.length] as string;
    count += 1;
    if (isGood) serve(socket, { first: answer }, () => {});
    else serve(socket, POINTS[name] as Point, () => visits.set(name, visits.get(name)! + 1));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    visits,
    behave() {
      isGood = true;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Lets one connection come to its point. Calls after the first are answered. */
function serve(socket: Socket, { atOnce, first = answer }: Point, onVisit: () => void): void {
  const options = atOnce === undefined ? {} : { settings: null };
  const connection = new RawConnection(socket, true, options);
  if (atOnce !== undefined) {
    onVisit();
    atOnce(connection);
    return;
  }
  let handled = 0;
  socket.on("data", () => {
    const streams = [...connection.streams.values()].filter(({ isEnded }) => isEnded);
    for (const stream of streams.slice(handled)) {
      handled += 1;
      if (handled > 1) {
        answer(connection, stream);
        continue;
      }
      onVisit();
      first(connection, stream);
    }
  });
}
