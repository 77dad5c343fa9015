/** Tests of objects from files: real files in a directory of their own, and virtual time. */
import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "../../../../test/support/raw-http2.ts";
import {
  RecordingLogger,
  SLICE_MS,
  seededRng,
  type Timer,
  VirtualClock,
} from "../../../base/index.ts";
import { createResolver } from "../../create.ts";
import type { EndpointSet } from "../../endpoint.ts";
import { KINDS, type KindName } from "../objects.ts";
import type { ObjectQuery, ObjectSource } from "../source.ts";
import { OBJECT_FILE_BYTES_MAX, OBJECT_FILES_MAX } from "./directory.ts";
import { createFilesSource, FILES_POLL_MS, SETTLE_MS } from "./source.ts";

const root = mkdtempSync(join(tmpdir(), "fairlead-objects-"));
after(() => rmSync(root, { recursive: true, force: true }));

const SERVICES: ObjectQuery<"Service"> = {
  kind: "Service",
  namespace: "default",
  name: null,
  label: null,
};

/** A directory, and a listener of all Services in it. */
class Harness {
  static #count = 0;
  readonly dir: string;
  readonly clock = new VirtualClock();
  readonly log = new RecordingLogger();
  readonly heard: string[] = [];
  malformedCount = 0;
  source!: ObjectSource;

  constructor() {
    Harness.#count += 1;
    this.dir = join(root, `${Harness.#count}`);
    mkdirSync(this.dir);
  }

  start(query: ObjectQuery = SERVICES): this {
    this.source = createFilesSource(this.dir, {
      clock: this.clock,
      log: this.log,
      onMalformed: (count) => {
        this.malformedCount += count;
      },
    });
    this.listen(query, this.heard);
    return this;
  }

  listen(query: ObjectQuery, heard: string[]): void {
    this.source.watch(query, {
      onChanges(changes, isSynced) {
        assert.ok(isSynced);
        const texts = changes.map(({ type, object: { metadata } }) => `${type} ${metadata.name}`);
        heard.push(texts.join(", ") || "nothing");
      },
      onProblem: ({ kind, reason }) => heard.push(`${kind}: ${reason.replaceAll(this.dir, "DIR")}`),
      onRecovered: () => heard.push("recovered"),
    });
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.dir, name), text);
  }

  /** As careful programs write: whole, beside, then renamed. */
  replace(name: string, text: string): void {
    this.write(`.${name}.tmp`, text);
    renameSync(join(this.dir, `.${name}.tmp`), join(this.dir, name));
  }

  /** Lets time pass and files be read until that much was heard, which is returned. */
  async take(count: number): Promise<string[]> {
    await eventually(`${count} things heard`, () => {
      this.clock.advance(SETTLE_MS);
      return this.heard.length >= count;
    });
    await this.pass(3 * FILES_POLL_MS);
    return this.heard.splice(0);
  }

  /** Time passes, with turns of the event loop for real reads in between. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += SETTLE_MS) {
      this.clock.advance(SETTLE_MS);
      for (let turn = 0; turn < 10; turn += 1) await new Promise((done) => setImmediate(done));
    }
  }

  /** Does something to the files, upon which the source looks at them exactly once. */
  async lookOnce(change: () => void): Promise<void> {
    const isResting = (): boolean =>
      this.clock.pendingCount > 0 && this.clock.nextDueMs - this.clock.nowMs() > SETTLE_MS;
    while (!isResting()) await this.pass(SETTLE_MS);
    change();
    await eventually("a hint of the system", () => !isResting());
    this.clock.advance(SETTLE_MS);
    await eventually("the end of the look", () => this.clock.pendingCount > 0);
  }

  lines(): string[] {
    const entries = this.log.entries.splice(0);
    return entries.map(({ level, msg, fields: { at, file, reason } }) =>
      [level, msg, at ?? file, reason].join(" | ").replaceAll(this.dir, "DIR"),
    );
  }

  end(): void {
    this.source.close();
    assert.equal(this.clock.pendingCount, 0);
  }
}

