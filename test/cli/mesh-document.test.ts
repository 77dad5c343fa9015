/**
 * docs/mesh.md says what is so: its objects and bootstrap files are used as they stand, by the real
 * programs that it names, and its commands have the flags that it shows.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { envoyArgs } from "../control/envoy.ts";
import { XdsClient } from "../control/xds-client.ts";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { freePort, runProcess, startProcess, stopAll } from "../peers/processes.ts";
import { ask, FAIRLEAD, logLines, startProxy } from "./harness.ts";

/** Of a container. */
interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
}

const text = readFileSync(new URL("../../docs/mesh.md", import.meta.url), "utf8");

/** All fences: the words behind the marks, and what stands inside. */
const FENCES = [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, word, it]) => [word, it!]);

/** What stands in all fences with this word. */
const fences = (word: string): string[] =>
  FENCES.filter(([own]) => own === word).map(([, it]) => it!);

/** The columns of a table that the document shows: the line that begins with this word. */
const columns = (first: string, ...others: string[]): string[] =>
  text
    .split("\n")
    .find((line) => line.startsWith(first) && others.every((other) => line.includes(other)))!
    .split(/ {2,}/);

let objects: string;
let control: string;
let admin: string;

// Its pods are at other addresses here, since tests beside this one have servers at its own.
before(async () => {
  objects = mkdtempSync(join(tmpdir(), "fairlead-mesh-"));
  for (const [n, yaml] of fences("yaml objects").entries()) {
    writeFileSync(join(objects, `${n}.yaml`), yaml.replaceAll("127.0.0.", "127.0.77."));
  }
  const flags = ["--objects", objects, "--listen", "127.0.0.1:0", "--admin", "0"];
  const process = startProcess(FAIRLEAD, ["control", ...flags]);
  await process.waitFor(/"msg":"admin"/);
  const address = (msg: string) => String(logLines(process).find((l) => l.msg === msg)!.address);
  [control, admin] = [address("listening"), address("admin")];
});

after(async () => {
  await stopAll();
  rmSync(objects, { recursive: true });
});

const run = async (...args: string[]) => {
  const { code, stdout, stderr } = await runProcess(FAIRLEAD, args);
  assert.equal(code, 0, `${stdout}${stderr}`);
  return stdout;
};

test("a stock client with its bootstrap file, and an Envoy with its own, are SYNCED", async (t) => {
  const script = requirePeer(t, "xds-client.ts");
  const path = requirePeer(t, "envoy");
  if (script === null || path === null) return;
  const [bootstrap] = fences("json bootstrap");
  const { xds_servers, node } = JSON.parse(bootstrap!);
  const [shown] = xds_servers;
  assert.deepEqual([shown.server_uri, shown.server_features], ["127.0.0.1:18000", ["xds_v3"]]);
  assert.deepEqual(shown.channel_creds, [{ type: "insecure" }]);
  const [, target] = /insecure_channel\("(\S+)"\)/.exec(text)!;
  const command = [process.execPath, script];
  const client = new XdsClient(command, objects, control, target!, { node });
  const port = await freePort();
  const [yaml] = fences("yaml envoy");
  const file = join(objects, "..", `fairlead-mesh-envoy-${port}.yaml`);
  const [, controlPort] = control.split(":");
  writeFileSync(file, yaml!.replace("9901", String(port)).replace("18000", controlPort!));
  const [, , ...flags] = envoyArgs({ control, adminPort: port, isDelta: true });
  const envoy = startProcess(path, ["-c", file, ...flags]);
  t.after(async () => {
    await client.stop();
    await envoy.stop();
    rmSync(file);
  });
  await eventually("both have everything", async () => {
    const { stdout } = await runProcess(FAIRLEAD, ["ps", "--admin", admin, "--stale-after", "0"]);
    return /^2 nodes {3}all SYNCED$/m.test(stdout) && /^web-1 .*SYNCED/m.test(stdout);
  });
  const status = (await run("proxy-status", "--admin", admin)).split("\n");
  assert.deepEqual(status[2]!.split(/ {2,}/), columns("NAME ", "KIND", "CDS"));
  assert.match(status.join("\n"), /^envoy-1 +gateway +envoy /m);
  const clusters = () => run("proxy-config", "clusters", "--admin", String(port));
  await eventually("Envoy has the cluster", async () => /^prod\/echo/m.test(await clusters()));
  assert.deepEqual(
    (await clusters()).split("\n")[0]!.split(/ {2,}/),
    columns("CLUSTER ", "POLICY"),
  );
  assert.match(await clusters(), /^prod\/echo:50051 +EDS +least_request +ACTIVE +2 /m);
  const listeners = await run("pc", "listeners", "--admin", String(port));
  assert.match(listeners, /0\.0\.0\.0:8080/);
});

