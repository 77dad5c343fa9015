/**
 * Tests of how the page finds its port, and of what it answers to what it is told to do.
 */
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { realClock } from "../../base/index.ts";
import type { Action } from "../actions.ts";
import type { Lab } from "../core/lab.ts";
import { LabError } from "../error.ts";
import { openPage } from "./page.ts";

const noLab = (): Lab => {
  throw new Error("nobody asked for the lab");
};

const NO_COMMANDS = { command: "", newLab: () => "" };

async function takenPort(t: TestContext): Promise<number> {
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("none is no page and needs no word", async () => {
  assert.deepEqual(await openPage(null, noLab, NO_COMMANDS, realClock()), {
    url: null,
    notice: null,
  });
});

test("the default port in use: a later one is taken, and that is said", async (t) => {
  const port = await takenPort(t);
  const page = await openPage(
    { host: "127.0.0.1", port, isExplicit: false },
    noLab,
    NO_COMMANDS,
    realClock(),
  );
  assert.ok(page.url);
  t.after(() => page.close());
  const taken = Number(new URL(page.url).port);
  assert.ok(taken > port && taken <= port + 10);
  assert.equal(page.notice, `port ${port} is in use, so the page is on ${page.url}`);
});

test("a named port in use is an error that says so", async (t) => {
  const port = await takenPort(t);
  await assert.rejects(
    openPage({ host: "127.0.0.1", port, isExplicit: true }, noLab, NO_COMMANDS, realClock()),
    new LabError(`--page 127.0.0.1:${port}: the port is in use; give another one, or none`),
  );
});

test("a named address that is not ours is an error with the system's reason", async () => {
  const address = { host: "192.0.2.1", port: 80, isExplicit: true };
  await assert.rejects(
    openPage(address, noLab, NO_COMMANDS, realClock()),
    /--page 192\.0\.2\.1:80: cannot listen there/,
  );
});

/** The answer to "kill" was empty, so that nobody in a shell knew which pod it had been. */
test("what was done is the answer, with the pods that the lab chose", async (t) => {
  const doings: Readonly<Record<string, readonly string[]>> = {
    ...{ kill: ["kill=echo-7"], heal: ["heal=echo-1", "heal=echo-2"] },
    // It is known later which one it is.
    replica: [],
  };
  let events = [{ event: "slow=echo-1" }];
  const act = ({ word }: Action): string | null => {
    if (word === "reset") events = [];
    else if (!doings[word]) return "no pod is ready";
    events.push(...(doings[word] ?? []).map((event) => ({ event })));
    return null;
  };
  const lab = {
    act,
    get events() {
      return events;
    },
  } as unknown as Lab;
  const address = { host: "127.0.0.1", port: 0, isExplicit: true };
  const page = await openPage(address, () => lab, NO_COMMANDS, realClock());
  assert.ok(page.url);
  t.after(() => page.close());
  const post = async (action: string): Promise<[number, string]> => {
    const answer = await fetch(`${page.url}act?event=${action}`, { method: "POST" });
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await post("kill"), [200, "kill=echo-7\n"]);
  assert.deepEqual(await post("heal"), [200, "heal=echo-1\nheal=echo-2\n"]);
  assert.deepEqual(await post("replica"), [200, "replica\n"]);
  assert.deepEqual(await post("reset"), [200, "reset\n"]);
  assert.deepEqual(await post("kill"), [200, "kill=echo-7\n"]);
  assert.equal((await post("drain"))[0], 409);
});
