/**
 * `fairlead proxy-status` against a real control plane: a stock gRPC client and an Envoy that
 * acknowledge, and a node that refuses or is silent.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  RESOURCE_TYPES,
} from "../../src/xds/index.ts";
import { FAIRLEAD, logLines } from "../cli/harness.ts";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import {
  freePort,
  type RunningProcess,
  runProcess,
  startProcess,
  stopAll,
} from "../peers/processes.ts";
import { envoyArgs } from "./envoy.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { XdsClient } from "./xds-client.ts";

let objects: ObjectsDirectory;
let control: RunningProcess;
let xds: string;
let admin: string;

before(async () => {
  objects = new ObjectsDirectory();
  objects.service("echo", { clusterIP: "10.96.0.10" });
  objects.slice("echo", 50051, [{ ip: "127.0.0.2" }]);
  // A policy that no gRPC client has.
  objects.service("ewma", { config: { loadBalancingConfig: [{ peak_ewma: {} }] } });
  objects.slice("ewma", 50051, [{ ip: "127.0.0.3" }]);
  const flags = ["--objects", objects.path, "--listen", "127.0.0.1:0", "--admin", "0"];
  control = startProcess(FAIRLEAD, ["control", ...flags]);
  await control.waitFor(/"msg":"admin"/);
  const address = (msg: string) => String(logLines(control).find((l) => l.msg === msg)!.address);
  [xds, admin] = [address("listening"), address("admin")];
});

after(async () => {
  await stopAll();
  objects.close();
});

const ps = (...args: string[]) => runProcess(FAIRLEAD, ["proxy-status", ...args]);

type Status = { id: string; kind: string; types: { type: string; state: string; error: string }[] };

async function nodes(...args: string[]): Promise<Status[]> {
  const { stdout, stderr } = await ps(...args, "--stale-after", "0", "-o", "json");
  assert.equal(stderr, "");
  return JSON.parse(stdout).nodes;
}

/** A node of discovery that answers as the test says: null is silence, "" an ACK. */
class Node {
  readonly #client: grpc.Client;
  readonly #stream: grpc.ClientDuplexStream<Uint8Array, Uint8Array>;
  readonly #id: string;
  readonly #name: string;
  readonly #type: "CDS" | "LDS";
  responses = 0;

