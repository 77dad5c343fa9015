/**
 * The webhook among clients that are broken or hostile: each gets a clear answer or is closed, and
 * what it makes us hold is bounded. Whoever reaches its port may ask; it stands in the process of
 * the control plane.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectPlain, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { createAuthority, type IssuedPair } from "../../../../test/support/certificates.ts";
import { eventually } from "../../../../test/support/raw-http2.ts";
import { type Rng, seededRng } from "../../../base/index.ts";
import { INJECT_DEFAULTS } from "../options.ts";
import { answerReview } from "./review.ts";
import { REVIEW_BYTES_MAX, REVIEWS_BYTES_MAX, WebhookServer } from "./server.ts";

const OPTIONS = { ...INJECT_DEFAULTS, image: "registry.example/fairlead:1" };
const TIMEOUT_MS = 1_000;
const MIB = 1024 * 1024;

let pair: IssuedPair;
let server: WebhookServer;
let port: number;

before(async () => {
  pair = await (await createAuthority("webhook")).issue({ names: ["webhook.test"] });
  server = new WebhookServer(pair, (body) => answerReview(body, OPTIONS), TIMEOUT_MS);
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  port = Number(address.slice(address.lastIndexOf(":") + 1));
});

after(() => server.close());

function podOf(more: object = {}): object {
  return { metadata: { name: "echo" }, spec: { containers: [{ name: "app" }] }, ...more };
}

function reviewOf(more: object = {}): string {
  const kind = { group: "", version: "v1", kind: "Pod" };
  const request = { uid: "u-1", kind, operation: "CREATE", object: podOf(), ...more };
  return JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request });
}

/** A review in which `"HERE"` stands for this text. */
function around(text: string, more: object): string {
  return reviewOf(more).replace('"HERE"', text);
}

const deep = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const NO_TEXT = '{"toString":1,"valueOf":1}';

const REVIEWS = [
  { name: "nothing", text: "", status: 400, said: /not JSON/ },
  { name: "half of one", text: reviewOf().slice(0, 80), status: 400, said: /not JSON/ },
  { name: "bytes", text: "\u0000\ufffd", status: 400, said: /not JSON/ },
  { name: "null", text: "null", status: 400, said: /must be an AdmissionReview/ },
  { name: "a million brackets", text: deep(1e6), status: 400, said: /must be an Admission/ },
  {
    name: "no request",
    text: reviewOf().replace("request", "x"),
    status: 400,
    said: /uid is miss/,
  },
  { name: "a uid without end", text: reviewOf({ uid: "u".repeat(300) }), status: 400, said: /256/ },
  { name: "no kind", text: reviewOf({ kind: null }), status: 400, said: /kind is missing/ },
  // Neither becomes a text: whoever tried threw, and the control plane ended.
  {
    name: "a kind that is no text",
    text: around(NO_TEXT, { kind: { kind: "HERE" } }),
    status: 400,
    said: /kind is missing/,
  },
  {
    name: "a user that is no number",
    text: around(NO_TEXT, {
      object: { spec: { containers: [{ securityContext: { runAsUser: "HERE" } }] } },
    }),
    status: 200,
    said: /"patch"/,
  },
  {
    name: "another kind",
    text: reviewOf({ kind: { kind: `D${"x".repeat(9_000)}` } }),
    status: 200,
    said: /^[\s\S]{0,700}$/,
  },
  {
    name: "a deletion",
    text: reviewOf({ operation: "DELETE", object: null, oldObject: podOf() }),
    status: 200,
    said: /"allowed":true}/,
  },
  { name: "no object", text: reviewOf({ object: null }), status: 400, said: /object is missing/ },
  {
    name: "a deep object",
    text: around(deep(1e5), { object: "HERE" }),
    status: 400,
    said: /object/,
  },
  {
    name: "a deep spec",
    text: around(deep(1e5), { object: podOf({ spec: { containers: [{ x: "HERE" }] } }) }),
    status: 200,
    said: /"patch"/,
  },
  // Any creator of a pod may write annotations: what stands there was written again as JSON, which
  // is done by recursion.
  {
    name: "a status of ours, forged and deep",
    text: reviewOf({
      object: podOf({
        metadata: { annotations: { "fairlead.dev/status": `{"hash":"x","made":[${deep(1e5)}]}` } },
      }),
    }),
    status: 200,
    said: /"patch"/,
  },
  {
    name: "our container ten thousand times",
    text: reviewOf({
      object: {
        metadata: { annotations: { "fairlead.dev/status": '{"hash":"x","made":[]}' } },
        spec: { containers: [], initContainers: Array(10_000).fill({ name: "fairlead-proxy" }) },
      },
    }),
    status: 200,
    said: /two containers of one name: fairlead-proxy/,
  },
];

/** A socket of TLS, and all that came on it. */
class Client {
  readonly socket: TLSSocket;
  said = "";
  isClosed = false;

  constructor() {
    this.socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
    this.socket.on("error", () => {});
    this.socket.on("data", (bytes) => (this.said += bytes.toString("latin1")));
    this.socket.on("close", () => (this.isClosed = true));
  }

  write(head: string, body: string | Buffer = ""): this {
    this.socket.write(`${head}\r\n\r\n`);
    this.socket.write(body);
    return this;
  }

  status(): Promise<number> {
    return eventually(
      "an answer",
      () => Number(/^HTTP\/1\.1 (\d+)/.exec(this.said)?.[1] ?? 0) || null,
    );
  }
}