/** Starts one of the page's programs in Python; null: there is no Python with grpcio. */
function startPython(t: TestContext, word: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  const python = requirePeer(t, "python-grpcio");
  if (python === null) return null;
  const [program] = fences(`python ${word}`);
  const process = startProcess(python, ["-c", program!, ...args], { env });
  t.after(() => process.stop());
  return process;
}

test("its client is answered by its servers in turn; names with mistakes are told", async (t) => {
  for (const host of ["127.0.77.2", "127.0.77.3"]) {
    if (startPython(t, "server", [`${host}:50051`]) === null) return;
  }
  const [bootstrap] = fences("json bootstrap");
  const file = join(objects, "..", `fairlead-mesh-bootstrap-${control.split(":")[1]}.json`);
  writeFileSync(file, bootstrap!.replace("127.0.0.1:18000", control));
  t.after(() => rmSync(file));
  const env = { GRPC_XDS_BOOTSTRAP: file };
  const target = /client\.py (xds:\S+)/.exec(text)![1]!;
  const client = startPython(t, "client", [target], env)!;
  await client.waitFor(/77\.2:50051\n[\s\S]*77\.3:50051|77\.3:50051\n[\s\S]*77\.2:50051/);
  const shown = text.split("\n").filter((line) => /^web-1 LDS: /.test(line));
  assert.equal(shown.length, 3);
  for (const line of shown) {
    const name = /^web-1 LDS: (\S+): /.exec(line)![1]!;
    startPython(t, "client", [`xds:///${name}`], env);
  }
  await eventually("they are told as shown", async () => {
    const { stdout } = await runProcess(FAIRLEAD, ["ps", "--admin", admin]);
    // Of one bootstrap file, they have one id here: their addresses stand behind it.
    const lines = stdout.replaceAll(/^(web-1) \(\S+\) /gm, "$1 ").split("\n");
    return shown.every((line) => lines.includes(line));
  });
});

test("what a client is told is as shown, versions too", async (t) => {
  const fence = fences("").find((each) => each.includes("fairlead endpoints xds:"))!;
  const [command, ...shown] = fence.trimEnd().split("\n");
  const [, target] = /fairlead endpoints (\S+)$/.exec(command!)!;
  // Versions are hashes of what is said: so with the addresses of the page. Nobody dials them.
  const own = mkdtempSync(join(tmpdir(), "fairlead-mesh-told-"));
  t.after(() => rmSync(own, { recursive: true }));
  writeFileSync(join(own, "echo.yaml"), fences("yaml objects")[0]!);
  const flags = ["--objects", own, "--listen", "127.0.0.1:0"];
  const plane = startProcess(FAIRLEAD, ["control", ...flags]);
  await plane.waitFor(/"msg":"listening"/);
  const { address } = logLines(plane).find(({ msg }) => msg === "listening")!;
  const [bootstrap] = fences("json bootstrap");
  const config = bootstrap!.replace("127.0.0.1:18000", String(address));
  const env = { ...process.env, GRPC_XDS_BOOTSTRAP: "", GRPC_XDS_BOOTSTRAP_CONFIG: config };
  const { code, stdout } = await runProcess(FAIRLEAD, ["endpoints", target!], { env });
  assert.equal(code, 0);
  assert.deepEqual(stdout.trimEnd().split("\n"), shown);
  await plane.stop();
});