const service = (...names: string[]): string =>
  names.map((name) => `kind: Service\nmetadata: { name: ${name} }\n`).join("---\n");

test("all files of objects are read, and nothing else", async () => {
  const h = new Harness();
  h.write("b.yaml", service("b1", "b2"));
  h.write("a.yml", service("a"));
  h.write("c.json", JSON.stringify({ kind: "Service", metadata: { name: "c" } }));
  h.write("README.md", "not: [read");
  h.write(".hidden.yaml", service("hidden"));
  h.write("b.yaml~", service("backup"));
  mkdirSync(join(h.dir, "below.yaml"));
  h.write("below.yaml/d.yaml", service("below"));
  h.start();
  assert.deepEqual(await h.take(1), ["upsert a, upsert b1, upsert b2, upsert c"]);
  assert.equal(h.source.description, `directory ${h.dir}`);
  h.end();
});

test("objects of every kind are read, in all namespaces or in one", async () => {
  const h = new Harness();
  const gatewayApi = "apiVersion: gateway.networking.k8s.io/v1";
  h.write(
    "a.yaml",
    `${gatewayApi}
kind: GatewayClass
metadata: { name: fairlead }
spec: { controllerName: fairlead.dev/gateway-controller }
---
${gatewayApi}
kind: Gateway
metadata: { name: edge, namespace: infra }
spec: { gatewayClassName: fairlead, listeners: [{ name: grpc, port: 80, protocol: HTTP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: echo, namespace: prod }
spec: { parentRefs: [{ name: edge, namespace: infra }] }
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: grant }
spec: { from: [{ group: "", kind: Secret, namespace: prod }], to: [{ group: "", kind: Service }] }
---
{ apiVersion: v1, kind: Namespace, metadata: { name: prod, labels: { team: a } } }
---
apiVersion: v1
kind: Secret
metadata: { name: web, namespace: infra }
type: kubernetes.io/tls
stringData: { tls.crt: s3cr3t-certificate, tls.key: s3cr3t-key }
---
{ kind: GatewayList, apiVersion: gateway.networking.k8s.io/v1, items: [] }
`,
  );
  const all = (kind: KindName): ObjectQuery => ({ ...SERVICES, kind, namespace: null });
  h.start(all("Gateway"));
  const heard: Record<string, string[]> = {};
  for (const kind of Object.keys(KINDS) as KindName[]) {
    heard[kind] = [];
    h.listen(all(kind), heard[kind]);
  }
  const prod: string[] = [];
  h.listen({ ...SERVICES, kind: "GRPCRoute", namespace: "prod" }, prod);
  assert.deepEqual(await h.take(1), ["upsert edge"]);
  assert.deepEqual(heard, {
    ...{ EndpointSlice: ["nothing"], Service: ["nothing"], Node: ["nothing"] },
    ...{ GatewayClass: ["upsert fairlead"], Gateway: ["upsert edge"] },
    ...{ GRPCRoute: ["upsert echo"], ReferenceGrant: ["upsert grant"] },
    ...{ Namespace: ["upsert prod"], Secret: ["upsert web"] },
  });
  assert.deepEqual(prod, ["upsert echo"]);
  assert.doesNotMatch(JSON.stringify(h.log.entries), /s3cr3t/);
  h.end();
});

test("an empty directory is synced with nothing", async () => {
  const h = new Harness().start();
  assert.deepEqual(await h.take(1), ["nothing"]);
  h.end();
});

test("a directory that does not exist, or is none, is refused at once", () => {
  const deps = { clock: new VirtualClock(), log: new RecordingLogger() };
  const missing = join(root, "missing");
  assert.throws(() => createFilesSource(missing, deps), {
    name: "FilesError",
    message: `the directory of objects ${JSON.stringify(missing)} does not exist`,
  });
  const file = join(root, "file");
  writeFileSync(file, "");
  assert.throws(() => createFilesSource(file, deps), / is not a directory$/);
});

