/** Tests of the admin endpoint of a control plane. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import test from "node:test";
import { eventually } from "../../../test/support/raw-http2.ts";
import { silentLogger } from "../../base/index.ts";
import {
  CONTROL_ADMIN_CONNECTIONS_MAX,
  CONTROL_ADMIN_HEADER_BYTES_MAX,
  ControlAdmin,
  jsonPage,
  textPage,
} from "./admin.ts";

async function serve() {
  const pages = {
    "/livez": () => textPage(200, "live\n"),
    "/nodes": () => jsonPage({ nodes: [] }),
  };
  const admin = new ControlAdmin(pages, silentLogger);
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
  assert.deepEqual(await get("/"), [200, "/livez\n/nodes\n"]);
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
