/**
 * Tests of the page's HTTP server over real loopback sockets: what it refuses, and its events.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { realClock } from "../../base/index.ts";
import type { Delta } from "./page-delta.ts";
import type { Hello, Sample } from "./page-feed.ts";
import {
  type ActAnswer,
  type PageContent,
  type PageServer,
  STREAMS_MAX,
  servePage,
} from "./page-server.ts";

const SAMPLE: Sample = {
  ...{ elapsedMs: 500, isLast: false, lanes: [], laneChoices: [] },
  load: {
    ...{ callsPerSecond: 300, inFlight: 10, policy: "round_robin" },
    ...{ overheadCpu: 0, heldBackTo: null },
  },
  pods: [{ name: "echo-1", state: "ready", isSlow: false, isNotServing: false, isSick: false }],
  wantedPods: 1,
  ...{ events: [], columnCount: 0, progress: null, problem: null, newLab: "bin/fairlead lab" },
};
const HELLO: Hello = {
  runId: 1,
  podsMax: 100,
  policies: ["round_robin"],
  intervalMs: 500,
  command: "bin/fairlead lab",
  clusterIpBy: "relay",
  columns: [],
  now: SAMPLE,
};
const DELTA: Delta = { now: { elapsedMs: 600, isLast: true }, columns: [] };
const SCRIPT = 'document.title = "up"';

async function serve(
  t: TestContext,
  document = async () => `<script>${SCRIPT}</script>`,
  act: (text: string) => ActAnswer = (text) => ({ status: 200, done: [text] }),
) {
  const server = await servePage(
    "127.0.0.1",
    0,
    { document, hello: () => HELLO, act },
    realClock(),
  );
  t.after(() => server.close());
  return server;
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function ask(server: PageServer, options: http.RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(server.url, options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text) => {
        body += text;
      });
      response.on("end", () => {
        resolve({ status: response.statusCode!, headers: response.headers, body });
      });
    });
    request.on("error", reject).end();
  });
}

test("the document is served with a policy that allows its own script only", async (t) => {
  const server = await serve(t);
  const { status, headers, body } = await ask(server, { path: "/" });
  assert.equal(status, 200);
  assert.equal(body, `<script>${SCRIPT}</script>`);
  const hash = createHash("sha256").update(SCRIPT).digest("base64");
  const policy = String(headers["content-security-policy"]);
  assert.ok(policy.includes("default-src 'none'"));
  assert.ok(policy.includes(`script-src 'sha256-${hash}'`));
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["access-control-allow-origin"], undefined);
});

test("a foreign Host is refused, whatever is asked", async (t) => {
  const server = await serve(t);
  for (const host of [
    "evil.example",
    "evil.example:7480",
    "127.0.0.1.evil.example",
    "localhost.x",
  ]) {
    for (const path of ["/", "/events"]) {
      const { status, body } = await ask(server, { path, headers: { host } });
      assert.equal(status, 403, host);
      assert.match(body, /^fairlead lab: /);
    }
  }
});

test("addresses and localhost are our own Host, with any port", async (t) => {
  const server = await serve(t);
  for (const host of ["127.0.0.1:7480", "localhost:1234", "LOCALHOST", "[::1]:7480"]) {
    assert.equal((await ask(server, { path: "/", headers: { host } })).status, 200, host);
  }
});

test("any method but GET is refused with 405", async (t) => {
  const server = await serve(t);
  for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"]) {
    const { status, headers } = await ask(server, { method, path: "/" });
    assert.equal(status, 405, method);
    assert.equal(headers.allow, "GET");
  }
});

test("actions come by POST, from our own page or from no page at all", async (t) => {
  const asked: string[] = [];
  const server = await serve(t, undefined, (text) => {
    asked.push(text);
    return { status: 200, done: [text, "and more"] };
  });
  const host = new URL(server.url).host;
  const post = async (path: string, headers = {}): Promise<number> =>
    (await ask(server, { method: "POST", path, headers })).status;
  for (const path of ["/act?event=slow%3Decho-2", "/scale?pods=5"]) {
    assert.equal(await post(path), 200);
    assert.equal(await post(path, { origin: `http://${host}` }), 200);
    assert.equal(await post(path, { origin: "http://elsewhere.example" }), 403);
    assert.equal(await post(path, { origin: "null" }), 403);
    assert.equal(await post(path, { host: "elsewhere.example" }), 403);
    assert.equal((await ask(server, { path })).status, 405);
  }
  assert.deepEqual(asked, ["slow=echo-2", "slow=echo-2", "scale=5", "scale=5"]);
  // Who kills a pod and names none is told which one it was; the answer had been empty.
  const { headers, body } = await ask(server, { method: "POST", path: "/act?event=kill" });
  assert.equal(headers["content-type"], "text/plain; charset=utf-8");
  assert.equal(body, "kill\nand more\n");
});

test("what is no action, and what cannot be done, is refused with the reason", async (t) => {
  const server = await serve(t, undefined, (text) =>
    text === "kill" ? { status: 409, reason: "no pod is ready" } : { status: 400, reason: text },
  );
  const post = (path: string): Promise<Answer> => ask(server, { method: "POST", path });
  const kill = await post("/act?event=kill");
  assert.equal(kill.status, 409);
  assert.equal(kill.body, "fairlead lab: POST /act?event=: no pod is ready\n");
  for (const [path, text] of [
    ["/act", ""],
    ["/act?event=bogus", "bogus"],
    ["/scale?pods=-1", "scale=-1"],
  ] as const) {
    const answer = await post(path);
    assert.equal(answer.status, 400);
    assert.ok(answer.body.endsWith(`: ${text}\n`), answer.body);
  }
});

test("an unknown path is 404", async (t) => {
  assert.equal((await ask(await serve(t), { path: "/../etc/passwd" })).status, 404);
});

test("a document that does not build is a 500 with the reason, and is built anew", async (t) => {
  let tries = 0;
  const server = await serve(t, async () => {
    tries += 1;
    if (tries === 1) throw new Error("unexpected }");
    return "<p>better</p>";
  });
  const first = await ask(server, { path: "/" });
  assert.equal(first.status, 500);
  assert.match(first.body, /could not be built: unexpected }/);
  assert.equal((await ask(server, { path: "/" })).status, 200);
});

/** Opens a stream of events; `text` grows as they come. */
function follow(
  server: PageServer,
): Promise<{ status: number; until(part: string): Promise<void> }> {
  return new Promise((resolve, reject) => {
    http
      .get(`${server.url}events`, (response) => {
        let text = "";
        let check = () => {};
        response.setEncoding("utf8").on("data", (part) => {
          text += part;
          check();
        });
        const until = (part: string) =>
          new Promise<void>((done) => {
            check = () => text.includes(part) && done();
            check();
          });
        resolve({ status: response.statusCode!, until });
      })
      .on("error", reject);
  });
}

