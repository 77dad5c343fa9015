/**
 * Accepted sockets read into the buffer of the process; where Node's insides differ, in the
 * ordinary way.
 */
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { findOnReadPlaces, type OnReadPlaces, shareAcceptedRead } from "./shared-read.ts";

/** Sends `parts` one by one to an accepted socket and gives it to `use`; resolves at its end. */
async function serve(parts: readonly string[], use: (socket: Socket) => void): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ended = new Promise<void>((resolve) => {
    server.once("connection", (socket) => {
      use(socket);
      socket.on("end", () => {
        socket.end();
        resolve();
      });
    });
  });
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  for (const part of parts) client.write(part);
  client.end();
  await ended;
  client.destroy();
  server.close();
}

test("accepted sockets share one buffer, and every byte and the end come", async () => {
  const memories = new Set<ArrayBufferLike>();
  for (const text of ["one", "two"]) {
    let seen = "";
    await serve([text, " and more"], (socket) => {
      const read = shareAcceptedRead(socket);
      assert.ok(read !== null, "this Node keeps `onread` where it is looked for");
      read.attach((bytes, length) => {
        memories.add(bytes.buffer);
        seen += bytes.toString("latin1", 0, length);
      });
      socket.on("data", () => assert.fail("it is read past the shared buffer"));
    });
    assert.equal(seen, `${text} and more`);
  }
  assert.equal(memories.size, 1);
});

const STRANGE: Readonly<Record<string, OnReadPlaces | null>> = {
  "that keeps `onread` nowhere": null,
  "whose sockets lack the places": { buffer: Symbol("buffer"), callback: Symbol("callback") },
};

for (const [name, where] of Object.entries(STRANGE)) {
  test(`a Node ${name} reads in the ordinary way`, async () => {
    let seen = "";
    await serve(["ordinary"], (socket) => {
      assert.equal(shareAcceptedRead(socket, where), null);
      socket.on("data", (bytes: Buffer) => {
        seen += bytes.toString("latin1");
      });
    });
    assert.equal(seen, "ordinary");
  });
}

test("a handle that takes no buffer is left alone", async () => {
  let seen = "";
  await serve(["plain"], (socket) => {
    const { _handle: handle } = socket as unknown as { _handle: object };
    Object.defineProperty(handle, "useUserBuffer", { value: undefined });
    assert.equal(shareAcceptedRead(socket), null);
    const places = findOnReadPlaces()!;
    const open = socket as unknown as Record<symbol, unknown>;
    assert.equal(open[places.buffer], null, "nothing is half done");
    socket.on("data", (bytes: Buffer) => {
      seen += bytes.toString("latin1");
    });
  });
  assert.equal(seen, "plain");
});