/** Variables as the kubelet sets them: `$(NAME)` is one that stands above. */
function variables(env: readonly EnvVar[], fields: Record<string, string>): Map<string, string> {
  const set = new Map<string, string>();
  for (const { name, value = "", valueFrom } of env) {
    const expanded = value.replace(/\$\((\w+)\)/g, (all, other) => set.get(other) ?? all);
    set.set(name, valueFrom === undefined ? expanded : fields[valueFrom.fieldRef.fieldPath]!);
  }
  return set;
}

test("deploy/proxyless.yaml: a pod's client is known by its name, and is told of its zone", async (t) => {
  const manifest = (path: string) =>
    parseAllDocuments(readFileSync(new URL(`../../deploy/${path}`, import.meta.url), "utf8"));
  const [deployment] = manifest("proxyless.yaml").map((each) => each.toJS());
  const { env } = deployment.spec.template.spec.containers[0] as { env: EnvVar[] };
  assert.deepEqual(parse(fences("yaml proxyless")[0]!).env, env, "the page shows the same");
  const pod = {
    ...{ "metadata.name": "web-7c9f", "metadata.namespace": "prod", "spec.nodeName": "node-1" },
  };
  const config = variables(env, pod).get("GRPC_XDS_BOOTSTRAP_CONFIG")!;
  const { server_uri } = JSON.parse(config).xds_servers[0];
  const service = manifest("control/deployment.yaml")[1]!.toJS();
  const { name, namespace } = service.metadata;
  assert.equal(server_uri, `${name}.${namespace}.svc:${service.spec.ports[0].port}`);
  // The page's objects, a Node, and hints: each zone has one of the two pods.
  const own = mkdtempSync(join(tmpdir(), "fairlead-proxyless-"));
  t.after(() => rmSync(own, { recursive: true }));
  const hint = (zone: string) => `hints: { forZones: [{ name: ${zone} }] }, conditions:`;
  const zones = ["eu-1a", "eu-1b"];
  const echo = fences("yaml objects")[0]!.replaceAll("127.0.0.", "127.0.77.");
  const hinted = echo.replaceAll(/conditions:/g, () => hint(zones.shift()!));
  const label = "labels: { topology.kubernetes.io/zone: eu-1b }";
  const node = `apiVersion: v1\nkind: Node\nmetadata: { name: node-1, ${label} }\n`;
  writeFileSync(join(own, "echo.yaml"), `${hinted}---\n${node}`);
  const flags = ["--objects", own, "--listen", "127.0.0.1:0", "--admin", "0"];
  const plane = startProcess(FAIRLEAD, ["control", ...flags]);
  await plane.waitFor(/"msg":"admin"/);
  const address = (msg: string) => String(logLines(plane).find((l) => l.msg === msg)!.address);
  const given = {
    // gRPC's C core takes one that is empty for the name of a file.
    GRPC_XDS_BOOTSTRAP: undefined,
    GRPC_XDS_BOOTSTRAP_CONFIG: config.replace(server_uri, address("listening")),
  };
  const look = { env: { ...process.env, ...given } };
  // Of its own namespace a name alone is enough.
  const told = await runProcess(FAIRLEAD, ["endpoints", "xds:///echo:50051"], look);
  assert.match(told.stdout, /^127\.0\.77\.3:50051 /m, told.stderr);
  assert.doesNotMatch(told.stdout, /127\.0\.77\.2/);
  if (startPython(t, "server", ["127.0.77.3:50051"]) === null) return;
  const client = startPython(t, "client", ["xds:///echo:50051"], given)!;
  await client.waitFor(/hello from 127\.0\.77\.3:50051\n/);
  const status = await run("proxy-status", "--admin", address("admin"));
  assert.match(status, /^prod\/web-7c9f +grpc +gRPC C-core /m);
  await client.stop();
  await plane.stop();
});