test("files that come, change and go are told, object by object", async () => {
  const h = new Harness();
  h.write("a.yaml", service("a1", "a2"));
  h.start();
  await h.take(1);
  h.write("b.yaml", service("b"));
  assert.deepEqual(await h.take(1), ["upsert b"]);
  h.replace("a.yaml", `${service("a1")}spec: { type: NodePort }\n---\n${service("a3")}`);
  assert.deepEqual(await h.take(1), ["delete a2, upsert a1, upsert a3"]);
  h.replace(
    "a.yaml",
    `# the same\n${service("a1")}spec: { type: NodePort }\n---\n${service("a3")}`,
  );
  unlinkSync(join(h.dir, "b.yaml"));
  assert.deepEqual(await h.take(1), ["delete b"]);
  h.end();
});

test("a file that is emptied and written again loses nothing in between", async () => {
  const h = new Harness();
  h.write("a.yaml", service("a1", "a2"));
  h.start();
  await h.take(1);
  h.write("a.yaml", "");
  await h.pass(4 * SETTLE_MS);
  h.write("a.yaml", service("a1", "a2", "a3"));
  assert.deepEqual(
    (await h.take(1)).filter((text) => !/invalid|recovered/.test(text)),
    ["upsert a3"],
  );
  h.end();
});

test("a half of a file that makes sense by itself is not taken for the whole", async () => {
  const h = new Harness();
  h.write("a.yaml", service("a1", "a2"));
  h.start();
  await h.take(1);
  await h.lookOnce(() => h.write("a.yaml", service("a1")));
  h.write("a.yaml", service("a1", "a2", "a3"));
  assert.deepEqual(await h.take(1), ["upsert a3"]);
  h.end();
});

test("a file that is moved aside for a moment loses nothing", async () => {
  const h = new Harness();
  h.write("a.yaml", service("a"));
  h.start();
  await h.take(1);
  await h.lookOnce(() => renameSync(join(h.dir, "a.yaml"), join(h.dir, "a.yaml~")));
  h.write("a.yaml", service("a", "b"));
  assert.deepEqual(await h.take(1), ["upsert b"]);
  h.end();
});

test("a half-written file keeps its objects, and is told with file, line, column and reason", async () => {
  const h = new Harness();
  h.write("a.yaml", service("a1", "a2"));
  h.start();
  await h.take(1);
  h.write("a.yaml", `${service("a1")}---\nkind: Service\nmetadata: {`);
  const reason = "Flow map in block collection must be sufficiently indented and end with a }";
  assert.deepEqual(await h.take(1), [`invalid: DIR/a.yaml:5:12: ${reason}`]);
  assert.deepEqual(h.lines(), [
    "warn | file of objects cannot be used, its last good state stays | " +
      `DIR/a.yaml:5:12 | ${reason}`,
  ]);
  const late: string[] = [];
  h.listen(SERVICES, late);
  h.write("b.yaml", service("b"));
  assert.deepEqual(await h.take(1), ["upsert b"]);
  assert.deepEqual(late, [
    "upsert a1, upsert a2",
    `invalid: DIR/a.yaml:5:12: ${reason}`,
    "upsert b",
  ]);
  h.write("a.yaml", service("a1"));
  assert.deepEqual(await h.take(2), ["delete a2", "recovered"]);
  assert.deepEqual(h.lines(), ["info | file is good again | DIR/a.yaml | "]);
  h.end();
});

for (const text of ["apiVersion: v1\n", "hello\n", "\u00ff", "a: 1\n---\n3\n"]) {
  test(`a file in which nothing is an object any more keeps its own: ${JSON.stringify(text)}`, async () => {
    const h = new Harness();
    h.write("a.yaml", service("a1", "a2"));
    h.start();
    await h.take(1);
    h.write("a.yaml", text);
    const reason = "this is no Kubernetes object: it has no kind";
    assert.deepEqual(await h.take(1), [`invalid: DIR/a.yaml:1:1: ${reason}`]);
    h.write("a.yaml", service("a2"));
    assert.deepEqual(await h.take(2), ["delete a1", "recovered"]);
    h.end();
  });
}