test("a stream begins with hello and goes on with what changes", async (t) => {
  const server = await serve(t);
  assert.equal(server.openPages, 0);
  const stream = await follow(server);
  const hello = `event: hello\ndata: ${JSON.stringify(HELLO)}\n\n`;
  await stream.until(hello);
  assert.equal(server.openPages, 1);
  server.send(DELTA);
  const delta = `event: delta\ndata: ${JSON.stringify(DELTA)}\n\n`;
  await stream.until(hello + delta);
  server.greet();
  await stream.until(delta + hello);
});

test("questions are passed on with their parameters; a failed one is a 500 that says why", async (t) => {
  const content = {
    document: async () => "",
    hello: () => HELLO,
    act: () => ({ status: 200, done: [] }),
  };
  const asked: PageContent = {
    ...(content as PageContent),
    async ask(path, params) {
      if (path === "/calls") throw new Error("the lab is ending");
      return { status: 200, json: { path, lane: params.get("lane") } };
    },
  };
  const server = await servePage("127.0.0.1", 0, asked, realClock());
  t.after(() => server.close());
  const why = await ask(server, { path: "/why?lane=client" });
  assert.equal(why.status, 200);
  assert.equal(why.headers["content-type"], "application/json");
  assert.deepEqual(JSON.parse(why.body), { path: "/why", lane: "client" });
  const calls = await ask(server, { path: "/calls" });
  assert.equal(calls.status, 500);
  assert.equal(calls.body, "fairlead lab: no answer: the lab is ending\n");
  const foreign = { path: "/why?lane=client", headers: { host: "evil.example" } };
  assert.equal((await ask(server, foreign)).status, 403);
  assert.equal((await ask(server, { path: "/why", method: "POST" })).status, 405);
  assert.equal((await ask(await serve(t), { path: "/why" })).status, 404);
});

test("one stream more than the limit is refused with 503", async (t) => {
  const server = await serve(t);
  for (let count = 0; count < STREAMS_MAX; count += 1) {
    assert.equal((await follow(server)).status, 200);
  }
  assert.equal((await follow(server)).status, 503);
});

test("a port in use is reported as such", async (t) => {
  const other = http.createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const act = (): ActAnswer => ({ status: 200, done: [] });
  const content = { document: async () => "", hello: () => HELLO, act };
  await assert.rejects(servePage("127.0.0.1", port, content, realClock()), { code: "EADDRINUSE" });
});

test("an end waits for no connection that somebody holds open", { timeout: 10_000 }, async (t) => {
  const document = async () => "x".repeat(1 << 20);
  const act = (): ActAnswer => ({ status: 200, done: [] });
  const content = { document, hello: () => HELLO, act };
  const server = await servePage("127.0.0.1", 0, content, realClock());
  const head = "HTTP/1.1\r\nHost: localhost\r\n";
  const said = [
    // A browser connects before it has a request, so that the next one is fast.
    "",
    "GET / HT",
    `POST /act?event=roll ${head}Content-Length: 100\r\n\r\nabc`,
    // It never reads what it asked for.
    `GET / ${head}\r\n`.repeat(40),
  ];
  const { port } = new URL(server.url);
  const sockets = await Promise.all(
    said.map(async (text) => {
      const socket = net
        .connect(Number(port), "127.0.0.1")
        .pause()
        .on("error", () => {});
      await new Promise((resolve) => socket.once("connect", resolve));
      await new Promise((resolve) => socket.write(text, resolve));
      return socket;
    }),
  );
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  // What they said has come.
  await ask(server, { path: "/" });

  await server.close();
});