test("the gateway serves its route as shown", async () => {
  const proxy = await startProxy(
    ...["--gateway", "prod/edge", "--objects", objects],
    ...["--listen", "8080=127.0.0.1:0", "--admin", "0"],
  );
  const routes = await run("proxy-config", "routes", "--admin", proxy.admin);
  const fence = fences("").find((each) => each.includes("proxy-config routes"))!;
  const shown = fence
    .split("\n")
    .filter((line) => /^(TABLE|prod\/edge:8080) .*(MATCH|prefix)/.test(line));
  assert.deepEqual(routes.trimEnd().split("\n"), shown);
  const listeners = await run("proxy-config", "listeners", "--admin", proxy.admin);
  assert.deepEqual(listeners.split("\n")[0]!.split(/ {2,}/), columns("LISTENER ", "ROUTES"));
  proxy.process.signal("SIGTERM");
  await proxy.process.exited;
});

/** All texts with this key that are not empty, wherever they stand. */
function textsOf(value: unknown, key: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([own, one]) =>
    own === key && typeof one === "string" ? [one].filter(Boolean) : textsOf(one, key),
  );
}

test("GET /statuses has the reason of a route with a mistake, as shown", async (t) => {
  const fence = fences("").find((each) => each.includes("/statuses | jq"))!;
  const shown = fence.trimEnd().split("\n").slice(1);
  const [, name] = /\bprod\/(\w+) does not exist/.exec(fence)!;
  const own = mkdtempSync(join(tmpdir(), "fairlead-statuses-"));
  t.after(() => rmSync(own, { recursive: true }));
  const [echo, edge] = fences("yaml objects");
  const route = edge!.split("---\n").at(-1)!.replace("{ name: echo, n", "{ name: typo, n");
  const typo = route.replace("backendRefs: [{ name: echo,", `backendRefs: [{ name: ${name},`);
  writeFileSync(join(own, "all.yaml"), [echo, edge, typo].join("---\n"));
  const flags = ["--objects", own, "--listen", "127.0.0.1:0", "--admin", "0"];
  const plane = startProcess(FAIRLEAD, ["control", ...flags]);
  await plane.waitFor(/"msg":"admin"/);
  const { address } = logLines(plane).find(({ msg }) => msg === "admin")!;
  const lines = async () => {
    const { statuses } = JSON.parse((await ask(String(address), "/statuses")).body);
    return (statuses as { kind: string; name: string }[]).flatMap((each) =>
      textsOf(each, "message").map((text) => `${each.kind} ${each.name}: ${text}`),
    );
  };
  await eventually("they are judged", async () => (await lines()).length > 0);
  assert.deepEqual(await lines(), shown);
  await plane.stop();
});

test("every command that it shows has these flags", async () => {
  const lines = [...fences("sh"), ...fences("")]
    .join("\n")
    .split("\n")
    .flatMap((line) => line.split("|"))
    .map((line) => line.trim().replace(/^\$ /, ""))
    .filter((line) => line.startsWith("fairlead "));
  assert.ok(lines.length >= 9, `${lines.length} commands were found`);
  const helps = new Map<string, string>();
  for (const line of lines) {
    const words = line.split(/\s+/).slice(1);
    const verbs = words.slice(0, words.findIndex((word) => word.startsWith("-")) >>> 0);
    const verb = verbs[0] === "proxy-config" ? verbs.slice(0, 2) : verbs.slice(0, 1);
    const key = verb.join(" ");
    if (!helps.has(key)) helps.set(key, await run(...verb, "--help"));
    for (const flag of words.filter((word) => word.startsWith("-") && word !== "-")) {
      assert.match(helps.get(key)!, new RegExp(`(^|[ ,])${flag}[ ,]`, "m"), line);
    }
  }
});
