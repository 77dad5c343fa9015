/** Tests of the client on real sockets: answers, failures, limits, credentials, and the end. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { VirtualClock } from "../../../../base/index.ts";
import { Secret } from "../secret.ts";
import { DOCUMENT_BYTES_MAX, EVENT_BYTES_MAX } from "./client.ts";
import { BODY_SILENCE_MS, ERROR_BYTES_MAX, RESPONSE_TIMEOUT_MS } from "./exchange.ts";
import { OPENINGS_MAX } from "./gate.ts";
import { PROBE_TIMEOUT_MS, SILENT_MS_MAX } from "./liveness.ts";
import {
  accessTo,
  clientOf,
  failureOf,
  fetchOf,
  ScriptedServer,
  until,
  watchOf,
} from "./server-suite.ts";
import { MESSAGE_CHARS_MAX } from "./status.ts";

const directory = mkdtempSync(join(tmpdir(), "fairlead-api-"));
after(() => rmSync(directory, { recursive: true }));

/** A server and a client of it for one test; afterwards nobody is connected. */
async function withServer(
  onRequest: RequestListener,
  run: (made: Awaited<ReturnType<typeof makeServer>>) => Promise<void>,
  options: Parameters<typeof makeServer>[1] = {},
): Promise<void> {
  const made = await makeServer(onRequest, options);
  try {
    await run(made);
    made.client.close();
    await made.server.deserted();
    assert.equal(made.clock.pendingCount, 0, "no timer is left");
  } finally {
    made.client.close();
    await made.server.close();
  }
}

async function makeServer(
  onRequest: RequestListener,
  { user = {} }: { user?: Parameters<typeof accessTo>[2] } = {},
) {
  const server = await new ScriptedServer(onRequest).listen();
  const clock = new VirtualClock();
  let bytes = 0;
  let silences = 0;
  const { client, log } = clientOf(accessTo(`http://127.0.0.1:${server.port}/prefix`, {}, user), {
    clock,
    onBytes: (n) => {
      bytes += n;
    },
    onSilence: () => {
      silences += 1;
    },
  });
  return { server, client, clock, log, bytes: () => bytes, silences: () => silences };
}

test("documents come as JSON, over one connection, below the server's path", async () => {
  await withServer(
    (_request, response) => response.end('{"kind":"List"}'),
    async ({ server, client, bytes }) => {
      assert.deepEqual(await fetchOf(client, "/api/v1/nodes?limit=1"), { kind: "List" });
      assert.deepEqual(await fetchOf(client, "/version"), { kind: "List" });
      const [first] = server.requests;
      assert.equal(first.url, "/prefix/api/v1/nodes?limit=1");
      assert.equal(first.headers.accept, "application/json");
      assert.equal(first.headers.authorization, undefined);
      assert.equal(server.openedCount, 1);
      assert.equal(bytes(), 30);
    },
  );
});

test("a token and impersonation go with each request", async () => {
  const user = {
    token: new Secret("t0k3n"),
    impersonate: { "Impersonate-User": "jane", "Impersonate-Group": ["a", "b"] },
  };
  await withServer(
    (_request, response) => response.end("{}"),
    async ({ server, client }) => {
      await fetchOf(client, "/x");
      const { headers, rawHeaders } = server.requests[0];
      assert.equal(headers.authorization, "Bearer t0k3n");
      assert.equal(headers["impersonate-user"], "jane");
      assert.equal(rawHeaders.filter((name) => name === "Impersonate-Group").length, 2);
    },
    { user },
  );
});

test("a watch tells each read in one piece, and its end", async () => {
  let send = (_text: string | null) => {};
  await withServer(
    (_request, response) => {
      response.writeHead(200).flushHeaders();
      send = (text) => (text === null ? response.end() : response.write(text));
    },
    async ({ client }) => {
      const { heard } = watchOf(client, "/w");
      await until(() => heard.length === 1);
      assert.equal(client.openWatches, 1);
      send('{"a":1}\n{"a":2}\nnot json\n{"half"');
      await until(() => heard.length === 2);
      send(":3}\n");
      await until(() => heard.length === 3);
      send(null);
      await until(() => heard.length === 4);
      assert.deepEqual(heard, ["open", '[{"a":1},{"a":2},null]', '[{"half":3}]', "end"]);
      assert.equal(client.openWatches, 0);
    },
  );
});

