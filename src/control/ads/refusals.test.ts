/** What a node may not do, and may not have: each ends or concerns its own stream only. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { createAuthority } from "../../../test/support/certificates.ts";
import { eventually } from "../../../test/support/raw-http2.ts";
import { Status } from "../../grpc/index.ts";
import { RawNode, ServedAds, statusOf } from "./ads-suite.ts";
import { namespacesOf } from "./authorize.ts";
import {
  NAME_CHARS_MAX,
  NAMES_BYTES_PER_CONNECTION_MAX,
  STREAMS_PER_CONNECTION_MAX,
  SUBSCRIBED_NAMES_MAX,
} from "./limits.ts";

async function serve(t: TestContext): Promise<ServedAds> {
  const served = await new ServedAds().start();
  t.after(() => served.close());
  served.source.set("EDS", "a", "a1");
  return served;
}

const BAD: readonly {
  readonly name: string;
  readonly node?: object;
  readonly send: (node: RawNode) => void;
  readonly details: RegExp;
}[] = [
  {
    name: "bytes that are no request",
    send: (node) => node.write(Uint8Array.of(0xff, 0xff, 0xff)),
    details: /^not a (Delta)?DiscoveryRequest: /,
  },
  {
    name: "no type",
    send: (node) => node.write(Uint8Array.of()),
    details: /^type_url is empty/,
  },
  {
    name: "a kind that is none",
    node: { metadata: { "fairlead.kind": "mesh" } },
    send: (node) => node.ask({ type: "EDS", names: ["a"] }),
    details: /fairlead.kind "mesh": must be grpc, gateway, sidecar/,
  },
  {
    name: "a gateway without its name",
    node: { metadata: { "fairlead.kind": "gateway" } },
    send: (node) => node.ask({ type: "EDS", names: ["a"] }),
    details: /fairlead.gateway "": must be NAMESPACE\/NAME/,
  },
  {
    name: "an empty name",
    send: (node) => node.ask({ type: "EDS", names: [""] }),
    details: /^an empty resource name$/,
  },
  {
    name: "a name too long",
    send: (node) => node.ask({ type: "EDS", names: ["x".repeat(NAME_CHARS_MAX + 1)] }),
    details: /1025 characters: at most 1024/,
  },
  {
    name: "names too many",
    send: (node) => {
      const names = Array.from({ length: SUBSCRIBED_NAMES_MAX + 1 }, (_, i) => `n${i}`);
      node.ask({ type: "EDS", names });
    },
    details: /20001 resource names: at most 20000/,
  },
];

for (const isDelta of [false, true]) {
  for (const { name, node, send, details } of BAD) {
    test(`${isDelta ? "delta" : "sotw"}: ${name} ends that stream only`, async (t) => {
      const served = await serve(t);
      const client = served.client();
      const good = new RawNode(client, isDelta);
      good.ask({ type: "EDS", names: ["a"] });
      good.ack(await good.next(), ["a"]);
      const bad = new RawNode(client, isDelta, node);
      send(bad);
      const status = await bad.ended;
      assert.equal(status.code, Status.INVALID_ARGUMENT);
      assert.match(status.details, details);
      served.source.set("EDS", "a", "a2");
      served.source.publish();
      assert.equal((await good.next()).resources.length, 1);
    });
  }
}

/** Asks in parts, each within the limits of a request, for names as long as they may be. */
async function askForMuch(node: RawNode, count: number, first: string): Promise<void> {
  let isOver = false;
  node.ended.then(() => {
    isOver = true;
  });
  for (let from = 0; from < count && !isOver; from += 1_000) {
    const names = Array.from({ length: Math.min(1_000, count - from) }, (_, i) =>
      `${first}-${from + i}-`.padEnd(NAME_CHARS_MAX, "x"),
    );
    node.ask({ type: "EDS", names });
    const answer = await Promise.race([node.next(), node.ended.then(() => null)]);
    if (answer !== null) node.ack(answer);
  }
}

async function endOf(node: RawNode): Promise<grpc.StatusObject> {
  let status: grpc.StatusObject | null = null;
  node.ended.then((end) => {
    status = end;
  });
  return eventually("the end of the stream", () => status, 5_000);
}

