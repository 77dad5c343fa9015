/**
 * Manifests as people write them, injected and taken back: to the letter. Whoever injects what is
 * kept in git must find in the difference what was injected, and nothing else.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Document, isCollection, isScalar, parseAllDocuments, visit } from "yaml";
import { type Rng, seededRng } from "../../base/index.ts";
import { injectManifest, uninjectManifest } from "./manifest.ts";
import { INJECT_DEFAULTS, type InjectOptions } from "./options.ts";

const OPTIONS: InjectOptions = { ...INJECT_DEFAULTS, image: "registry.example/fairlead:1" };
/** With a volume too. */
const WITH_TLS: InjectOptions = {
  ...OPTIONS,
  control: "ads.infra:18000",
  controlTls: { ca: { kind: "configmap", name: "ca" }, certSecret: "cert" },
};

const CORPUS: Readonly<Record<string, string>> = {
  "flow style of several spacings": `kind: Pod
metadata: {name: x, labels: { a: b,c: d }}
spec:
  containers: [{ name: app, ports: [{containerPort: 1}, { containerPort: 2 } ] }]
  tolerations: [ {key: a}, { key: b } ]
`,
  "a pod on one line": "{kind: Pod, metadata: { name: x }, spec: {containers: [{ name: app }] }}\n",
  "lists of flow with init containers and volumes": `kind: Pod
metadata: { name: x, annotations: {} }
spec: { initContainers: [{ name: one }, {name: two}], volumes: [ { name: v } ],
  containers: [{ name: app }], }
`,
  "empty lists, wide and narrow": `kind: Pod
metadata: { name: x, annotations: { } }
spec:
  initContainers: []
  volumes: [ ]
  containers: [{ name: app }]
`,
  "comments everywhere": `# head

# of the first
kind: Pod # here
metadata:
  # above
  name: x

  # below
spec:
  initContainers:
    # migrate first
    - name: migrate   # wide

    # then this
    - name: other
  # between
  containers:
    - name: app
      # the last of it
# the end
`,
  "lists that are not indented": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: x
spec:
  template:
    spec:
      initContainers:
      - name: one
        args: ['-c', "x"]
      containers:
      - {name: app}
      volumes:
      -   name: v
          emptyDir: {}
`,
  "text in blocks": `kind: Pod
metadata:
  annotations:
    a: |+
      first

      last

    b: >-
      folded
      text
spec:
  containers:
    - name: app
      args:
        - |
          echo '# no comment'
          - nor an item
`,
  "anchors off the way": `kind: Pod
metadata: { name: x }
spec:
  containers:
    - name: app
      env: &env [{ name: A, value: &v "1" }]
    - name: side
      env: *env
`,
  "several documents, marks and an end": `---
# one
kind: Pod
metadata: {name: a}
spec: {containers: [{ name: app }]}
...
---
kind: ConfigMap
data: { a: [{ b: 1 },{c: 2}] }
--- # three
kind: Pod
spec:
  containers: [ ]
---
`,
  nulls: `kind: Pod
metadata: null # nothing
spec:
  initContainers: null
  volumes: null # none
  containers: [{ name: app }]
`,
  "no line end at the end": "kind: Pod\nspec:\n  containers:\n    - name: app",
  JSON: JSON.stringify({
    kind: "Pod",
    metadata: { name: "x" },
    spec: { containers: [{ name: "a" }] },
  }),
  "JSON on many lines": `${JSON.stringify(
    {
      kind: "List",
      items: [
        { kind: "Pod", metadata: { name: "x", annotations: { a: "b" } }, spec: { containers: [] } },
        { kind: "Service", spec: { ports: [{ port: 1 }] } },
      ],
    },
    null,
    4,
  )}\n`,
  "a List in blocks": `kind: List
items:
- kind: Pod
  metadata: { name: one }
  spec:
    containers: [{ name: a }]
- spec: { containers: [{name: b}] }
  kind: Pod
`,
};

/** Of this repository: what its users copy. */
function ownManifests(): Readonly<Record<string, string>> {
  const root = join(import.meta.dirname, "../../..");
  const found = ["deploy", "examples"].flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.ya?ml$/.test(name) && !name.includes("node_modules"))
      .map((name) => join(directory, name)),
  );
  return Object.fromEntries(found.map((name) => [name, readFileSync(join(root, name), "utf8")]));
}

/** Whether all of `text` is left in `whole`, in its order. */
function isLeftIn(whole: string, text: string): boolean {
  let at = 0;
  for (const char of whole) if (char === text[at]) at += 1;
  return at === text.length;
}

function valuesOf(text: string): unknown[] {
  const documents = parseAllDocuments(text, { merge: true });
  return Array.isArray(documents) ? documents.map((each) => each.toJS()) : [];
}

/** Without what is injected. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) {
    const isOurs = (each: { name?: unknown } | null) =>
      /^fairlead-(init|proxy|control-tls)$/.test(String(each?.name));
    return value.filter((each) => !isOurs(each)).map(bare);
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "fairlead.dev/status");
  return Object.fromEntries(entries.map(([key, inner]) => [key, bare(inner)]));
}

/** What is made by injecting becomes empty without it: as good as not there. */
function pruned(value: unknown): unknown {
  return JSON.parse(JSON.stringify(bare(value)), (key, inner) => {
    const isHolder = ["metadata", "annotations", "initContainers", "volumes"].includes(key);
    const isEmpty =
      inner === null || (typeof inner === "object" && Object.keys(inner).length === 0);
    return isHolder && isEmpty ? undefined : inner;
  });
}

function check(name: string, text: string, options: InjectOptions): void {
  const { text: injected, notes } = injectManifest(text, options);
  if (!notes.some(({ outcome }) => outcome === "injected")) {
    assert.equal(injected, text, `${name}: nothing to inject`);
    return;
  }
  assert.notEqual(injected, text);
  const nulls = /: (null|~)/.test(text);
  assert.ok(nulls || isLeftIn(injected, text), `${name}: something is lost\n${injected}`);
  assert.deepEqual(valuesOf(injected).map(pruned), valuesOf(text).map(pruned), name);
  assert.equal(injectManifest(injected, options).text, injected, `${name}: once`);
  assert.equal(uninjectManifest(injected).text, text, `${name}: taken back\n${injected}`);
}

for (const [name, text] of Object.entries({ ...CORPUS, ...ownManifests() })) {
  test(`to the letter: ${name}`, () => {
    for (const options of [OPTIONS, WITH_TLS]) {
      check(name, text, options);
      if (!text.includes("\r")) check(name, text.replaceAll("\n", "\r\n"), options);
    }
  });
}

test("with other options anew, and taken back to the letter all the same", () => {
  for (const [name, text] of Object.entries(CORPUS)) {
    const once = injectManifest(text, WITH_TLS).text;
    const again = injectManifest(once, OPTIONS).text;
    assert.notEqual(again, once, name);
    assert.equal(uninjectManifest(again).text, text, `${name}\n${again}`);
  }
});

test("JSON stays JSON", () => {
  for (const name of ["JSON", "JSON on many lines"]) {
    const { text } = injectManifest(CORPUS[name]!, WITH_TLS);
    assert.equal(typeof JSON.parse(text), "object");
    assert.equal(text.endsWith("\n"), CORPUS[name]!.endsWith("\n"));
  }
});

test("a document with an alias on the way is printed, and its neighbours are not", () => {
  const neighbour = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{ name: app }]}\n";
  const shared = "---\nkind: Pod\nmetadata: &m { name: b }\nx: *m\nspec: { containers: [ ] }\n";
  const whole = [neighbour, shared, "---\n", neighbour].join("");
  const { text } = injectManifest(whole, OPTIONS);
  assert.match(text, /\nmetadata: \{name: a, annotations: /);
  const back = uninjectManifest(text).text;
  assert.ok(back.startsWith(neighbour) && back.endsWith(`---\n${neighbour}`), back);
  assert.deepEqual(valuesOf(back), valuesOf(whole));
});

/** A manifest in a style made up of all that the printer can do. */
function madeUp(rng: Rng): string {
  const maybe = <T>(value: T): T | undefined => (rng.int(2) === 0 ? value : undefined);
  const names = (prefix: string) =>
    Array.from({ length: rng.int(3) }, (_, i) => ({ name: `${prefix}${i}`, list: ["a", "b: c"] }));
  const pod = () => ({
    metadata: maybe({ name: "x", annotations: maybe({ a: "1" }), labels: maybe({ b: "c" }) }),
    spec: {
      ...(rng.int(2) === 0 && { initContainers: names("init") }),
      containers: [{ name: "app", text: "one\ntwo\n" }, ...names("more")],
      ...(rng.int(2) === 0 && { volumes: names("volume") }),
      restartPolicy: maybe("Always"),
    },
  });
  const texts = Array.from({ length: 1 + rng.int(2) }, () => {
    const isPod = rng.int(2) === 0;
    const object = isPod ? { kind: "Pod", ...pod() } : { kind: "Job", spec: { template: pod() } };
    const document = new Document(JSON.parse(JSON.stringify(object)));
    decorate(document, rng);
    const padding = rng.int(2) === 0;
    return document.toString({
      ...{ lineWidth: 0, indentSeq: rng.int(2) === 0, flowCollectionPadding: padding },
      indent: 2 + rng.int(3),
    });
  });
  const whole = texts.join("---\n");
  return rng.int(3) === 0 ? whole.replaceAll("\n", "\r\n") : whole;
}

function decorate(document: Document, rng: Rng): void {
  let count = 0;
  visit(document, {
    Node: (key, node) => {
      if (isCollection(node)) node.flow = rng.int(6) === 0;
      if (isScalar(node) && rng.int(5) === 0) node.type = "QUOTE_DOUBLE";
      if (key === "key" && isScalar(node) && rng.int(6) === 0) {
        node.commentBefore = ` comment ${(count += 1)}`;
      }
      if (key === "value" && isScalar(node) && rng.int(8) === 0) node.comment = ` c${(count += 1)}`;
    },
  });
}

test("manifests of made-up styles are injected and taken back to the letter", () => {
  const seed = 7;
  const rng = seededRng(seed);
  let count = 0;
  while (count < 150) {
    const text = madeUp(rng);
    // The printer puts a comment where none may be, now and then.
    if (parseAllDocuments(text).some(({ errors }) => errors.length > 0)) continue;
    count += 1;
    check(`seed ${seed}, manifest ${count}`, text, count % 2 === 0 ? OPTIONS : WITH_TLS);
  }
});
