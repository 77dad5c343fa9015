/**
 * The packed package from a user's side: what tools that judge packages say, its size, and its
 * subpaths in an empty project under each Node that we promise, by import and by require. The
 * TypeScript in our documents is checked against it, too.
 */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { publint } from "publint";
import { requirePeer, type SkippableTest } from "../peers/find.ts";
import { rootDir } from "../peers/paths.ts";
import { runProcess, stopAll } from "../peers/processes.ts";
import { startEchoServer } from "../peers/storms.ts";
import { startEchoCluster } from "../support/lab-cluster.ts";
import { type Packed, packPackage } from "../support/packed.ts";
import { type Snippet, snippetsOf } from "../support/snippets.ts";
import { Project } from "./project.ts";

const PACKED_BYTES_MAX = 970_000;
/** What an import of a client loads, gzipped file by file: whatever else is packed, it stays so. */
const CLIENT_BYTES_MAX = 165_000;
const NODES = ["22", "24", "26"] as const;
/** The pod, and so the address, behind Service `echo` of namespace `prod` for snippets that run. */
const POD = 111;

let packed: Packed;
let project: Project;
let manifest: {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
};

before(async () => {
  packed = await packPackage();
  project = await Project.create(packed, "project");
  manifest = JSON.parse(readFileSync(join(packed.root, "package.json"), "utf8"));
});

after(async () => {
  await stopAll();
  packed.remove();
});

/** "./grpc-js" -> "fairlead/grpc-js", of all that can be imported. */
function specifiers(): string[] {
  return Object.keys(manifest.exports)
    .filter((path) => path !== "./package.json")
    .map((path) => `fairlead${path.slice(1)}`);
}

/** The binary of a Node; null when it is missing. */
function nodeOf(t: SkippableTest, major: (typeof NODES)[number]): string | null {
  return major === "24" ? process.execPath : requirePeer(t, `node-${major}`);
}

test("publint has nothing to say", async () => {
  const { messages } = await publint({ pkgDir: packed.root, pack: false, strict: true });
  assert.deepEqual(messages, []);
});

test("are the types wrong? no, as for every package of ES modules alone", async () => {
  const attw = join(rootDir, "node_modules", ".bin", "attw");
  const args = [packed.archive, "--profile", "esm-only", "--no-definitely-typed", "--no-color"];
  const { code, stdout, stderr } = await runProcess(attw, [...args, "--no-emoji"]);
  assert.equal(code, 0, `${stdout}${stderr}`);
  for (const name of specifiers()) assert.ok(stdout.includes(`"${name}"`), `${name} is looked at`);
});

test("the archive is small, and the package depends on nothing", () => {
  const { size } = statSync(packed.archive);
  assert.ok(size <= PACKED_BYTES_MAX, `${size} bytes`);
  assert.deepEqual(manifest.dependencies ?? {}, {});
  assert.deepEqual(manifest.optionalDependencies ?? {}, {});
  const { peerDependenciesMeta = {} } = manifest as {
    peerDependenciesMeta?: Record<string, { optional?: boolean }>;
  };
  for (const name of Object.keys(manifest.peerDependencies ?? {})) {
    assert.equal(peerDependenciesMeta[name]?.optional, true, `${name} is optional`);
  }
});

test("installed, it stands alone, with all that it exports", () => {
  const root = join(project.directory, "node_modules", "fairlead");
  assert.equal(existsSync(join(root, "node_modules")), false);
  for (const each of Object.values(manifest.exports)) {
    const files = typeof each === "string" ? [each] : Object.values(each as object);
    for (const file of files) assert.ok(existsSync(join(root, file)), file);
  }
});