test("nobody hears of objects before each file was readable once; then broken ones stop nothing", async () => {
  const h = new Harness();
  h.write("a.yaml", service("a"));
  h.write("b.yaml", `${service("b")}---\nkind: [`);
  h.write("c.yaml", "");
  h.start();
  const [first] = await h.take(1);
  assert.match(first, /^invalid: DIR\/b\.yaml:4:8: .* \(and 1 more files\)$/);
  const late: string[] = [];
  h.listen({ ...SERVICES, name: "a" }, late);
  await h.pass(SETTLE_MS);
  assert.deepEqual(late, [first], "who comes meanwhile is told why nothing is known");
  assert.deepEqual(
    h.lines().map((line) => line.split(" | ").slice(1, 3).join(": ")),
    [
      "file of objects cannot be used, and what is in it was never known: DIR/b.yaml:4:8",
      "file of objects cannot be used, and what is in it was never known: DIR/c.yaml:1:1",
      "no object is used before each file was readable: ",
    ],
  );
  h.write("b.yaml", service("b"));
  assert.deepEqual(await h.take(1), ["invalid: DIR/c.yaml:1:1: the file is empty"]);
  unlinkSync(join(h.dir, "c.yaml"));
  assert.deepEqual(await h.take(2), ["upsert a, upsert b", "recovered"]);
  assert.deepEqual(late.slice(2), ["upsert a", "recovered"]);
  h.lines();
  h.write("d.yaml", "{");
  h.write("e.yaml", service("e"));
  const heard = await h.take(2);
  assert.ok(heard.includes("upsert e"), "others come and change");
  assert.match(heard.find((each) => each !== "upsert e")!, /^invalid: DIR\/d.yaml/);
  assert.match(h.lines()[0], /and what is in it was never known \| DIR\/d\.yaml/);
  h.end();
});

test("what is nested thousands deep costs itself alone: objects beside it change on", async () => {
  const h = new Harness();
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  const config = JSON.stringify(`{"a": ${nested(7_000)}}`);
  const annotated = `{name: b, annotations: {fairlead.dev/service-config: ${config}}}`;
  h.write("a.yaml", service("a"));
  h.write("b.yaml", `kind: Service\nmetadata: ${annotated}\n`);
  h.write("c.json", `{"kind": "Service", "metadata": {"name": "c"}, "x": ${nested(7_000)}}`);
  h.write("d.json", `{"kind": "Service", "metadata": {"namespace": ${nested(7_000)}}}`);
  h.start();
  assert.deepEqual(await h.take(1), ["upsert a, upsert b"]);
  h.write("b.yaml", `kind: Service\nmetadata: ${annotated}\nspec: {clusterIP: 127.0.0.9}\n`);
  h.write("e.yaml", service("e"));
  assert.deepEqual((await h.take(1)).flatMap((heard) => heard.split(", ")).sort(), [
    "upsert b",
    "upsert e",
  ]);
  h.write("f.yaml", `kind: Service\nmetadata: {name: f}\nx: ${nested(7_000)}\n`);
  h.write("a.yaml", service("a", "g"));
  const [heard] = (await h.take(2)).filter((each) => each.includes("upsert"));
  assert.equal(heard, "upsert g");
  assert.deepEqual(
    h.lines().map((line) => line.replace(/^\w+ \| /, "")),
    [
      "malformed object passed over | DIR/c.json:1:1 | " +
        "Service c: it is nested deeper than 100 levels",
      "malformed object passed over | DIR/d.json:1:1 | " +
        "Service without a name: it is nested deeper than 100 levels",
      "file of objects cannot be used, and what is in it was never known | DIR/f.yaml:1:1 | " +
        "lists and objects are nested too deep to be read",
    ],
  );
  h.end();
});

