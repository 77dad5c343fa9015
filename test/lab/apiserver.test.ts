/**
 * The lab's control plane as its own process: driven over its control endpoint, stopped, killed and
 * started again on the same port and journal.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startProcess } from "../peers/processes.ts";

const PROGRAM = fileURLToPath(new URL("../../src/lab/programs/apiserver.ts", import.meta.url));
const SERVICES = "/api/v1/namespaces/default/services";

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "fairlead-apiserver-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

async function start(t: TestContext, ...args: string[]) {
  const child = startProcess(process.execPath, [PROGRAM, ...args]);
  t.after(() => child.stop());
  const [line] = await child.waitFor(/\{"url":.*\}/);
  const { url, controlUrl } = JSON.parse(line!) as { url: string; controlUrl: string };
  return { child, url, controlUrl };
}

interface Reply {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into
  readonly body: any;
}

function ask(url: string, method = "GET", body?: unknown): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = { "content-type": "application/json", "content-length": text.length };
    const request = http.request(url, { method, headers, agent: false }, (response) => {
      let answer = "";
      response.setEncoding("utf8").on("data", (part) => {
        answer += part;
      });
      response.on("end", () => {
        resolve({ code: response.statusCode!, body: JSON.parse(answer) });
      });
    });
    request.on("error", reject).end(text);
  });
}

const service = (name: string) => ({ metadata: { name }, spec: { ports: [{ port: 80 }] } });

test("after SIGKILL it comes back with its objects and history; told to compact, without", async (t) => {
  const journal = join(directory(t), "journal");
  const first = await start(t, "--journal", journal);
  const { port } = new URL(first.url);
  const a = await ask(first.url + SERVICES, "POST", service("a"));
  const b = await ask(first.url + SERVICES, "POST", service("b"));
  assert.equal(b.code, 201);
  first.child.signal("SIGKILL");
  await first.child.exited;

  const second = await start(t, "--journal", journal, "--port", port);
  assert.equal(second.url, first.url);
  const list = await ask(second.url + SERVICES);
  assert.deepEqual(
    list.body.items.map((item: { metadata: object }) => item.metadata),
    [a.body.metadata, b.body.metadata],
  );
  const since = `?watch=1&timeoutSeconds=1&resourceVersion=${a.body.metadata.resourceVersion}`;
  const event = await ask(second.url + SERVICES + since);
  assert.equal(event.body.type, "ADDED");
  assert.equal(event.body.object.metadata.name, "b");
  second.child.signal("SIGKILL");
  await second.child.exited;

  const third = await start(t, "--journal", journal, "--compact");
  const gone = await ask(third.url + SERVICES + since);
  assert.equal(gone.body.type, "ERROR");
  assert.equal(gone.body.object.code, 410);
  third.child.signal("SIGTERM");
  assert.deepEqual(await third.child.exited, { code: 0, signal: null });
});

test("the control endpoint sets and clears faults, and counts requests", async (t) => {
  const { url, controlUrl } = await start(t);
  const set = await ask(`${controlUrl}/faults`, "POST", { kind: "error", verbs: ["list"] });
  assert.deepEqual(set.body.faults, [{ kind: "error", verbs: ["list"] }]);
  assert.equal((await ask(url + SERVICES)).code, 500);
  await ask(`${controlUrl}/faults?kind=error`, "DELETE");
  assert.equal((await ask(url + SERVICES)).code, 200);
  const { body } = await ask(controlUrl);
  assert.deepEqual(body.requests, { "list services": 2 });
  assert.deepEqual(body.faults, []);
  const bad = await ask(`${controlUrl}/faults`, "POST", { kind: "fire" });
  assert.equal(bad.code, 400);
  assert.match(bad.body.error, /^fault "fire": must be one of hang, /);
  // It cleared nothing, and said that all was well.
  const typo = await ask(`${controlUrl}/faults?kind=eror`, "DELETE");
  assert.match(typo.body.error, /^fault "eror": must be one of hang, /);
  assert.equal((await ask(`${controlUrl}/nothing`)).code, 404);
  const compacted = await ask(`${controlUrl}/compact`, "POST");
  assert.equal(compacted.body.compacted, compacted.body.revision);
  const rules = [{ verbs: ["*"], groups: ["*"], resources: ["*"], namespaces: null }];
  await ask(`${controlUrl}/users`, "POST", { name: "bob", tokens: ["t"], rules });
  assert.equal((await ask(url + SERVICES)).body.reason, "Forbidden");
});

test("with --tls it serves HTTPS, and keeps its certificates for the next start", async (t) => {
  const tls = join(directory(t), "tls");
  const get = (url: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const read = (name: string): string => readFileSync(join(tls, name), "utf8");
      const options = { ca: read("ca.pem"), cert: read("client.pem"), key: read("client.key") };
      https
        .get(url + SERVICES, { ...options, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode!);
        })
        .on("error", reject);
    });
  const first = await start(t, "--tls", tls);
  assert.match(first.url, /^https:/);
  assert.equal(await get(first.url), 200);
  const ca = readFileSync(join(tls, "ca.pem"), "utf8");
  await first.child.stop();
  const second = await start(t, "--tls", tls);
  assert.equal(readFileSync(join(tls, "ca.pem"), "utf8"), ca);
  assert.equal(await get(second.url), 200);
});