for (const major of NODES) {
  test(`Node ${major}: every subpath by import and by require, alike and in silence`, async (t) => {
    const node = nodeOf(t, major);
    if (node === null) return;
    const names = specifiers();
    const loads = names.map((name) => `tell(${JSON.stringify(name)}, X(${JSON.stringify(name)}));`);
    const tell = "const tell = (name, of) => console.log(name, Object.keys(of).sort().join());\n";
    const text = tell + loads.join("\n");
    project.write("load.mjs", text.replaceAll("X(", "await import("));
    project.write("load.cjs", text.replaceAll("X(", "require("));
    const imported = await project.run(node, "load.mjs");
    assert.deepEqual([imported.code, imported.stderr], [0, ""]);
    const required = await project.run(node, "load.cjs");
    assert.deepEqual([required.code, required.stderr], [0, ""]);
    assert.equal(required.stdout, imported.stdout);
    const lines = imported.stdout.trim().split("\n");
    assert.equal(lines.length, names.length);
    for (const line of lines) assert.match(line, /^fairlead\S* \w+/, "it exports something");
  });
}

test("importing a client loads three files, and nothing of Node's for later", async () => {
  const later =
    /^NativeModule (_?http|https|http2|crypto|tls|zlib|dgram|(fs|dns)\/promises|undici)/;
  const file = project.write(
    "loaded.mjs",
    `await import("fairlead");
    console.log(process.moduleLoadList.filter((name) => ${later}.test(name)).join());`,
  );
  const { code, stdout, stderr } = await project.run(process.execPath, file);
  assert.deepEqual([code, stdout, stderr], [0, "\n", ""]);
  for (const name of ["client", "grpc-js", "connect"]) {
    const files = staticFiles(join(packed.root, "dist", name, "index.js"));
    assert.ok(files.size <= 3, [...files].join());
    const bytes = [...files].reduce((sum, path) => sum + gzipSync(readFileSync(path)).length, 0);
    assert.ok(bytes <= CLIENT_BYTES_MAX, `${name}: ${bytes} bytes`);
  }
});

/** A built file with all of the package that it imports at once. */
function staticFiles(path: string, seen: Set<string> = new Set()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const [, to = ""] of readFileSync(path, "utf8").matchAll(/\b(?:from|import)"(\.[^"]+)"/g)) {
    staticFiles(join(path, "..", to), seen);
  }
  return seen;
}

