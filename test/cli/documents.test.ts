/**
 * The documents say what is so: files that they name exist, limits have the values of the sources,
 * and commands are there.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { parseTarget } from "../../src/discovery/index.ts";
import { runProcess, startProcess, stopAll } from "../peers/processes.ts";
import { ROOMS } from "../tidy/house.ts";
import { ask, FAIRLEAD, logLines, startProxy, until } from "./harness.ts";

after(() => stopAll());

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

const DOCUMENTS = [
  "README.md",
  "ARCHITECTURE.md",
  "HACKING.md",
  "SECURITY.md",
  "CHANGELOG.md",
  ...readdirSync(new URL("docs/", root))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

for (const name of DOCUMENTS) {
  test(`${name}: the files and directories that it names exist`, () => {
    const text = read(name);
    const links = [...text.matchAll(/\]\(([^):#]+)\)/g)].map(([, path]) => path);
    const paths = [...text.matchAll(/`((?:src|test|scripts|bin|deploy|bench)\/[\w./-]*)`/g)].map(
      ([, p]) => p,
    );
    for (const path of [...links, ...paths]) {
      if (path.includes("NAME")) continue;
      const from = links.includes(path) ? new URL(name, root) : root;
      assert.ok(existsSync(new URL(path!, from)), path);
    }
  });

  test(`${name}: the npm scripts that it names exist`, () => {
    const { scripts } = JSON.parse(read("package.json"));
    for (const [, script] of read(name).matchAll(/npm run (?:-s )?([\w:-]+)/g)) {
      assert.ok(script in scripts, script);
    }
  });
}

test("ARCHITECTURE.md: its table of rooms has all of them, in the order of the house", () => {
  const text = read("ARCHITECTURE.md");
  const rooms = [...text.matchAll(/^\| `src\/([a-z0-9]+)\/` \|/gm)].map(([, room]) => room);
  assert.deepEqual(
    rooms,
    ROOMS.filter((room) => existsSync(new URL(`src/${room}/`, root))),
  );
});

test("SECURITY.md: every limit has the value of the sources", () => {
  const rows = [...read("SECURITY.md").matchAll(/^\| `(\w+)` \| ([\d,]+) \| `([^`]+)` \|/gm)];
  assert.ok(rows.length > 30, "the table was found");
  for (const [, name, value, file] of rows) {
    const pattern = new RegExp(`\\b${name}(?: =|:) ([\\d_ *]+)[;,]`);
    const [, found] = pattern.exec(read(file)) ?? assert.fail(`${name} is not in ${file}`);
    const factors = found.split("*").map((factor) => Number(factor.replaceAll("_", "").trim()));
    assert.equal(
      factors.reduce((product, factor) => product * factor, 1),
      Number(value.replaceAll(",", "")),
      `${name}: the sources say ${found}`,
    );
  }
});

test("SECURITY.md: no limit of the files that have only such is left out", () => {
  const text = read("SECURITY.md");
  const files = readdirSync(new URL("src/", root), { recursive: true, encoding: "utf8" })
    .filter((file) => /(?:^|\/)limits\.ts$/.test(file))
    .map((file) => `src/${file}`);
  assert.ok(files.length >= 5, "the files were found");
  // Bounds of our own bookkeeping, not of what a peer may do.
  const own = new Set(["WINDOW_BYTES_MAX", "RECENT_RESETS_MAX"]);
  for (const file of files) {
    for (const [, name] of read(file).matchAll(/^export const (\w+_MAX) =/gm)) {
      if (own.has(name!)) continue;
      const row = new RegExp(`^\\| \`${name}\` \\| [\\d,]+ \\| \`${file}\` \\|`, "m");
      assert.match(text, row, `${name} of ${file}`);
    }
  }
});

test("docs/deploying.md: its replicas find each other by the Service that it shows", async () => {
  const blocks = [...read("docs/deploying.md").matchAll(/```yaml\n([\s\S]*?)```/g)];
  const [deployment, container, service] = blocks.map(([, yaml]) => parse(yaml!));
  const flag = (name: string): string =>
    container.args.find((arg: string) => arg.startsWith(`--${name}=`)).split("=")[1];
  const target = parseTarget(flag("peers"));
  assert.ok(target.kind === "kubernetes");
  const { name, namespace } = service.metadata;
  assert.deepEqual([target.service, target.namespace], [name, namespace]);
  const [{ name: portName, containerPort }] = container.ports;
  assert.ok(flag("peer-listen").endsWith(`:${containerPort}`));
  const port = service.spec.ports.find(
    (one: { targetPort: string }) => one.targetPort === portName,
  );
  assert.equal(port.name, "peer");
  assert.ok(flag("peers").endsWith(`:${port.name}`));
  assert.deepEqual(service.spec.selector, deployment.spec.template.metadata.labels);
});

test("docs/deploying.md: its Deployment starts, and its probes are answered", async () => {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(read("docs/deploying.md"))!;
  const { spec } = parse(yaml!).spec.template;
  const [{ args, ports, readinessProbe, livenessProbe }] = spec.containers;
  const flag = (name: string): string =>
    args.find((arg: string) => arg.startsWith(`--${name}=`)).split("=")[1];
  const drainS = Number(flag("drain-delay")) + Number(flag("drain-timeout"));
  assert.ok(spec.terminationGracePeriodSeconds > drainS + 5);
  for (const { name, containerPort } of ports) {
    assert.ok(flag(name === "grpc" ? "listen" : "admin").endsWith(`:${containerPort}`));
  }
  assert.equal(parseTarget(flag("to")).kind, "kubernetes");
  // The same flags, on addresses of this machine and with a target that needs no cluster.
  const [verb, ...flags] = args as string[];
  assert.equal(verb, "proxy");
  const others = flags.filter((one) => !/^--(listen|admin|to)=/.test(one));
  const local = ["--listen", "127.0.0.1:0", "--admin", "0", "--to", "127.0.0.1:1"];
  const proxy = await startProxy(...local, ...others);
  assert.equal((await ask(proxy.admin, livenessProbe.httpGet.path)).status, 200);
  assert.equal((await ask(proxy.admin, readinessProbe.httpGet.path)).status, 503, "no endpoint");
  proxy.process.signal("SIGKILL");
  await proxy.process.exited;
});

test("deploy/control: the control plane starts as its Deployment says, and is reached", async (t) => {
  const [deployment, service] = parseAllDocuments(read("deploy/control/deployment.yaml")).map(
    (document) => document.toJS(),
  );
  const { metadata, spec } = deployment.spec.template;
  const [{ args, ports, readinessProbe, livenessProbe }] = spec.containers;
  const [verb, ...flags] = args as string[];
  assert.equal(verb, "control");
  const flag = (name: string): string =>
    flags.find((arg) => arg.startsWith(`--${name}=`))!.split("=")[1]!;
  assert.ok(spec.terminationGracePeriodSeconds > Number(flag("drain-timeout")) + 5);
  assert.deepEqual(service.spec.selector, metadata.labels);
  const portOf = (name: string): number =>
    ports.find((port: { name: string }) => port.name === name).containerPort;
  assert.ok(flag("listen").endsWith(`:${portOf("xds")}`));
  assert.ok(flag("admin").endsWith(`:${portOf("admin")}`));
  for (const { targetPort } of service.spec.ports) assert.ok(portOf(targetPort) > 0, targetPort);
  // As the manifests of the webhook and of injected pods name it.
  const webhook = parseAllDocuments(read("deploy/inject-webhook.yaml"))[0]!.toJS();
  const { path: _, ...asked } = webhook.webhooks[0].clientConfig.service;
  const { name, namespace } = service.metadata;
  assert.deepEqual(asked, { namespace, name, port: portOf("webhook") });
  const account = parseAllDocuments(read("deploy/control/rbac.yaml"))[0]!.toJS().metadata;
  assert.deepEqual(account, { name: spec.serviceAccountName, namespace });
  // The same flags, on addresses of this machine and with objects that need no cluster.
  const objects = mkdtempSync(join(tmpdir(), "fairlead-documents-"));
  t.after(() => rmSync(objects, { recursive: true }));
  const others = flags.filter((one) => !/^--(listen|admin)=/.test(one));
  const local = ["--listen", "127.0.0.1:0", "--admin", "0", "--objects", objects];
  const control = startProcess(FAIRLEAD, ["control", ...local, ...others]);
  await control.waitFor(/"msg":"admin"/);
  const admin = logLines(control).find(({ msg }) => msg === "admin")!.address as string;
  for (const { httpGet } of [readinessProbe, livenessProbe]) {
    const isWell = async () => (await ask(admin, httpGet.path)).status === 200;
    await until(`${httpGet.path} answers 200`, isWell);
  }
  await control.stop();
});

test("the webhook: both places have the same flags, and the control plane has them", async () => {
  const manifest = read("deploy/control/deployment.yaml");
  const commented = [...manifest.matchAll(/^ +# - (--.*)$/gm)].map(([, flag]) => `- ${flag}`);
  const listed = /^```yaml\n(- --inject\n[\s\S]*?)^```$/m.exec(read("docs/deploying.md"))![1]!;
  const flags: string[] = parse(listed);
  assert.deepEqual(parse(commented.join("\n")), flags);
  // By `--inject` alone pods had no image, and proxies that nobody told anything.
  assert.deepEqual(
    flags.map((flag) => flag.split("=")[0]),
    ["--inject", "--image", "--proxy-control"],
  );
  const [deployment, service] = parseAllDocuments(manifest).map((document) => document.toJS());
  assert.equal(flags[1], `--image=${deployment.spec.template.spec.containers[0].image}`);
  const { metadata, spec } = service;
  const place = `${metadata.name}.${metadata.namespace}:${spec.ports[0].port}`;
  assert.equal(flags[2], `--proxy-control=${place}`);
  const { stdout } = await runProcess(FAIRLEAD, ["control", "--help"]);
  for (const flag of flags) assert.ok(stdout.includes(`  ${flag.split("=")[0]} `), flag);
});

test("deploy/node.yaml: its rules and its proxy have these flags, and the same port", async () => {
  const documents = parseAllDocuments(read("deploy/node.yaml")).map((one) => one.toJS());
  const [account, binding, daemonSet] = documents;
  const { metadata, spec } = daemonSet.spec.template;
  assert.deepEqual(daemonSet.spec.selector.matchLabels, metadata.labels);
  assert.equal(spec.hostNetwork, true);
  assert.equal(spec.serviceAccountName, account.metadata.name);
  const { name, namespace } = account.metadata;
  assert.deepEqual(binding.subjects, [{ kind: "ServiceAccount", name, namespace }]);
  const role = parseAllDocuments(read("deploy/sidecar-rbac.yaml"))[0]!.toJS();
  assert.equal(binding.roleRef.name, role.metadata.name);
  const [rules] = spec.initContainers;
  const [proxy] = spec.containers;
  const port = (args: string[]) => args.find((arg) => arg.startsWith("--outbound-port="));
  assert.equal(port(rules.args), port(proxy.args));
  assert.equal(rules.args.at(-1), "--apply");
  const printed = await runProcess(FAIRLEAD, [...rules.args.slice(0, -1), "--print"]);
  assert.equal(printed.code, 0, printed.stderr);
  assert.match(printed.stdout, /10\.244\.0\.0\/16/);
  const help = await runProcess(FAIRLEAD, ["proxy", "--help"]);
  for (const arg of proxy.args.slice(1)) assert.ok(help.stdout.includes(arg.split("=")[0]), arg);
  const admin = proxy.args.find((arg: string) => arg.startsWith("--admin="));
  for (const { httpGet } of [proxy.readinessProbe, proxy.livenessProbe]) {
    assert.equal(admin, `--admin=${httpGet.host}:${httpGet.port}`);
  }
  const drain = proxy.args.find((arg: string) => arg.startsWith("--drain-timeout="));
  assert.ok(spec.terminationGracePeriodSeconds > Number(drain.split("=")[1]) + 5);
});
