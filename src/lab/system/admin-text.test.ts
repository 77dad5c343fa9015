/** Tests of questions to a proxy's admin endpoint that answers badly, or not at all. */
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { realClock, VirtualClock } from "../../base/index.ts";
import { adminText } from "./admin-text.ts";

async function listen(t: TestContext, answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("it answers the text, whatever pieces it comes in", async (t) => {
  const admin = await listen(t, (request, response) => {
    const bytes = Buffer.from(`${request.url} is ü`);
    response.write(bytes.subarray(0, -1));
    setImmediate(() => response.end(bytes.subarray(-1)));
  });
  assert.equal(await adminText(admin, "/metrics", realClock(), 60_000), "/metrics is ü");
});

// A proxy that was stopped by SIGSTOP held up the figures of all others, and the end of the lab.
test("an endpoint that hangs, before its answer or in it, is given up in time", async (t) => {
  for (const part of ["", "half an answer"]) {
    const clock = new VirtualClock();
    const admin = await listen(t, (_, response) => {
      if (part !== "") response.write(part);
      // Only now: the request has come.
      setImmediate(() => clock.advance(400));
    });
    await assert.rejects(adminText(admin, "/", clock, 400), { message: "no answer in time" });
  }
});

test("what is no answer has a reason: too long, another status, nobody there", async (t) => {
  const endless = await listen(t, (_, response) => {
    const more = (): void => {
      if (response.write("x".repeat(65_536))) setImmediate(more);
      else response.once("drain", more);
    };
    more();
  });
  await assert.rejects(adminText(endless, "/", realClock(), 60_000), {
    message: "an endless answer",
  });
  const refusing = await listen(t, (_, response) => void response.writeHead(404).end("no"));
  await assert.rejects(adminText(refusing, "/", realClock(), 60_000), { message: "status 404" });
  await assert.rejects(adminText("127.0.0.1:1", "/", realClock(), 60_000), /fetch failed/);
});