/** Programs that use a subpath for what it is there for, and end by themselves. */
const USES: Readonly<Record<string, string>> = {
  fairlead: `
    import { createChannel } from "fairlead";
    const same = (bytes) => bytes;
    const say = { path: "/echo.Echo/Say", encode: same, decode: same };
    const channel = createChannel(process.env.ECHO);
    console.log(String(await channel.unary(say, Buffer.from("hi"))));
    channel.close();`,
  "fairlead/grpc-js": `
    import { Client, credentials } from "@grpc/grpc-js";
    import { fairleadChannel } from "fairlead/grpc-js";
    const options = { channelFactoryOverride: fairleadChannel() };
    const client = new Client(process.env.ECHO, credentials.createInsecure(), options);
    const same = (bytes) => bytes;
    client.makeUnaryRequest("/echo.Echo/Say", same, same, Buffer.from("hi"), (error, answer) => {
      console.log(error === null ? String(answer) : error.message);
      client.close();
    });`,
  "fairlead/connect": `
    import { create, createFileRegistry } from "@bufbuild/protobuf";
    import * as wkt from "@bufbuild/protobuf/wkt";
    import { createClient } from "@connectrpc/connect";
    import { createFairleadTransport } from "fairlead/connect";
    const text = ".google.protobuf.StringValue";
    const file = create(wkt.FileDescriptorProtoSchema, {
      ...{ name: "echo.proto", package: "echo", syntax: "proto3" },
      dependency: [wkt.file_google_protobuf_wrappers.proto.name],
      service: [{ name: "Echo", method: [{ name: "Say", inputType: text, outputType: text }] }],
    });
    const registry = createFileRegistry(file, () => wkt.file_google_protobuf_wrappers.proto);
    const transport = createFairleadTransport({ target: process.env.ECHO });
    const client = createClient(registry.getService("echo.Echo"), transport);
    console.log((await client.say({ value: "hi" })).value);
    transport.close();`,
  "fairlead/proxy": `
    import { Client, credentials } from "@grpc/grpc-js";
    import { startProxy } from "fairlead/proxy";
    const proxy = await startProxy({ listen: "127.0.0.1:0", to: process.env.ECHO });
    const client = new Client(proxy.addresses[0], credentials.createInsecure());
    const same = (bytes) => bytes;
    client.makeUnaryRequest("/echo.Echo/Say", same, same, Buffer.from("hi"), (error, answer) => {
      console.log(error === null ? String(answer) : error.message);
      client.close();
      proxy.close();
    });`,
  "fairlead/control": `
    import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
    import { createChannel } from "fairlead";
    import { startControl } from "fairlead/control";
    const [, address, port] = process.env.ECHO.split(":");
    const objects = mkdtempSync("objects-");
    const metadata = { name: "echo", namespace: "prod" };
    const ports = [{ name: "grpc", port: Number(port) }];
    writeFileSync(objects + "/service.json", JSON.stringify({
      ...{ apiVersion: "v1", kind: "Service", metadata },
      spec: { clusterIP: "None", ports },
    }));
    writeFileSync(objects + "/slice.json", JSON.stringify({
      ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4", ports },
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": "echo" } },
      endpoints: [{ addresses: [address] }],
    }));
    const listen = [{ host: "127.0.0.1", port: 0 }];
    const control = await startControl({ listen, kubernetes: { objects } });
    const server = {
      server_uri: control.addresses[0],
      channel_creds: [{ type: "insecure" }],
      server_features: ["xds_v3"],
    };
    const bootstrap = { xds_servers: [server], node: { id: "web-1" } };
    process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify(bootstrap);
    const same = (bytes) => bytes;
    const say = { path: "/echo.Echo/Say", encode: same, decode: same };
    const channel = createChannel("xds:///echo.prod:" + port);
    console.log(String(await channel.unary(say, Buffer.from("hi"))));
    channel.close();
    control.close();
    rmSync(objects, { recursive: true });`,
  "fairlead/testing": `
    import { createChannel } from "fairlead";
    import { startTestCluster } from "fairlead/testing";
    const cluster = await startTestCluster({ pods: 1 });
    const [ip, port] = process.env.ECHO.replace("ipv4:", "").split(":");
    const service = cluster.api.addService("own", { port: Number(port) });
    service.addPod(ip + ":" + port);
    const kubernetes = { kubeconfig: cluster.kubeconfig };
    const same = (bytes) => bytes;
    const say = { path: "/echo.Echo/Say", encode: same, decode: same };
    const channel = createChannel(service.target, { kubernetes });
    console.log(String(await channel.unary(say, Buffer.from("hi"))));
    channel.close();
    await cluster.close();`,
};

test("there is a program for every subpath", () => {
  assert.deepEqual(Object.keys(USES).sort(), specifiers().sort());
});

for (const major of NODES) {
  for (const [name, text] of Object.entries(USES)) {
    test(`Node ${major}: ${name} does its work`, async (t) => {
      const node = nodeOf(t, major);
      const server = await startEchoServer(t);
      if (node === null || server === null) return;
      const file = project.write("use.mjs", text);
      const env = { ECHO: `ipv4:${server.addresses[0]}` };
      const { code, stdout, stderr } = await project.run(node, file, env);
      assert.deepEqual([code, stdout, stderr], [0, "hi\n", ""]);
    });
  }
}

/** Connect's own declarations name types of browsers. */
const LIBS: Readonly<Record<string, readonly string[]>> = { "fairlead/connect": ["dom"] };

