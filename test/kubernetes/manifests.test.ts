/**
 * The manifests of `deploy/`, of the examples and of docs/deploying.md: a real kube-apiserver takes
 * them with every field, their pods may start and have time to drain, and the rights of the example
 * of a Gateway are enough for its proxy.
 *
 * What a kubelet does is not run here: of that only what it is known to refuse is looked for.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { FAIRLEAD, logLines, until } from "../cli/harness.ts";
import { rootDir } from "../peers/paths.ts";
import { runProcess } from "../peers/processes.ts";
import type { Json } from "./api.ts";
import { type RealCluster, startRealCluster } from "./real.ts";

/** A document of a manifest; `file` is where it stands. */
interface Manifest {
  readonly file: string;
  readonly object: Json & { kind: string; apiVersion: string };
  readonly name: string;
  /** Null: it belongs to none. */
  readonly namespace: string | null;
}

type Container = {
  name: string;
  image: string;
  args?: string[];
  ports?: { name: string }[];
  securityContext?: Json;
};
type PodSpec = Json & {
  containers: Container[];
  initContainers?: Container[];
  terminationGracePeriodSeconds?: number;
};

const CLUSTER_WIDE = [
  ...["Namespace", "ClusterRole", "ClusterRoleBinding", "GatewayClass"],
  "MutatingWebhookConfiguration",
];

const FOLDERS = [
  ...["deploy", "deploy/control"],
  ...readdirSync(join(rootDir, "examples")).map((name) => `examples/${name}`),
].filter((folder) => !folder.endsWith(".md"));

const MANIFESTS = [
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(rootDir, folder))
      .filter((name) => name.endsWith(".yaml"))
      .flatMap((name) => manifestsOf(`${folder}/${name}`, read(`${folder}/${name}`))),
  ),
  ...[...read("docs/deploying.md").matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].flatMap(([, yaml]) =>
    manifestsOf("docs/deploying.md", yaml!),
  ),
];

function read(path: string): string {
  return readFileSync(join(rootDir, path), "utf8");
}

function manifestsOf(file: string, text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest["object"])
    .filter((object) => object.kind !== undefined) // the document shows parts, too
    .map((object) => {
      const { name, namespace = "" } = object.metadata as { name: string; namespace?: string };
      if (CLUSTER_WIDE.includes(object.kind)) return { file, object, name, namespace: null };
      // Who names none goes where kubectl says: one for each example here.
      return { file, object, name, namespace: namespace || basename(dirname(file)) };
    });
}

/** What owns pods has a template. */
function specOf({ object }: Manifest): { template: { metadata: Json; spec: PodSpec } } {
  return (object.spec ?? {}) as { template: { metadata: Json; spec: PodSpec } };
}

/** Pods of Deployments and DaemonSets. */
function podsOf(): { readonly of: string; readonly spec: PodSpec }[] {
  return MANIFESTS.filter(({ object }) => /^(Deployment|DaemonSet|Job)$/.test(object.kind)).map(
    (each) => {
      const { file, object, name } = each;
      return { of: `${file}: ${object.kind} ${name}`, spec: specOf(each).template.spec };
    },
  );
}

test("manifests: who must not be root is told by a number", () => {
  // The images' USER may be a name, and then a kubelet refuses runAsNonRoot without runAsUser.
  let count = 0;
  for (const { of, spec } of podsOf()) {
    for (const { name, securityContext } of [...spec.containers, ...(spec.initContainers ?? [])]) {
      if (securityContext?.runAsNonRoot !== true) continue;
      count += 1;
      assert.ok(Number(securityContext.runAsUser) > 0, `${of}: ${name} has no runAsUser`);
    }
  }
  assert.ok(count >= 3, "some were found");
});

test("manifests: flags are those of the verb, and a pod's end has time for its drain", async () => {
  const helps = new Map<string, string>();
  for (const { of, spec } of podsOf()) {
    for (const { args = [], image } of spec.containers) {
      if (!image.startsWith("registry.example/fairlead:")) continue;
      const [verb, ...flags] = args;
      if (!helps.has(verb!)) {
        helps.set(verb!, (await runProcess(FAIRLEAD, [verb!, "--help"])).stdout);
      }
      for (const flag of flags.map((each) => each.split("=")[0]!)) {
        assert.match(helps.get(verb!)!, new RegExp(`^ +${flag} `, "m"), `${of}: ${flag}`);
      }
      const seconds = (flag: string, otherwise: number): number => {
        const given = flags.find((each) => each.startsWith(`--${flag}=`));
        return given === undefined ? otherwise : Number(given.split("=")[1]);
      };
      const drainS = seconds("drain-delay", 0) + seconds("drain-timeout", 30);
      const graceS = spec.terminationGracePeriodSeconds ?? 30;
      assert.ok(graceS > drainS + 5, `${of}: ${graceS} s are too few for a drain of ${drainS} s`);
    }
  }
  assert.deepEqual([...helps.keys()].sort(), ["control", "proxy"]);
});

