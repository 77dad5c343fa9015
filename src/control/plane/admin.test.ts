/** Tests of the admin endpoint of a control plane. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import test from "node:test";
import { eventually } from "../../../test/support/raw-http2.ts";
import { realClock, silentLogger } from "../../base/index.ts";
import {
  CONTROL_ADMIN_CONNECTIONS_MAX,
  CONTROL_ADMIN_HEADER_BYTES_MAX,
  ControlAdmin,
  jsonPage,
  textPage,
} from "./admin.ts";

const LONG = textPage(200, "x".repeat(32 * 1024 * 1024));

async function serve(timeoutMs?: number) {
  const pages = {
    "/long": () => LONG,
    "/livez": () => textPage(200, "live\n"),
    "/nodes": () => jsonPage({ nodes: [] }),
  };
  const admin = new ControlAdmin(pages, silentLogger, timeoutMs);
  const address = await admin.listen({ host: "127.0.0.1", port: 0 });
  return { admin, address };
}

test("paths are answered, others are told of them, and nothing is changed", async (t) => {
  const { admin, address } = await serve();
  t.after(() => admin.close());
  const get = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`http://${address}${path}`, init);
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await get("/livez?x=1"), [200, "live\n"]);
  assert.deepEqual(await get("/nodes?format=json"), [200, '{"nodes":[]}\n']);
  assert.deepEqual(await get("/"), [200, "/long\n/livez\n/nodes\n"]);
  assert.equal((await get("/toString"))[0], 404);
  assert.equal((await get("/livez", { method: "POST" }))[0], 405);
  const headers = { "x-long": "x".repeat(CONTROL_ADMIN_HEADER_BYTES_MAX) };
  assert.equal((await get("/livez", { headers }))[0], 431);
});

test("connections beyond the limit are closed", async (t) => {
  const { admin, address } = await serve();
  const [host, port] = address.split(":") as [string, string];
  const sockets = Array.from({ length: CONTROL_ADMIN_CONNECTIONS_MAX + 1 }, () =>
    connect(Number(port), host),
  );
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    admin.close();
  });
  let closed = 0;
  for (const socket of sockets)
    socket.on("close", () => {
      closed += 1;
    });
  await eventually("one is closed", () => closed === 1);
});

// A request that never came was looked at every 30 s, whatever its time, and an answer that nobody
// read was kept for as long as its connection.
test("who does not ask, or does not read, is given up", async (t) => {
  const { admin, address } = await serve(100);
  const [host, port] = address.split(":") as [string, string];
  const sockets = ["", "GET /li", "GET /long HTTP/1.1\r\nhost: x\r\n\r\n"].map((text) => {
    const socket = connect(Number(port), host);
    socket.on("error", () => {});
    socket.write(text);
    return socket;
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    admin.close();
  });
  const [silent, half, unread] = sockets as [Socket, Socket, Socket];
  for (const socket of [silent, half]) {
    socket.resume();
    await once(socket, "close");
  }
  let bytes = 0;
  // Node takes what the kernel took meanwhile for progress, once.
  await new Promise((resolve) => realClock().setTimer(1_500, () => resolve(null)));
  unread.on("data", (chunk) => (bytes += chunk.length));
  await once(unread, "close");
  assert.ok(bytes < LONG.body.length, `${bytes} bytes`);
});