test("a watch that is cut is a failure, one that is closed says nothing", async () => {
  await withServer(
    (_request, response) => response.writeHead(200).flushHeaders(),
    async ({ server, client }) => {
      const cut = watchOf(client, "/cut");
      await until(() => cut.heard.length === 1);
      for (const socket of server.sockets) socket.resetAndDestroy();
      await until(() => cut.heard.length === 2);
      assert.equal(cut.heard[1], `! 127.0.0.1:${server.port}: the connection was reset`);
      const closed = watchOf(client, "/closed");
      await until(() => closed.heard.length === 1);
      closed.request.close();
      closed.request.close();
      await server.deserted();
      assert.deepEqual(closed.heard, ["open"]);
    },
  );
});

test("an error has the status, the words of its Status object, and Retry-After", async () => {
  const status = { kind: "Status", reason: "Expired", message: "too\nold\u001b[31m" };
  await withServer(
    (request, response) => {
      if (request.url?.endsWith("/gone")) response.writeHead(410).end(JSON.stringify(status));
      else if (request.url?.endsWith("/slow"))
        response.writeHead(429, { "retry-after": "7" }).end();
      else response.writeHead(503).end("<html>a proxy speaks</html>");
    },
    async ({ client }) => {
      const gone = await failureOf(client, "/gone");
      assert.deepEqual([gone.status, gone.code], [410, "Expired"]);
      assert.equal(gone.reason, "the API server answers 410: too old [31m");
      assert.equal((await failureOf(client, "/slow")).retryAfterMs, 7000);
      assert.equal((await failureOf(client, "/other")).reason, "the API server answers 503");
      const { heard } = watchOf(client, "/gone");
      await until(() => heard.length === 1);
      assert.deepEqual(heard, ["! the API server answers 410: too old [31m"]);
    },
  );
});