/** How users write it, and what the declarations must refuse. */
const TYPED: Readonly<Record<string, string>> = {
  fairlead: `
    import { type Channel, createChannel, GrpcError, metricsText, Status } from "fairlead";
    const say = {
      path: "/echo.Echo/Say",
      encode: (text: string): Uint8Array => Buffer.from(text),
      decode: (bytes: Uint8Array): number => bytes.length,
    };
    export async function use(): Promise<number> {
      using channel: Channel = createChannel("localhost:1", { policy: "round_robin" });
      const length: number = await channel.unary(say, "hi", { timeoutMs: 1 });
      for await (const each of channel.serverStream(say, "hi")) each satisfies number;
      // @ts-expect-error requests are texts
      await channel.unary(say, 5);
      // @ts-expect-error no such option
      createChannel("localhost:1", { policies: "round_robin" });
      return length + metricsText().length;
    }
    export const isGone = (error: unknown): boolean =>
      error instanceof GrpcError && error.code === Status.UNAVAILABLE;`,
  "fairlead/grpc-js": `
    import { Client, type ClientOptions, credentials } from "@grpc/grpc-js";
    import type { ChannelFactory, ClusterView } from "fairlead/grpc-js";
    import { fairleadChannel, register, viewOf } from "fairlead/grpc-js";
    export const factory: ChannelFactory = fairleadChannel({ policy: "least_request" });
    const options: ClientOptions = { channelFactoryOverride: factory };
    const client = new Client("localhost:1", credentials.createInsecure(), options);
    export const view: ClusterView | null = viewOf(client);
    register().schemes satisfies readonly string[];
    // @ts-expect-error no such option
    fairleadChannel({ policies: "least_request" });`,
  "fairlead/connect": `
    import type { Transport } from "@connectrpc/connect";
    import { createFairleadTransport } from "fairlead/connect";
    export const transport: Transport = createFairleadTransport({ target: "localhost:1" });
    // @ts-expect-error it needs a target
    createFairleadTransport({});`,
  "fairlead/proxy": `
    import { startProxy } from "fairlead/proxy";
    const proxy = await startProxy({ listen: "127.0.0.1:0", to: "localhost:1" });
    export const addresses: readonly string[] = proxy.addresses;
    // @ts-expect-error it needs a target
    await startProxy({ listen: "127.0.0.1:0" });`,
  "fairlead/control": `
    import { type NodesView, type RunningControl, startControl } from "fairlead/control";
    const listen = [{ host: "127.0.0.1", port: 0 }];
    const control: RunningControl = await startControl({ listen, kubernetes: {} });
    export const nodes: NodesView = control.nodes();
    // @ts-expect-error no such option
    await startControl({ listeners: listen });`,
  "fairlead/testing": `
    import { Client, credentials } from "@grpc/grpc-js";
    import { createChannel } from "fairlead";
    import { say, startTestCluster, type TestCluster } from "fairlead/testing";
    export async function use(): Promise<readonly string[]> {
      await using cluster: TestCluster = await startTestCluster({ pods: 2 });
      using channel = createChannel(cluster.target);
      const pod: string = await channel.unary(say, "me");
      const client = new Client(cluster.clusterIp, credentials.createInsecure());
      client.makeUnaryRequest(say.path, say.encode, say.decode, "me", (_, name?: string) => name);
      cluster.api.setFault({ kind: "throttle", count: 2 });
      // @ts-expect-error no such fault
      cluster.api.setFault({ kind: "explode" });
      // @ts-expect-error pods are as they were
      cluster.pods[0].name = pod;
      // @ts-expect-error no such option
      await startTestCluster({ replicas: 2 });
      return cluster.pods.map(({ name }) => name);
    }`,
};

for (const [name, text] of Object.entries(TYPED)) {
  test(`the declarations of ${name} say what it takes, and no more`, async () => {
    const file = `typed-${name.replace("/", "-")}.ts`;
    project.write(file, text);
    assert.equal(await project.compile([file], LIBS[name]), "");
  });
}

test("there is a text for the declarations of every subpath", () => {
  assert.deepEqual(Object.keys(TYPED).sort(), specifiers().sort());
});

/** tsconfigs that docs/client.md promises for programs that are compiled to CommonJS. */
const COMMON_JS: readonly Readonly<Record<string, string>>[] = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "preserve", moduleResolution: "bundler" },
];

