/**
 * Questions to an admin endpoint that is none, or is not well: they end, with one line.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TcpAddress } from "../proxy/index.ts";
import { type AskBounds, askAdmin } from "./ask-admin.ts";

/** What is said when this server is asked. */
async function said(answer: RequestListener, bounds: AskBounds = {}): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const admin: TcpAddress = { host: "127.0.0.1", port };
  try {
    const outcome = await askAdmin(admin, "/nodes", bounds).catch((error: Error) => error.message);
    return outcome.replaceAll(`127.0.0.1:${port}`, "ADMIN");
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A blank again and again, and no end. */
const trickle: RequestListener = (_request, response) => {
  response.writeHead(200).write(" ");
  const blanks = setInterval(() => response.write(" "), 5);
  response.on("close", () => clearInterval(blanks));
};

test("an answer that trickles without an end is given up", async () => {
  const outcome = await said(trickle, { wholeTimeoutMs: 50 });
  assert.equal(outcome, "--admin ADMIN: no answer: timed out");
});

test("a signal ends the question, before it is asked too", async () => {
  const stop = new AbortController();
  const outcome = await said(
    (request, response) => {
      trickle(request, response);
      stop.abort("SIGTERM");
    },
    { stop: stop.signal },
  );
  assert.equal(outcome, "--admin ADMIN: no answer: stopped by SIGTERM");
  const again = await said(trickle, { stop: stop.signal });
  assert.equal(again, "--admin ADMIN: no answer: stopped by SIGTERM");
});

test("of an error one short line is shown, without what moves a cursor", async () => {
  const outcome = await said((_request, response) => {
    response.writeHead(500).end(`\x1b[2Jno\r\nsuch\u202e ${"x".repeat(1_000_000)}`);
  });
  assert.equal(outcome, `--admin ADMIN: ?[2Jno such? ${"x".repeat(287)}...`);
  assert.equal(
    await said((_request, response) => void response.writeHead(503).end()),
    "--admin ADMIN: 503",
  );
});
