/**
 * Injection of manifests: what is put in, once, for every kind of workload; and all of it taken
 * back, to the letter.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { removal } from "./edits.ts";
import { injectManifest, ManifestError, uninjectManifest } from "./manifest.ts";
import { INJECT_DEFAULTS, type InjectOptions } from "./options.ts";
import { podPlaces } from "./workloads.ts";

const OPTIONS: InjectOptions = { ...INJECT_DEFAULTS, image: "registry.example/fairlead:1" };

/** Comments, quotes, flow and block style, an anchor, and a Service between two documents. */
const DEPLOYMENT = `# who owns this
apiVersion: apps/v1
kind: Deployment
metadata:
  name: echo # the name
spec:
  replicas: 2
  selector:
    matchLabels: { app: echo }
  template:
    metadata:
      labels: { app: echo }
    spec:
      # first things first
      containers:
        - name: app
          image: "registry.example/echo:1"
          readinessProbe:
            grpc: { port: 50051 }
---
apiVersion: v1
kind: Service
metadata:
  name: echo
spec:
  ports:
    - port: 80
`;

const POD_SPEC = "{ containers: [ { name: app, image: a } ] }";

function manifestOf(kind: string): string {
  const template = `{ metadata: { labels: { a: b } }, spec: ${POD_SPEC} }`;
  const specs: Record<string, string> = {
    Pod: POD_SPEC,
    CronJob: `{ jobTemplate: { spec: { template: ${template} } } }`,
  };
  const spec = specs[kind] ?? `{ template: ${template} }`;
  return `kind: ${kind}\nmetadata: { name: x }\nspec: ${spec}\n`;
}

function notesOf(text: string, options = OPTIONS): string[] {
  return injectManifest(text, options).notes.map(({ owner, outcome, reason }) =>
    [owner, outcome, ...(reason === null ? [] : [reason])].join(" "),
  );
}

test("a Deployment gets rules and sidecar before all else, and nothing else changes", () => {
  const { text, notes } = injectManifest(DEPLOYMENT, OPTIONS);
  assert.deepEqual(
    notes.map(({ owner, outcome }) => `${owner} ${outcome}`),
    ["deployment/echo injected", "service/echo skipped"],
  );
  for (const line of DEPLOYMENT.split("\n")) assert.ok(text.includes(line), line);
  const [before] = DEPLOYMENT.split("\n---\n").map((each) => parse(each));
  const [after] = text.split("\n---\n").map((each) => parse(each));
  const { template } = after.spec;
  const [rules, proxy] = template.spec.initContainers;
  assert.equal(rules.name, "fairlead-init");
  assert.deepEqual(rules.securityContext.capabilities, {
    add: ["NET_ADMIN", "NET_RAW"],
    drop: ["ALL"],
  });
  assert.ok(rules.args.includes("--uid=15001"));
  assert.equal(proxy.name, "fairlead-proxy");
  assert.equal(proxy.restartPolicy, "Always");
  assert.equal(proxy.securityContext.runAsUser, 15_001);
  assert.equal(proxy.securityContext.runAsNonRoot, true);
  assert.ok(proxy.startupProbe.exec.command.includes("node"));
  // The app, its probes included, is as it was.
  delete template.spec.initContainers;
  delete template.metadata.annotations;
  assert.deepEqual(after, before);
});

for (const kind of [
  ...["Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"],
  ...["Job", "CronJob"],
]) {
  test(`${kind}: injected once, however often; uninjected to what it was`, () => {
    const text = manifestOf(kind);
    const once = injectManifest(text, OPTIONS);
    assert.equal(once.notes[0]!.outcome, "injected");
    const twice = injectManifest(once.text, OPTIONS);
    assert.equal(twice.text, once.text);
    assert.equal(twice.notes[0]!.reason, "injected already");
    assert.deepEqual(parse(uninjectManifest(once.text).text), parse(text));
  });
}

test("what was injected is taken back to the letter, whatever was there before", () => {
  const withAll = DEPLOYMENT.replace(
    "      labels: { app: echo }\n    spec:\n",
    '      annotations:\n        a.b/c: "1" # kept\n    spec:\n      initContainers:\n' +
      "        - name: migrate\n          image: m\n",
  );
  const indentless = DEPLOYMENT.replace(
    / {6}containers:\n[\s\S]*?---/,
    "      containers:\n      - name: app\n        image: 'b'\n---",
  ).replace("    - port: 80", "  - port: 80");
  const commented = `---\n${DEPLOYMENT}`;
  for (const text of [DEPLOYMENT, withAll, indentless, commented]) {
    const injected = injectManifest(text, OPTIONS).text;
    assert.notEqual(injected, text);
    assert.equal(uninjectManifest(injected).text, text);
  }
});