for (const options of COMMON_JS) {
  test(`a CommonJS program compiles with ${options.module}, ${options.moduleResolution}`, async () => {
    const names = specifiers();
    const imports = names.map((name, n) => `import * as all${n} from ${JSON.stringify(name)};`);
    const uses = names.map((_, n) => `console.log(all${n});`);
    project.write("common.cts", `${[...imports, ...uses].join("\n")}\n`);
    const change = { ...options, verbatimModuleSyntax: false };
    assert.equal(await project.compile(["common.cts"], ["dom"], change), "");
  });
}

test("resolution that does not read exports finds the same declarations", () => {
  const { main, types, typesVersions } = manifest as {
    main?: string;
    types?: string;
    typesVersions?: Record<string, Record<string, string[]>>;
  };
  const {
    ".": root,
    "./package.json": _,
    ...others
  } = manifest.exports as Record<string, { types: string; default: string }>;
  assert.deepEqual([types, main], [root?.types, root?.default]);
  const expected = Object.entries(others).map(([path, { types }]) => [path.slice(2), [types]]);
  assert.deepEqual(typesVersions, { "*": Object.fromEntries(expected) });
});

/** The snippets of all documents that the package's users read. */
function snippets(): readonly Snippet[] {
  const paths = [join(rootDir, "README.md"), ...globSync(join(rootDir, "docs/*.md")).sort()];
  return paths.flatMap((path) => snippetsOf(relative(rootDir, path), readFileSync(path, "utf8")));
}

/** Writes each into a file of its own and compiles all; what tsc says, by their places. */
async function compileSnippets(all: readonly Snippet[], prefix: string): Promise<string> {
  const names = all.map(({ text }, n) => {
    const name = `${prefix}-${n}.ts`;
    project.write(name, `${text}\nexport {};\n`);
    return name;
  });
  let said = await project.compile(names);
  for (const [n, name] of names.entries()) {
    said = said.replaceAll(name, `${all[n]?.place} + line`);
  }
  return said;
}

test("TypeScript in the documents compiles, strictly, against the declarations", async () => {
  const all = snippets();
  assert.notDeepEqual(all, []);
  assert.equal(await compileSnippets(all, "snippet"), "");
});

test("a snippet that is wrong would be seen", async () => {
  const right = 'import { startProxy } from "fairlead/proxy";\nvoid startProxy;\n';
  const wrong = 'import { startProxi } from "fairlead/proxy";\nvoid startProxi;\n';
  assert.equal(
    await compileSnippets(snippetsOf("a.md", `\`\`\`ts\n${right}\`\`\`\n`), "right"),
    "",
  );
  const document = `\`\`\`ts\n${right}\`\`\`\n\`\`\`ts\n${wrong}\`\`\`\n`;
  const said = await compileSnippets(snippetsOf("a.md", document), "example");
  assert.match(said, /^a\.md:5 \+ line\(1,10\): error TS\d+: .*startProxi/m);
  assert.doesNotMatch(said, /a\.md:1\b/);
});

test("programs in the documents run under each Node", async (t) => {
  const programs = snippets().filter(({ isProgram }) => isProgram);
  assert.notDeepEqual(programs, []);
  const cluster = await startEchoCluster();
  t.after(() => cluster.close());
  const args = ["-name", `echo-${POD}`];
  if ((await startEchoServer(t, [`127.0.2.${POD}:50051`], args)) === null) return;
  cluster.addPod(POD);
  for (const major of NODES) {
    const node = nodeOf(t, major);
    if (node === null) return;
    // All at once: what they do most of the time is wait.
    const runs = programs
      .filter(({ isOnce }) => !isOnce || major === "24")
      .map(async ({ place, text }, n) => {
        const file = project.write(`program-${n}.ts`, text);
        const env = { KUBECONFIG: cluster.kubeconfig };
        const { code, stdout, stderr } = await project.run(node, file, env);
        assert.equal(code, 0, `${place} under Node ${major}: ${stdout}${stderr}`);
      });
    await Promise.all(runs);
  }
});