const HEAD = "POST /inject HTTP/1.1\r\nhost: webhook.test";

async function post(body: string | Buffer): Promise<Client> {
  const client = new Client();
  client.write(`${HEAD}\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}`, body);
  await eventually("the end", () => client.isClosed);
  return client;
}

for (const { name, text, status, said } of REVIEWS) {
  test(`a review of ${name}: ${status}`, async () => {
    const client = await post(text);
    assert.equal(await client.status(), status, client.said.slice(0, 300));
    assert.match(client.said.slice(client.said.indexOf("\r\n\r\n") + 4).trim(), said);
  });
}

test("10 MB: refused; HTTP/1.0 and a body in chunks: answered; another protocol: closed", async () => {
  const large = new Client().write(
    `${HEAD}\r\ncontent-length: ${10 * MIB}`,
    Buffer.alloc(10 * MIB),
  );
  assert.equal(await large.status(), 413);
  large.socket.destroy();
  const body = reviewOf();
  const length = `content-length: ${body.length}`;
  const old = new Client().write(`POST /inject HTTP/1.0\r\n${length}`, body);
  await eventually("the end", () => old.isClosed);
  assert.match(old.said, /^HTTP\/1\.1 200 [\s\S]*"patch"/);
  const pieces = [...body].map((letter) => `1\r\n${letter}\r\n`).join("");
  const chunked = new Client().write(`${HEAD}\r\ntransfer-encoding: chunked`, `${pieces}0\r\n\r\n`);
  assert.equal(await chunked.status(), 200);
  chunked.socket.destroy();
  const other = new Client().write("PRI * HTTP/2.0", "SM\r\n\r\n");
  await eventually("the end", () => other.isClosed);
});

test("what does not come is given up", async () => {
  const unfinished = new Client().write(`${HEAD}\r\ncontent-length: 100`, "{");
  const headless = new Client();
  headless.socket.write("POST /inj");
  const silent = new Client();
  const plain: Socket = connectPlain(port, "127.0.0.1");
  plain.on("error", () => {});
  const ended = once(plain, "close");
  for (const client of [unfinished, headless, silent]) {
    await eventually("it is closed", () => client.isClosed);
  }
  assert.match(unfinished.said, /^HTTP\/1\.1 408/);
  await ended;
});

// 256 connections of 8 MiB each were 2 GiB; and a body in chunks of a byte was a buffer for each.
test("reviews that are coming are bounded together, and what breaks off is given back", async () => {
  const size = REVIEW_BYTES_MAX - 1;
  const count = REVIEWS_BYTES_MAX / REVIEW_BYTES_MAX;
  const head = `${HEAD}\r\ncontent-length: ${REVIEW_BYTES_MAX}`;
  const held = Array.from({ length: count }, () => new Client().write(head, Buffer.alloc(size)));
  const drained = held.map(({ socket }) =>
    eventually("it left", () => socket.writableLength === 0),
  );
  await Promise.all(drained);
  let refused: Client | null = null;
  await eventually("one more is refused", () => {
    refused ??= new Client().write(head, Buffer.alloc(size));
    if (refused.isClosed) refused = null;
    return refused?.said.startsWith("HTTP/1.1 503") ?? false;
  });
  for (const { socket } of [...held, refused!]) (socket as TLSSocket).destroy();
  await eventually("all are closed", () => held.every(({ isClosed }) => isClosed));
  assert.equal(await (await post(reviewOf())).status(), 200);
});

/** A value that makes little sense. */
function anything(rng: Rng, depth: number): unknown {
  const all = [null, true, -1, 1e308, "", "Pod", "1337", "{}", [], {}];
  if (depth === 0 || rng.int(3) > 0) return all[rng.int(all.length)];
  const names = ["kind", "spec", "name", "toString", "__proto__", "securityContext", "annotations"];
  const fields = Array.from({ length: rng.int(4) }, () => {
    return [names[rng.int(names.length)]!, anything(rng, depth - 1)] as const;
  });
  return rng.int(3) === 0 ? fields.map(([, value]) => value) : Object.fromEntries(fields);
}

/** The same with one part of it replaced. */
function spoiled(value: unknown, rng: Rng): unknown {
  if (typeof value !== "object" || value === null || rng.int(4) === 0) return anything(rng, 4);
  const keys = Object.keys(value);
  if (keys.length === 0) return anything(rng, 4);
  const key = keys[rng.int(keys.length)]!;
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  copy[key] = spoiled(copy[key], rng);
  return copy;
}

test("whatever stands in a review, it is answered: any part replaced", () => {
  const seed = Number(process.env.FUZZ_SEED ?? 11);
  const rng = seededRng(seed);
  const container = { name: "fairlead-proxy", securityContext: { runAsUser: 1 } };
  const status = JSON.stringify({ hash: "x", made: ["volumes", "initContainers:null"] });
  const object = {
    metadata: { annotations: { "fairlead.dev/status": status } },
    spec: { containers: [{ name: "app" }], initContainers: [container], volumes: [{ name: "v" }] },
  };
  const good = JSON.parse(reviewOf({ object })) as unknown;
  for (let round = 0; round < 3_000; round += 1) {
    const text = JSON.stringify(spoiled(good, rng));
    const { status: said, body } = answerReview(text, OPTIONS);
    assert.ok(said === 400 || JSON.parse(body).response.allowed, `replay: FUZZ_SEED=${seed}`);
  }
});