test("names are bounded by the bytes of a connection: who asks for too many is ended alone", async (t) => {
  const served = await serve(t);
  const client = served.client();
  const share = NAMES_BYTES_PER_CONNECTION_MAX / 4 / NAME_CHARS_MAX;
  const nodes = [];
  for (const name of ["a", "b", "c"]) {
    const node = new RawNode(client, true);
    await askForMuch(node, share, name);
    await served.subscribed("EDS", share);
    nodes.push(node);
  }
  const more = new RawNode(client, true);
  await askForMuch(more, share, "d");
  const { code, details } = await endOf(more);
  assert.equal(code, Status.RESOURCE_EXHAUSTED);
  assert.equal(details, "resource names of more than 33554432 bytes on a connection");
  const other = served.node(true);
  await askForMuch(other, share, "e");
  await served.subscribed("EDS", share);
  // What one gives back another may have.
  nodes[0]!.end();
  await eventually("it is gone", () => served.ads.streams.size === 3, 5_000);
  const next = new RawNode(client, true);
  await askForMuch(next, share, "f");
  await served.subscribed("EDS", share);
});

test("names are bounded by the bytes of all nodes: those that ask for no more are served on", async (t) => {
  const bytesMax = 8 * 1024 * 1024;
  const served = await new ServedAds(false, null, undefined, bytesMax).start();
  t.after(() => served.close());
  served.source.set("EDS", "a", "a1");
  const good = served.node(false);
  good.ask({ type: "EDS", names: ["a"] });
  good.ack(await good.next(), ["a"]);
  for (const name of ["b", "c", "d", "e"]) {
    const node = served.node(true);
    const share = bytesMax / 4 / NAME_CHARS_MAX;
    await askForMuch(node, share, name);
    if (name !== "e") await served.subscribed("EDS", share);
    else assert.match((await endOf(node)).details, /more than 8388608 bytes by all nodes/);
  }
  served.source.set("EDS", "a", "a2");
  served.source.publish();
  const update = await good.next();
  assert.equal(update.resources.length, 1);
  good.ack(update, ["a"]);
  await good.silence();
});

test("a type that nobody serves is not answered, and harms nothing", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  // DiscoveryRequest.type_url = "x"
  node.write(Uint8Array.of(0x22, 1, 0x78));
  await node.silence();
  node.ask({ type: "EDS", names: ["a"] });
  assert.deepEqual((await node.next()).resources, ["a1"]);
});

const CERTIFICATES = [
  { names: ["URI:spiffe://mesh.local/ns/prod/sa/web"], namespaces: ["prod"] },
  { names: ["DNS:web.prod.svc"], namespaces: ["prod"] },
  { names: ["DNS:web.prod.svc.cluster.local", "DNS:x.dev.svc"], namespaces: ["dev", "prod"] },
  { names: ["DNS:web.prod", "DNS:web.prod.svcx", "DNS:a.b.c.svc"], namespaces: [] },
  { names: ["URI:spiffe://mesh.local/ns/prod", "URI:http://x/ns/prod/sa/y"], namespaces: [] },
  { names: ["URI:spiffe://mesh.local/ns/prod/sa/web/more"], namespaces: [] },
];

for (const { names, namespaces } of CERTIFICATES) {
  test(`a certificate of ${names.join(" and ")} is of ${namespaces.join(", ") || "nobody"}`, () => {
    assert.deepEqual(namespacesOf(names), namespaces);
  });
}