test("line ends, a mark of byte order, numbers and nulls are as they were", () => {
  const numbers = DEPLOYMENT.replace(
    "  replicas: 2",
    "  replicas: +12\n  a: [ 012, 1e3, 0x1F, 1.50 ]",
  );
  const nulls = DEPLOYMENT.replace(
    "      labels: { app: echo }\n    spec:\n",
    "      annotations: null\n    spec:\n      initContainers: null\n",
  );
  const noMetadata = "kind: Pod\nmetadata: null\nspec:\n  containers: []\n";
  const crlf = DEPLOYMENT.replaceAll("\n", "\r\n");
  for (const text of [
    numbers,
    nulls,
    noMetadata,
    crlf,
    `\ufeff${DEPLOYMENT}`,
    `\ufeff---\r\n${crlf}`,
  ]) {
    const injected = injectManifest(text, OPTIONS).text;
    assert.notEqual(injected, text);
    assert.equal(uninjectManifest(injected).text, text);
  }
  const injected = injectManifest(crlf, OPTIONS).text;
  assert.doesNotMatch(injected, /[^\r]\n/);
  assert.match(injectManifest(numbers, OPTIONS).text, /\+12\n {2}a: \[ 012, 1e3, 0x1F, 1\.50 \]/);
});

for (const [field, reason] of [
  ['containers: "x"', "its containers are no list of containers"],
  ["containers: null", "its containers are no list of containers"],
  ["containers: [ 1, null ]", "its containers are no list of containers"],
  ["containers: [], initContainers: { a: b }", "its initContainers are no list of containers"],
  ['containers: [], volumes: "x"', "its volumes are no list of volumes"],
] as const) {
  test(`a pod with ${field} is skipped`, () => {
    const text = `kind: Pod\nmetadata: { name: x }\nspec: { ${field} }\n`;
    assert.deepEqual(notesOf(text), [`pod/x skipped ${reason}`]);
  });
}

test("a pod whose annotations are no map is skipped", () => {
  const text = "kind: Pod\nmetadata: { name: x, annotations: [ a ] }\nspec: { containers: [] }\n";
  assert.deepEqual(notesOf(text), ["pod/x skipped its annotations are no map"]);
});

test("init containers of the pod come after ours, in their order", () => {
  const text = `kind: Pod
metadata: { name: x, annotations: { a: b } }
spec:
  initContainers: [{ name: one }, { name: two }]
  containers: [{ name: app }]
`;
  const { spec } = parse(injectManifest(text, OPTIONS).text);
  const names = spec.initContainers.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, ["fairlead-init", "fairlead-proxy", "one", "two"]);
});

test("other options inject anew, and leave nothing of the old", () => {
  const once = injectManifest(manifestOf("Deployment"), OPTIONS).text;
  const options = {
    ...OPTIONS,
    skipOutboundPorts: ["3306", "6000-6010"],
    control: "ads.infra:18000",
  };
  const { spec } = parse(injectManifest(once, options).text).spec.template;
  assert.equal(spec.initContainers.length, 2);
  assert.ok(spec.initContainers[0].args.includes("--skip-outbound-ports=3306,6000-6010"));
  assert.ok(spec.initContainers[1].args.includes("--control=ads.infra:18000"));
  assert.deepEqual(
    parse(uninjectManifest(injectManifest(once, options).text).text),
    parse(manifestOf("Deployment")),
  );
});

test("a List is injected item by item", () => {
  const items = ["Deployment", "Pod"].map((kind) => JSON.stringify(parse(manifestOf(kind))));
  items.push("{ kind: Service, metadata: { name: s } }");
  const text = `kind: List\nitems: [${items.join(", ")}]\n`;
  const injected = injectManifest(text, OPTIONS).text;
  assert.deepEqual(notesOf(text).sort(), [
    "deployment/x injected",
    "pod/x injected",
    "service/s skipped",
  ]);
  assert.deepEqual(parse(uninjectManifest(injected).text), parse(text));
});

test("a pod that cannot or must not be captured is skipped, and says why", () => {
  const pod = (more: string) => `kind: Pod\nmetadata: { name: x ${more}\n`;
  const spec = "containers: [{ name: app }]";
  const cases = [
    [`} \nspec: { hostNetwork: true, ${spec} }`, /hostNetwork: rules would capture the whole node/],
    [
      `, annotations: { fairlead.dev/inject: disabled } }\nspec: { ${spec} }`,
      /annotation fairlead.dev\/inject: disabled/,
    ],
    [
      `}\nspec: { securityContext: { runAsUser: 15001 }, ${spec} }`,
      /it runs as user 15001, which is the proxy's own/,
    ],
    ["}\nspec: { containers: [{ name: fairlead-proxy }] }", /a container .* of its own/],
    ["}", /it has no spec/],
  ] as const;
  for (const [more, reason] of cases) {
    const text = pod(more);
    assert.match(notesOf(text)[0]!, reason);
    assert.equal(injectManifest(text, OPTIONS).text, text, "to the letter");
  }
});