  constructor(
    id: string,
    answer: string | null,
    name = "prod/echo:50051",
    type: "CDS" | "LDS" = "CDS",
  ) {
    this.#id = id;
    this.#name = name;
    this.#type = type;
    this.#client = new grpc.Client(xds, grpc.credentials.createInsecure());
    const path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
    const out = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
    this.#stream = this.#client.makeBidiStreamRequest(path, out, (bytes) => bytes);
    this.#stream.on("error", () => {});
    this.#stream.on("data", (bytes: Uint8Array) => {
      this.responses += 1;
      const { nonce, versionInfo } = fromBinary(DiscoveryResponseSchema, bytes);
      if (answer === null) return;
      const nack = answer === "" ? { versionInfo } : { errorDetail: { code: 3, message: answer } };
      this.#send({ responseNonce: nonce, ...nack });
    });
    this.#send({});
  }

  #send(fields: object): void {
    const node = { id: this.#id, userAgentName: "test" };
    const resourceNames = [this.#name];
    const request = { node, typeUrl: RESOURCE_TYPES[this.#type], resourceNames, ...fields };
    this.#stream.write(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request)));
  }

  /** Asks for the same once more. */
  repeat(): void {
    this.#send({});
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

test("without nodes it says so", async () => {
  const { code, stdout } = await ps("--admin", admin);
  assert.deepEqual([code, stdout], [0, "0 nodes   none is connected\n"]);
});

test("a stock gRPC client and an Envoy are SYNCED, by the admin and by CSDS", async (t) => {
  const script = requirePeer(t, "xds-client.ts");
  const path = requirePeer(t, "envoy");
  if (script === null || path === null) return;
  const adminPort = await freePort();
  const metadata = { "fairlead.kind": "sidecar" };
  const envoy = startProcess(path, envoyArgs({ control: xds, adminPort, isDelta: true, metadata }));
  const command = [process.execPath, script];
  const client = new XdsClient(command, objects.path, xds, "xds:///echo.prod:50051", {
    node: { id: "web-1" },
  });
  t.after(async () => {
    await client.stop();
    await envoy.stop();
  });
  await eventually("both have everything", async () => {
    const all = await nodes("--admin", admin);
    return all.length === 2 && all.every(({ types }) => types.length >= 3 && isSynced(types));
  });
  const { code, stdout } = await ps("--admin", admin);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^2 nodes {3}all SYNCED$/m);
  assert.match(stdout, /^NAME +KIND +AGENT +ZONE +CDS +EDS +LDS +RDS +SDS +ACK LAG +CONNECTED$/m);
  assert.match(stdout, /^web-1 +grpc +\S.* SYNCED +SYNCED +SYNCED +SYNCED +- +\d+ms +\d+s$/m);
  assert.match(stdout, /^envoy-test +sidecar +envoy .*SYNCED/m);
  const wide = await ps("--admin", admin, "-o", "wide");
  assert.match(wide.stdout, /^web-1 +EDS +SYNCED +\d+ms +1 +1 +0 +\w+$/m);
  const byCsds = await nodes("--xds", xds);
  assert.deepEqual(byCsds.map(({ id }) => id).sort(), ["envoy-test", "web-1"]);
  for (const { types } of byCsds) assert.ok(isSynced(types));
  // What the same Envoy says of itself.
  const pc = await runProcess(FAIRLEAD, [
    ...["proxy-config", "clusters", "--admin", String(adminPort), "-o", "json"],
  ]);
  const { clusters } = JSON.parse(pc.stdout);
  const echo = clusters.find(({ name }: { name: string }) => name === "prod/echo:50051");
  assert.deepEqual([echo.type, echo.status, echo.endpoints], ["EDS", "ACTIVE", 1]);
  assert.ok(echo.version.length > 0);
});

function isSynced(types: Status["types"]): boolean {
  return types.every(({ state }) => state === "SYNCED");
}

test("a node that refuses is NACKED, with its words, and the exit code says so", async (t) => {
  const node = new Node("picky", "cluster prod/echo:50051: no such policy");
  t.after(() => node.close());
  await eventually("the refusal is seen", async () => {
    const [picky] = await nodes("--admin", admin);
    return picky?.types[0]?.state === "NACKED";
  });
  for (const way of [
    ["--admin", admin],
    ["--xds", xds],
  ]) {
    const { code, stdout } = await ps(...way);
    assert.equal(code, 1);
    assert.match(stdout, /^1 node {3}1 NACKED$/m);
    assert.match(stdout, /^picky CDS was refused: .*cluster prod\/echo:50051: no such policy$/m);
  }
});

test("what a node's kind cannot do is told below, and is no failure", async (t) => {
  const node = new Node("limited", "", "prod/ewma:50051");
  t.after(() => node.close());
  await eventually("it is SYNCED", async () => isSynced((await nodes("--admin", admin))[0]!.types));
  const { code, stdout } = await ps("--admin", admin);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^limited CDS: prod\/ewma:50051: policy peak_ewma: .*least_request is used$/m,
  );
});

test("a node that is silent is STALE, which counts when it lasts", async (t) => {
  const node = new Node("silent", null);
  t.after(() => node.close());
  await eventually("it was told", () => node.responses > 0);
  const { code, stdout } = await ps("--admin", admin, "--stale-after", "0.2");
  assert.equal(code, 1);
  assert.match(stdout, /^1 node {3}1 STALE$/m);
});

test("-w tells each change once, as a JSON document a line", async () => {
  await eventually("nobody is there", async () => (await nodes("--admin", admin)).length === 0);
  const watch = startProcess(FAIRLEAD, ["ps", "--admin", admin, "-w", "-o", "json"]);
  await watch.waitFor(/\n/);
  const node = new Node("passer-by", "");
  await watch.waitFor(/"id":"passer-by".*"SYNCED".*\n/);
  node.close();
  await watch.waitFor(/"nodes":\[\]\}\n(?:.|\n)*"nodes":\[\]\}\n/);
  watch.signal("SIGINT");
  assert.deepEqual((await watch.exited).code, 0);
  for (const line of watch.stdout.trimEnd().split("\n")) JSON.parse(line);
});

test("mistakes get one line that says what is allowed", async () => {
  const cases: readonly (readonly [args: string[], code: number, message: RegExp])[] = [
    [["--admin", "1", "--xds", "a:1"], 2, /--admin and --xds exclude each other/],
    [["--xds", "nonsense"], 2, /--xds "nonsense": must be HOST:PORT/],
    [["--to-ca", "x"], 2, /--to-ca needs --xds/],
    [["--xds", xds, "--to-ca", "x"], 2, /--to-ca needs --to-tls/],
    [["--admin", `127.0.0.1:${await freePort()}`], 1, /no answer: connection refused/],
    [["--xds", `127.0.0.1:${await freePort()}`], 1, /--xds 127\.0\.0\.1:\d+: .*refused/],
  ];
  for (const [args, expected, message] of cases) {
    const { code, stderr } = await ps(...args);
    assert.equal(code, expected, stderr);
    assert.match(stderr, message);
    assert.equal(stderr.trimEnd().split("\n").length, 1);
  }
});

test("what does not exist: a problem of the node that asks, and one line of log", async (t) => {
  const name = "echo.prod:80";
  const node = new Node("astray", "", name, "LDS");
  t.after(() => node.close());
  const reason = "Service prod/echo has no port 80; its gRPC ports: 50051";
  await eventually("its problem", async () => {
    const { stdout } = await ps("--admin", admin, "-o", "wide");
    return stdout.includes(`${name}: ${reason}`);
  });
  node.repeat();
  await eventually("an answer to both", () => node.responses >= 1);
  const lines = () => logLines(control).filter((l) => l.node === "astray" && "reason" in l);
  await eventually("its line", () => lines().length > 0);
  assert.deepEqual(
    lines().map((line) => [line.msg, line.name, line.reason]),
    [["node asks for what does not exist", name, reason]],
  );
});