test("a redirect is not followed: credentials are for the server that was named", async () => {
  await withServer(
    (_request, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    async ({ server, client }) => {
      const { reason } = await failureOf(client);
      assert.equal(reason, "the API server answers 302: redirects are not followed");
      assert.equal(server.requests.length, 1);
    },
  );
});

test("what is no JSON, or no HTTP, is a failure", async () => {
  await withServer(
    (request, response) => {
      if (request.url?.endsWith("/html")) response.end("<html>");
      else request.socket.end("SSH-2.0-OpenSSH\r\n\r\n");
    },
    async ({ server, client }) => {
      const html = await failureOf(client, "/html");
      assert.equal(html.reason, "the API server answers with something that is not JSON");
      const ssh = await failureOf(client, "/ssh");
      assert.equal(ssh.reason, `127.0.0.1:${server.port}: the server does not speak HTTP/1.1`);
    },
  );
});

test("DOCUMENT_BYTES_MAX, EVENT_BYTES_MAX and ERROR_BYTES_MAX bound what a server can send", async () => {
  const mebibyte = Buffer.alloc(1024 * 1024, "x");
  await withServer(
    (request, response) => {
      response.writeHead(request.url?.endsWith("/error") ? 500 : 200);
      const pump = () => {
        while (!response.destroyed && response.write(mebibyte)) {}
        response.once("drain", pump);
      };
      pump();
    },
    async ({ client, bytes }) => {
      const document = await failureOf(client, "/document");
      assert.equal(document.isTooLarge, true);
      assert.ok(bytes() < DOCUMENT_BYTES_MAX + 2 * mebibyte.length);
      const beforeWatch = bytes();
      const { heard } = watchOf(client, "/watch");
      await until(() => heard.length === 2);
      assert.match(heard[1], /^! the API server sends an event of more than 8388608 bytes$/);
      assert.ok(bytes() - beforeWatch < EVENT_BYTES_MAX + 2 * mebibyte.length);
      const beforeError = bytes();
      assert.equal((await failureOf(client, "/error")).status, 500);
      assert.ok(bytes() - beforeError < ERROR_BYTES_MAX + 2 * mebibyte.length);
    },
  );
});

test("HEADER_BYTES_MAX bounds the head of an answer", async () => {
  await withServer(
    (_request, response) => response.writeHead(200, { "x-long": "x".repeat(40_000) }).end("{}"),
    async ({ server, client }) => {
      const { reason } = await failureOf(client);
      assert.equal(reason, `127.0.0.1:${server.port}: the header of the answer is too large`);
    },
  );
});

test("a server that does not answer, or stops within an answer, is given up", async () => {
  await withServer(
    (request, response) => {
      if (request.url?.endsWith("/stops")) response.write("{");
    },
    async ({ server, client, clock }) => {
      const silent = failureOf(client, "/silent");
      await until(() => server.requests.length === 1);
      clock.advance(RESPONSE_TIMEOUT_MS);
      assert.equal((await silent).reason, `127.0.0.1:${server.port}: no answer within 15 s`);
      let heardBytes = false;
      const stops = failureOf(client, "/stops").finally(() => {
        heardBytes = true;
      });
      await until(() => server.requests.length === 2);
      await new Promise((resolve) => setTimeout(resolve, 50)); // the head has to be here
      clock.advance(BODY_SILENCE_MS - 1);
      assert.equal(heardBytes, false);
      clock.advance(1);
      const { reason } = await stops;
      assert.equal(reason, `127.0.0.1:${server.port}: an answer that stopped for 15 s`);
    },
  );
});

test("a refused connection is named as such", async () => {
  await withServer(
    () => {},
    async ({ server, client }) => {
      const { port } = server;
      await server.close();
      assert.equal((await failureOf(client)).reason, `127.0.0.1:${port}: connection refused`);
      await server.listen();
    },
  );
});

test("a connection that was lost at rest is not an error: the request is sent again", async () => {
  const lost: string[] = [];
  await withServer(
    (request, response) => {
      const { url = "" } = request;
      const isFirst = !lost.includes(url);
      // As if the server had closed it in the very moment in which it was taken up again.
      if (url.endsWith("/2") && isFirst) lost.push(url);
      if ((url.endsWith("/2") && isFirst) || url.endsWith("/3")) request.socket.resetAndDestroy();
      else response.end("{}");
    },
    async ({ server, client }) => {
      await fetchOf(client, "/1");
      assert.deepEqual(await fetchOf(client, "/2"), {});
      assert.equal(server.openedCount, 2);
      const { reason } = await failureOf(client, "/3");
      assert.equal(reason, `127.0.0.1:${server.port}: the connection was reset`);
      assert.equal(server.requests.length, 5, "it is sent again once");
    },
  );
});

test("401: the token file is read at once, and the request is sent again with what it holds", async () => {
  const path = join(directory, "token");
  writeFileSync(path, "old\n");
  let good = "Bearer old";
  await withServer(
    (request, response) => {
      if (request.headers.authorization === good) response.end("{}");
      else response.writeHead(401).end();
    },
    async ({ server, client }) => {
      await fetchOf(client, "/1");
      good = "Bearer new";
      writeFileSync(path, "new\n");
      await fetchOf(client, "/2");
      assert.equal(server.requests.length, 3);
      good = "Bearer newer";
      const failure = await failureOf(client, "/3");
      assert.equal(failure.status, 401);
      assert.equal(server.requests.length, 4, "the file holds nothing new: it is asked once");
    },
    { user: { tokenFile: path } },
  );
});

test("a plugin may take longer than the server", async () => {
  const config = new Secret('{"exec":{}}');
  const plugin = { kind: "exec plugin", name: "slow", userName: "u", config } as const;
  let release = () => {};
  class KubeConfig {
    loadFromOptions() {}
    applyToHTTPSOptions(options: { headers?: unknown }) {
      return new Promise<void>((resolve) => {
        release = () => {
          options.headers = { Authorization: "Bearer late" };
          resolve();
        };
      });
    }
  }
  const server = await new ScriptedServer((_request, response) => response.end("{}")).listen();
  const clock = new VirtualClock();
  const { client } = clientOf(accessTo(`http://127.0.0.1:${server.port}`, {}, { plugin }), {
    clock,
    loadClientNode: async () => ({ KubeConfig }),
  });
  const answer = fetchOf(client, "/");
  await new Promise((resolve) => setTimeout(resolve, 20));
  clock.advance(RESPONSE_TIMEOUT_MS + 1);
  release();
  assert.deepEqual(await answer, {});
  client.close();
  assert.equal(clock.pendingCount, 0);
  await server.close();
});

test("a header that cannot be sent is a failure, not a crash", async () => {
  await withServer(
    (_request, response) => response.end("{}"),
    async ({ client }) => {
      assert.match((await failureOf(client)).reason, /Header name must be a valid HTTP token/);
    },
    { user: { impersonate: { "Impersonate-Extra-(x)": ["y"] } } },
  );
});

test("a server that sends the token back does not get it into a reason", async () => {
  const message = "bad token s3cr3t-t0k3n for you";
  await withServer(
    (_request, response) =>
      response.writeHead(403).end(JSON.stringify({ kind: "Status", message })),
    async ({ client }) => {
      const { reason } = await failureOf(client);
      assert.equal(reason, "the API server answers 403: bad token *** for you");
    },
    { user: { token: new Secret("s3cr3t-t0k3n") } },
  );
});

test("a token that lies across the cut of a message is taken out before the cut", async () => {
  const token = "s3cr3t-t0k3n-0123456789";
  const message = `${"x".repeat(MESSAGE_CHARS_MAX - 5)}${token}`;
  await withServer(
    (_request, response) =>
      response.writeHead(403).end(JSON.stringify({ kind: "Status", message })),
    async ({ client }) => {
      assert.match((await failureOf(client)).reason, /x\*\*\*$/);
    },
    { user: { token: new Secret(token) } },
  );
});

test("a short token is taken out where it stands alone, not out of words", async () => {
  const message = 'the token "t" is not right';
  await withServer(
    (_request, response) =>
      response.writeHead(403).end(JSON.stringify({ kind: "Status", message })),
    async ({ client }) => {
      const { reason } = await failureOf(client);
      assert.equal(reason, 'the API server answers 403: the token "***" is not right');
    },
    { user: { token: new Secret("t") } },
  );
});

test("a server that hangs is noticed by questions, and its watches are cut", async () => {
  let isHanging = false;
  await withServer(
    (request, response) => {
      if (isHanging) return;
      if (request.url?.endsWith("/livez")) response.writeHead(403).end("{}");
      else response.writeHead(200).flushHeaders();
    },
    async ({ server, client, clock, silences }) => {
      const watches = [watchOf(client, "/1"), watchOf(client, "/2")];
      await until(() => watches.every(({ heard }) => heard.length === 1));
      clock.advance(SILENT_MS_MAX);
      await until(() => server.requests.length === 3);
      await new Promise((resolve) => setTimeout(resolve, 50)); // its answer has to be here
      assert.equal(server.requests[2].url, "/prefix/livez");
      isHanging = true;
      clock.advance(SILENT_MS_MAX);
      await until(() => server.requests.length === 4);
      clock.advance(PROBE_TIMEOUT_MS);
      await until(() => server.requests.length === 5);
      assert.equal(client.openWatches, 2, "one question may be lost");
      clock.advance(PROBE_TIMEOUT_MS);
      const reason = `127.0.0.1:${server.port}: the API server is silent`;
      for (const { heard } of watches) {
        assert.deepEqual(heard, ["open", `! ${reason} and did not answer for 16 s`]);
      }
      assert.equal(silences(), 2);
      await server.deserted();
    },
  );
});

test("a plugin that breaks after a watch stands does not cut it: the question has no credentials", async () => {
  const config = new Secret('{"exec":{}}');
  const plugin = { kind: "exec plugin", name: "login", userName: "u", config } as const;
  let isBroken = false;
  class KubeConfig {
    loadFromOptions() {}
    async applyToHTTPSOptions(options: { headers?: unknown }) {
      if (isBroken) throw new Error("it is broken");
      options.headers = { Authorization: "Bearer good" };
    }
  }
  const server = await new ScriptedServer((request, response) => {
    if (request.url === "/livez") response.writeHead(401).end();
    else response.writeHead(200).flushHeaders();
  }).listen();
  const clock = new VirtualClock();
  const access = accessTo(`http://127.0.0.1:${server.port}`, {}, { plugin });
  const { client } = clientOf(access, { clock, loadClientNode: async () => ({ KubeConfig }) });
  try {
    const { heard } = watchOf(client, "/w");
    await until(() => heard.length === 1);
    isBroken = true;
    for (let asked = 2; asked < 6; asked += 1) {
      clock.advance(SILENT_MS_MAX);
      await until(() => server.requests.length === asked || heard.length > 1);
      await new Promise((resolve) => setTimeout(resolve, 20)); // its answer has to be here
      assert.deepEqual(heard, ["open"]);
    }
    assert.equal(server.requests[1].headers.authorization, undefined);
    client.close();
    assert.equal(clock.pendingCount, 0);
  } finally {
    client.close();
    await server.close();
  }
});

test("a server that refuses connections while a watch stands is dead for that reason", async () => {
  await withServer(
    (_request, response) => response.writeHead(200).flushHeaders(),
    async ({ server, client, clock, silences }) => {
      const { heard } = watchOf(client, "/w");
      await until(() => heard.length === 1);
      const { port } = server;
      server.server.close(); // the watch goes on
      clock.advance(SILENT_MS_MAX);
      await until(() => silences() === 1);
      assert.deepEqual(heard, ["open"]);
      clock.advance(PROBE_TIMEOUT_MS);
      await until(() => heard.length === 2);
      assert.equal(heard[1], `! 127.0.0.1:${port}: connection refused`);
      await server.deserted();
      await server.listen();
    },
  );
});

test("at most OPENINGS_MAX requests wait for an answer; the others take their turn", async () => {
  const waiting: (() => void)[] = [];
  await withServer(
    (_request, response) => waiting.push(() => response.end("{}")),
    async ({ server, client }) => {
      const answers = Array.from({ length: OPENINGS_MAX + 5 }, (_, i) => fetchOf(client, `/${i}`));
      await until(() => waiting.length === OPENINGS_MAX);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(waiting.length, OPENINGS_MAX);
      for (const answer of waiting.splice(0)) answer();
      await until(() => waiting.length === 5);
      for (const answer of waiting.splice(0)) answer();
      assert.equal((await Promise.all(answers)).length, OPENINGS_MAX + 5);
      assert.ok(server.openedCount <= OPENINGS_MAX + 1);
    },
  );
});

test("close ends everything, unheard: watches, requests, those in the queue", async () => {
  await withServer(
    (request, response) => {
      if (request.url?.includes("/w")) response.writeHead(200).flushHeaders();
    },
    async ({ server, client, clock }) => {
      const { heard } = watchOf(client, "/w");
      await until(() => heard.length === 1);
      let answers = 0;
      for (let i = 0; i < OPENINGS_MAX + 3; i += 1) {
        const onOver = () => {
          answers += 1;
        };
        client.get(`/${i}`, { onDocument: onOver, onFailure: onOver });
      }
      await until(() => server.requests.length === OPENINGS_MAX + 1);
      client.close();
      await server.deserted();
      assert.deepEqual(heard, ["open"]);
      assert.equal(answers, 0);
      assert.equal(clock.pendingCount, 0);
      client.get("/late", { onDocument: () => assert.fail(), onFailure: () => assert.fail() });
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(server.requests.length, OPENINGS_MAX + 1);
    },
  );
});