test("with certificates: who has none, who lies, and what others export", async (t) => {
  const { writeFileSync } = await import("node:fs");
  const { ServerTls } = await import("../../transport/index.ts");
  const { realClock, silentLogger } = await import("../../base/index.ts");
  const dir = mkdtempSync(join(tmpdir(), "fairlead-ads-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const authority = await createAuthority("a test CA");
  const own = await authority.issue({ names: ["127.0.0.1"] });
  const put = (name: string, text: string) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const files = {
    certFile: put("tls.crt", own.cert),
    keyFile: put("tls.key", own.key),
    clientCaFile: put("ca.crt", authority.cert),
  };
  const tls = ServerTls.load(files, { clock: realClock(), log: silentLogger });
  t.after(() => tls.close());
  const served = await new ServedAds(true, tls).start();
  t.after(() => served.close());
  const { source } = served;
  for (const name of ["prod/echo", "dev/echo", "dev/open"]) source.set("EDS", name, name);
  source.exports.set("dev/open", ["prod"]);
  const clientOf = async (...names: string[]) => {
    const { cert, key } = await authority.issue({ names });
    const [ca, keyBytes, certBytes] = [authority.cert, key, cert].map((pem) => Buffer.from(pem));
    return served.client(grpc.credentials.createSsl(ca!, keyBytes!, certBytes!));
  };

  const stranger = new RawNode(await clientOf("nobody.example"), false);
  const refused = await stranger.ended;
  assert.equal(refused.code, Status.PERMISSION_DENIED);
  assert.match(refused.details, /^the client certificate names no namespace/);

  const client = await clientOf("web.prod.svc");
  const liar = new RawNode(client, false, { metadata: { "fairlead.namespace": "dev" } });
  liar.ask({ type: "EDS", names: ["dev/echo"] });
  const lie = await liar.ended;
  assert.equal(lie.code, Status.PERMISSION_DENIED);
  assert.match(lie.details, /in namespace dev: its certificate is of prod/);

  const node = new RawNode(client, true, { id: "web" });
  node.ask({ type: "EDS", names: ["prod/echo", "dev/echo", "dev/open"] });
  const answer = await node.next();
  assert.deepEqual(
    answer.resources.map((one) => one.split("=")[0]),
    ["prod/echo", "dev/open"],
  );
  assert.deepEqual(answer.removed, ["dev/echo"]);
  const row = served.ads.nodes().nodes.find(({ id }) => id === "web")!;
  const problem = "dev/echo: not exported to the namespaces of its certificate";
  assert.deepEqual(row.types.EDS!.problems, [problem]);

  // CSDS: of a node that may have more than the caller nothing is told.
  const both = new RawNode(await clientOf("web.prod.svc", "web.dev.svc"), true, { id: "both" });
  both.ask({ type: "EDS", names: ["dev/echo"] });
  assert.equal((await both.next()).resources.length, 1);
  assert.equal((await statusOf(client, "web")).config.length, 1);
  assert.equal((await statusOf(client, "both")).config.length, 0);
});

test("without a certificate, where certificates decide, a node is unauthenticated", async (t) => {
  const served = await new ServedAds(true).start();
  t.after(() => served.close());
  const { code, details } = await served.node(false).ended;
  assert.equal(code, Status.UNAUTHENTICATED);
  assert.match(details, /needs a client certificate/);
});

test("streams are counted by their connection, of a Unix socket as well", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "fairlead-ads-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const served = await new ServedAds(false, null, { path: join(dir, "ads.sock") }).start();
  t.after(() => served.close());
  served.source.set("EDS", "a", "a1");
  const get = async (node: RawNode): Promise<RawNode> => {
    node.ask({ type: "EDS", names: ["a"] });
    assert.deepEqual((await node.next()).resources, ["a1"]);
    return node;
  };
  const credentials = grpc.credentials.createInsecure();
  const own = () => served.client(credentials, { "grpc.use_local_subchannel_pool": 1 });
  for (let i = 0; i <= STREAMS_PER_CONNECTION_MAX; i += 1) await get(new RawNode(own(), false));

  const shared = own();
  const nodes: RawNode[] = [];
  for (let i = 0; i < STREAMS_PER_CONNECTION_MAX; i += 1) {
    nodes.push(await get(new RawNode(shared, false)));
  }
  const refused = await new RawNode(shared, false).ended;
  assert.equal(refused.code, Status.RESOURCE_EXHAUSTED);
  assert.match(refused.details, /more than 32 streams of discovery on a connection/);
  const open = served.ads.streams.size;
  nodes[0]!.end();
  await eventually("the stream is over", () => served.ads.streams.size < open);
  await get(new RawNode(shared, false));
});