test("what is not YAML is told with its place, and nothing is written", () => {
  assert.throws(
    () => injectManifest("kind: Pod\n---\na: [1\n", OPTIONS),
    (error: Error) => {
      assert.ok(error instanceof ManifestError);
      assert.match(error.message, /^document 2 is not YAML: .*line 4/);
      return true;
    },
  );
});

test("names that nobody has checked are printable where people read them", () => {
  const kinds = ["Pod", "Other\u001b[2J"].map((kind) => {
    const name = "a\u001b]0;title\u0007\u009b31m";
    return `${JSON.stringify({ kind, metadata: { name } })}\n`;
  });
  const { notes } = injectManifest(kinds.join("---\n"), INJECT_DEFAULTS);
  assert.deepEqual(
    notes.map(({ owner }) => owner),
    ["pod/a?]0;title??31m", "other?[2j/a?]0;title??31m"],
  );
});

test("what is nested too deep, and aliases that multiply, are told in words of our own", () => {
  const deep = `kind: Pod\nx: ${"[".repeat(8_000)}${"]".repeat(8_000)}\n`;
  assert.throws(() => injectManifest(deep, INJECT_DEFAULTS), {
    name: "ManifestError",
    message: "document 1: lists and objects are nested too deep to be read",
  });
  const levels = Array.from({ length: 9 }, (_, i) => {
    const inner =
      i === 0
        ? "x"
        : Array(9)
            .fill(`*a${i - 1}`)
            .join(", ");
    return `a${i}: &a${i} [${inner}]`;
  });
  assert.throws(() => injectManifest(`kind: Pod\n${levels.join("\n")}\n`, INJECT_DEFAULTS), {
    name: "ManifestError",
    message: "document 1: aliases multiply to more than 100",
  });
});

test("what is no object, and an empty stream, is given back as it is", () => {
  for (const text of [
    "",
    "# nothing\n",
    "a\n",
    "- 1\n",
    "kind: Pod\n",
    "kind: List\nitems: [1, null]\n",
  ]) {
    assert.equal(injectManifest(text, OPTIONS).text, text);
  }
});

test("a status that somebody changed is none: nothing is taken away by mistake", () => {
  for (const status of ["", "x", "{}", "[]", "null", '{"hash":1,"made":[]}']) {
    const pod = {
      metadata: { annotations: { "fairlead.dev/status": status } },
      spec: { containers: [] },
    };
    assert.deepEqual(removal(pod, []), { kind: "skipped", reason: "not injected" });
  }
});

test("TLS to the control plane: files of the pod's own namespace, and all of it taken back", () => {
  const control = "fairlead-control.fairlead:18000";
  const controlTls = {
    ca: { kind: "configmap", name: "mesh-ca" },
    certSecret: "echo-tls",
  } as const;
  const options: InjectOptions = { ...OPTIONS, control, controlTls };
  const own = "      volumes:\n        - name: data\n          emptyDir: {}\n";
  for (const volumes of ["", own]) {
    const manifest = DEPLOYMENT.replace("---\n", `${volumes}---\n`);
    const { text } = injectManifest(manifest, options);
    const { spec } = parse(text.split("\n---\n")[0]!).spec.template;
    const path = "/var/run/fairlead/control-tls";
    const flags = ["ca=ca.crt", "cert=tls.crt", "key=tls.key"];
    for (const flag of flags) {
      const [name, file] = flag.split("=");
      assert.ok(spec.initContainers[1].args.includes(`--control-${name}=${path}/${file}`), flag);
    }
    const mount = { name: "fairlead-control-tls", mountPath: path, readOnly: true };
    assert.deepEqual(spec.initContainers[1].volumeMounts, [mount]);
    const [ca, cert] = spec.volumes.at(-1).projected.sources;
    assert.equal(ca.configMap.name, "mesh-ca");
    assert.equal(cert.secret.name, "echo-tls");
    assert.equal(spec.volumes.length, volumes === "" ? 1 : 2);
    assert.equal(uninjectManifest(text).text, manifest);
    // With other options anew: nothing is there twice, nothing is left over.
    const other = { ...options, controlTls: { ...controlTls, certSecret: null } };
    const again = injectManifest(text, other).text;
    const sources = parse(again.split("\n---\n")[0]!).spec.template.spec.volumes.at(-1).projected;
    assert.deepEqual(sources.sources.length, 1);
    assert.equal(uninjectManifest(again).text, manifest);
  }
});

test("an object whose kind and name are no texts is named all the same", () => {
  const noText = { toString: 1, valueOf: 1 };
  const object = { kind: noText, metadata: { name: noText, generateName: 7 } };
  assert.deepEqual(podPlaces(object), { pods: [], others: ["object/7"] });
});