test("a malformed object keeps its last good version; its neighbours are taken in", async () => {
  const h = new Harness();
  h.write("a.yaml", service("a1", "a2"));
  h.start();
  await h.take(1);
  h.write("a.yaml", `${service("a1")}spec: { type: Wrong }\n---\n${service("a3")}---\n3\n`);
  assert.deepEqual(await h.take(1), ["delete a2, upsert a3"]);
  assert.deepEqual(h.lines(), [
    "warn | malformed object passed over | DIR/a.yaml:3:15 | Service a1: spec.type is " +
      '"Wrong", must be ClusterIP or NodePort or LoadBalancer or ExternalName',
    "warn | malformed object passed over | DIR/a.yaml:8:1 | " +
      "this is no Kubernetes object: it has no kind",
  ]);
  assert.equal(h.malformedCount, 2);
  h.write("a.yaml", `\n\n${service("a1")}spec: { type: Wrong }\n---\n${service("a4")}`);
  assert.deepEqual(await h.take(1), ["delete a3, upsert a4"]);
  assert.deepEqual(h.lines(), []); // Told already, on another line.
  h.end();
});

test("an object of a kind that is not read is passed over, and told once", async () => {
  const h = new Harness();
  const other = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: { name: b }";
  h.write("a.yaml", `kind: Deployment\nmetadata: { name: web }\n---\n${service("a")}`);
  h.write("b.yaml", other);
  h.start();
  assert.deepEqual(await h.take(1), ["upsert a"]);
  assert.deepEqual(h.lines(), [
    "info | object passed over | DIR/a.yaml:1:1 | " +
      "Deployment web: objects of this kind are not read",
    "info | object passed over | DIR/b.yaml:1:1 | Service b: objects of this kind are not read",
  ]);
  assert.equal(h.malformedCount, 0, "nothing is wrong with them");
  h.end();
});

test("of an object in two files that of the first by name is used", async () => {
  const h = new Harness();
  h.write("b.yaml", `${service("x")}spec: { type: NodePort }\n`);
  h.write("c.yaml", service("y", "y"));
  h.start();
  assert.deepEqual(await h.take(1), ["upsert x, upsert y"]);
  h.write("a.yaml", service("x"));
  assert.deepEqual(await h.take(1), ["upsert x"]);
  assert.deepEqual(h.lines(), [
    "warn | object is there twice | DIR/c.yaml:4:1 | " +
      "Service default/y is in this file before: that one is used",
    "warn | object is there twice | DIR/b.yaml | Service default/x is in DIR/a.yaml too: " +
      "that one is used",
  ]);
  unlinkSync(join(h.dir, "a.yaml"));
  assert.deepEqual(await h.take(1), ["upsert x"]);
  h.end();
});

test("a mounted ConfigMap is followed: what is swapped is a link to a directory", async () => {
  const h = new Harness();
  const fill = (version: string, name: string): void => {
    mkdirSync(join(h.dir, version));
    writeFileSync(join(h.dir, version, "a.yaml"), service(name));
    symlinkSync(version, join(h.dir, "..data_tmp"));
    renameSync(join(h.dir, "..data_tmp"), join(h.dir, "..data"));
  };
  fill("..1", "old");
  symlinkSync("..data/a.yaml", join(h.dir, "a.yaml"));
  h.start();
  assert.deepEqual(await h.take(1), ["upsert old"]);
  fill("..2", "new");
  rmSync(join(h.dir, "..1"), { recursive: true });
  assert.deepEqual(await h.take(1), ["delete old, upsert new"]);
  h.end();
});

test("a directory that goes away takes nothing with it", async () => {
  const h = new Harness();
  h.write("a.yaml", service("a"));
  h.start();
  await h.take(1);
  renameSync(h.dir, `${h.dir}-away`);
  assert.deepEqual(await h.take(1), ['unreachable: directory "DIR" cannot be read: ENOENT']);
  mkdirSync(h.dir);
  h.write("a.yaml", service("a", "b"));
  assert.deepEqual(await h.take(2), ["upsert b", "recovered"]);
  h.end();
});