test("manifests: policies are of pods that there are, and of their ports", () => {
  const policies = MANIFESTS.filter(({ object }) =>
    /^(NetworkPolicy|PodDisruptionBudget)$/.test(object.kind),
  );
  assert.ok(policies.length >= 4, "some were found");
  for (const { file, object, name, namespace } of policies) {
    const of = `${file}: ${object.kind} ${name}`;
    const {
      podSelector,
      selector,
      ingress = [],
    } = object.spec as {
      podSelector?: unknown;
      selector?: unknown;
      ingress?: { ports: { port: string | number }[] }[];
    };
    const owner = MANIFESTS.find(
      (each) => each.namespace === namespace && each.name === name && "template" in specOf(each),
    );
    assert.ok(owner !== undefined, `${of}: there are no such pods`);
    const { matchLabels } = (podSelector ?? selector) as { matchLabels: unknown };
    const { metadata, spec } = specOf(owner).template;
    assert.deepEqual(matchLabels, metadata.labels, of);
    const names = spec.containers.flatMap(({ ports = [] }) => ports.map((port) => port.name));
    for (const { port } of ingress.flatMap(({ ports }) => ports)) {
      // One by its number is of a part that the document shows elsewhere.
      assert.ok(typeof port === "number" || names.includes(port), `${of}: no port ${port}`);
    }
  }
});

/** Where objects of this kind are made. */
function pathOf({ object, namespace }: Manifest): string {
  const { kind, apiVersion } = object;
  const one = kind.toLowerCase();
  const many = one.endsWith("cy") ? `${one.slice(0, -1)}ies` : `${one}s`;
  const plural = one.endsWith("s") ? `${one}es` : many;
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${group}${namespace === null ? "" : `/namespaces/${namespace}`}/${plural}`;
}

/** Makes what the manifests say; the ServiceAccount of the edge is made already. */
async function applyAll(cluster: RealCluster): Promise<void> {
  const made = new Map<string, Manifest>();
  for (const manifest of MANIFESTS) {
    const path = pathOf(manifest);
    const { object, name, file } = manifest;
    const key = `${path}/${name}`;
    const twin = made.get(key);
    if (twin !== undefined) {
      assert.deepEqual(object, twin.object, `${file} and ${twin.file} differ in ${name}`);
      continue;
    }
    made.set(key, manifest);
    if (object.kind === "ServiceAccount" && name === "edge") continue;
    const post = cluster.api.post(`${path}?fieldValidation=Strict`, object);
    await assert.doesNotReject(post, `${file}: ${object.kind} ${name}`);
  }
}

/** A Secret with a certificate, as the example's README has it made. */
async function makeCertificate(cluster: RealCluster, directory: string): Promise<void> {
  const [key, crt] = [join(directory, "edge.key"), join(directory, "edge.crt")];
  const args = [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key],
    ...["-out", crt, "-subj", "/CN=echo.example.com"],
    ...["-addext", "subjectAltName=DNS:echo.example.com"],
  ];
  execFileSync("openssl", args, { stdio: "ignore" });
  const stringData = { "tls.crt": readFileSync(crt, "utf8"), "tls.key": readFileSync(key, "utf8") };
  await cluster.api.post("/api/v1/namespaces/prod/secrets", {
    ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "edge-tls" } },
    ...{ type: "kubernetes.io/tls", stringData },
  });
}

/** The example's proxy, by its flags and its rights; they are enough when it misses nothing. */
async function serves(t: TestContext, cluster: RealCluster, kubeconfig: string): Promise<void> {
  const { spec } = podsOf().find(
    ({ of }) => of === "examples/gateway/proxy.yaml: Deployment edge",
  )!;
  const [{ args }] = spec.containers as [{ args: string[] } & Container];
  const proxy = cluster.launch(process.execPath, [
    ...[join(rootDir, "src/cli/main.ts"), ...args, "--kubeconfig", kubeconfig],
    ...["--node", "node-0"],
  ]);
  t.after(() => proxy.stop());
  await proxy.waitFor(/"msg":"listening"/);
  const logged = (text: string) => logLines(proxy).some(({ msg }) => msg === text);
  await until("both Services are known", () => {
    const known = logLines(proxy).filter(({ msg }) => msg === "configuration");
    return known.some(({ clusters, listeners }) => clusters === 2 && listeners === 1);
  });
  // Each Service of a route asks for the Node: when it is refused, a warning comes at once.
  await until("it has asked for the endpoints", () => /has no endpoints/.test(proxy.stderr));
  assert.equal(logged("our zone is not known"), false, proxy.stderr);
  assert.doesNotMatch(proxy.stderr, /forbidden/);
}

test("manifests: kube-apiserver takes them all, and the edge has the rights it needs", async (t) => {
  const cluster = await startRealCluster(t);
  if (cluster === null) return;
  try {
    if (!(await cluster.installGatewayApi(t))) return;
    await cluster.node("node-0", "zone-0");
    const named = MANIFESTS.flatMap(({ namespace }) => namespace ?? []).filter(
      (name) => name !== "default" && name !== "prod",
    );
    for (const name of new Set(named)) await cluster.namespace(name);
    const account = await cluster.account(await cluster.namespace("prod"), "edge");
    await applyAll(cluster);
    await makeCertificate(cluster, join(account.kubeconfig, ".."));
    await serves(t, cluster, account.kubeconfig);
  } finally {
    await cluster.close();
  }
});