test("a file that is too large, or is not UTF-8, is a fault of its own", async () => {
  const h = new Harness();
  h.write("a.json", " ".repeat(OBJECT_FILE_BYTES_MAX + 1));
  writeFileSync(join(h.dir, "b.yaml"), Buffer.from([0x61, 0xff]));
  h.write("c.yaml", service("c"));
  h.start();
  const size = "it has 16777217 bytes, at most 16777216 are allowed";
  assert.deepEqual(await h.take(1), [`invalid: DIR/a.json:1:1: ${size} (and 1 more files)`]);
  assert.match(h.lines()[1], /DIR\/b.yaml:1:1 \| it is not UTF-8$/);
  h.end();
});

test("two files with the same fault are both named, each once", async () => {
  const h = new Harness();
  h.write("a.yaml", service("a"));
  h.write("b.json", "{}}");
  h.start();
  await h.take(1);
  const [first, wait] = h.lines();
  assert.match(wait, / no object is used before each file was readable .* DIR\/b.json:1:3/);
  assert.match(first, /DIR\/b.json:1:3 \| /);
  h.write("c.json", "{}}");
  await h.take(1);
  assert.deepEqual(h.lines(), [first.replace("b.json", "c.json")]);
  assert.equal(h.malformedCount, 2);
  h.end();
});

test("a source that nobody watches reads nothing and sets no timer", async () => {
  const h = new Harness();
  h.source = createFilesSource(h.dir, { clock: h.clock, log: h.log });
  await h.pass(SETTLE_MS);
  assert.equal(h.clock.pendingCount, 0);
  h.end();
});

test("a look that fails is logged, and the next one follows", async () => {
  const h = new Harness();
  h.write("a.yaml", `${service("a")}---\n3\n`);
  const onMalformed = () => {
    throw new Error("a bug");
  };
  h.source = createFilesSource(h.dir, { clock: h.clock, log: h.log, onMalformed });
  h.listen(SERVICES, h.heard);
  assert.deepEqual(await h.take(1), ["upsert a"]);
  const [{ fields }] = h.log.entries.filter(({ level }) => level === "error");
  assert.equal(fields.error, "Error: a bug");
  h.end();
});

test("a listener that throws is logged and hears the next change, as do the others", async () => {
  const h = new Harness();
  h.write("a.yaml", service("a"));
  h.source = createFilesSource(h.dir, { clock: h.clock, log: h.log });
  h.source.watch(SERVICES, {
    onChanges: (changes) => {
      h.heard.push(changes.map(({ object }) => object.metadata.name).join(" "));
      if (h.heard.length === 1) throw new Error("a bug");
    },
    onProblem: ({ reason }) => assert.fail(reason),
    onRecovered: assert.fail,
  });
  const other: string[] = [];
  h.listen(SERVICES, other);
  assert.deepEqual(await h.take(1), ["a"]);
  assert.deepEqual(other, ["upsert a"]);
  const [{ level, fields }] = h.log.entries;
  assert.deepEqual([level, fields.error], ["error", "Error: a bug"]);
  h.heard.push("");
  h.write("b.yaml", service("b"));
  assert.deepEqual(await h.take(2), ["", "b"]);
  h.end();
});

test("a directory with too many files is not read", async () => {
  const h = new Harness();
  for (let i = 0; i <= OBJECT_FILES_MAX; i += 1) h.write(`${i}.yaml`, "");
  h.start();
  assert.deepEqual(await h.take(1), [
    'unreachable: directory "DIR" has 10001 files of objects, at most 10000 are allowed',
  ]);
  h.end();
});

test("a target follows the slices in files, and nothing else is needed", async () => {
  const h = new Harness();
  const slice = (...ips: string[]): string =>
    JSON.stringify({
      kind: "EndpointSlice",
      metadata: { name: "echo-x", labels: { "kubernetes.io/service-name": "echo" } },
      addressType: "IPv4",
      ports: [{ name: "grpc", port: 50051 }],
      endpoints: ips.map((ip) => ({ addresses: [ip] })),
    });
  h.write("a.json", slice("127.0.0.1"));
  h.start();
  const sets: EndpointSet[] = [];
  const { clock, log, source } = h;
  const deps = { clock, log, rng: seededRng(1), objects: () => source };
  const resolver = createResolver("kubernetes:///echo:grpc", deps);
  resolver.start({ onEndpoints: (set) => sets.push(set), onError: assert.fail });
  await h.take(1);
  h.replace("a.json", slice("127.0.0.1", "127.0.0.2"));
  await eventually("the second set", () => {
    clock.advance(SETTLE_MS);
    return sets.length === 2;
  });
  const shown = sets.map(({ endpoints }) => endpoints.map(({ address }) => address).join(" "));
  assert.deepEqual(shown, ["127.0.0.1:50051", "127.0.0.1:50051 127.0.0.2:50051"]);
  resolver.close();
  h.end();
});

/** Time passes whenever somebody looks at it, as it does where work takes long. */
class PassingClock extends VirtualClock {
  pauseCount = 0;
  #passedMs = 0;

  override nowMs(): number {
    this.#passedMs += 1;
    return super.nowMs() + this.#passedMs;
  }

  override setTimer(delayMs: number, fn: () => void): Timer {
    if (delayMs === 0) this.pauseCount += 1;
    return super.setTimer(delayMs, fn);
  }
}

test("a large file is read in slices, between which other work has its turn", async () => {
  const dir = join(root, "large");
  mkdirSync(dir);
  const documents = Array.from({ length: 500 }, (_, i) => `kind: Node\nmetadata: {name: n${i}}\n`);
  writeFileSync(join(dir, "all.yaml"), documents.join("---\n"));
  const clock = new PassingClock();
  const source = createFilesSource(dir, { clock, log: new RecordingLogger() });
  let known = 0;
  const listener = {
    onChanges: (changes: readonly unknown[]) => void (known = changes.length),
    onProblem: ({ reason }: { readonly reason: string }) => assert.fail(reason),
    onRecovered: () => assert.fail("nothing was wrong"),
  };
  source.watch({ kind: "Node", namespace: null, name: null, label: null }, listener);
  await eventually("all objects", () => {
    clock.advance(0);
    return known > 0;
  });
  assert.equal(known, 500);
  // At least a step for each document; a slice is over after SLICE_MS of them.
  assert.ok(clock.pauseCount >= 500 / SLICE_MS - 1, `${clock.pauseCount} pauses`);
  source.close();
  assert.equal(clock.pendingCount, 0);
});

// "matchs" made a route match every call, and a directory with it looked as good as any.
test("a field that its kind does not have is told with its place, and the object is used", async () => {
  const harness = new Harness();
  const lines = ["kind: GRPCRoute", "metadata: {name: a}", "spec:", "  rules:", "  - matchs: []"];
  harness.write("a.yaml", lines.join("\n"));
  harness.write("b.yaml", "kind: GrpcRoute\nmetadata: {name: b}\n---\nkind: HTTPRoute\n");
  harness.start({ ...SERVICES, kind: "GRPCRoute" } as ObjectQuery);
  assert.deepEqual(await harness.take(1), ["upsert a"]);
  const matchs = "spec.rules[0].matchs is no field that there is, and is ignored";
  const unread = "objects of this kind are not read";
  assert.deepEqual(harness.lines(), [
    `warn | unknown field | DIR/a.yaml:5:13 | GRPCRoute a: ${matchs}: did you mean matches?`,
    `warn | object passed over | DIR/b.yaml:1:1 | GrpcRoute b: ${unread}: did you mean GRPCRoute?`,
    `info | object passed over | DIR/b.yaml:4:1 | HTTPRoute without a name: ${unread}`,
  ]);
  assert.equal(harness.malformedCount, 0);
  harness.replace("a.yaml", ["# a comment", ...lines].join("\n"));
  await harness.pass(3 * FILES_POLL_MS);
  assert.deepEqual(harness.lines(), [], "once");
  harness.end();
});
