/**
 * Manifests with anchors, aliases and merge keys: what is injected is what they stand for, and only
 * there.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { ALIASES_MAX, injectManifest, ManifestError, uninjectManifest } from "./manifest.ts";
import { INJECT_DEFAULTS } from "./options.ts";

interface PodLike {
  readonly metadata?: { readonly annotations?: Record<string, string> };
  readonly spec: Record<"containers" | "initContainers", { readonly name: string }[] | undefined>;
}

const inject = (text: string) => injectManifest(text, INJECT_DEFAULTS).text;
const read = <T>(text: string): T => parse(text, { merge: true }) as T;
const names = (list: readonly { readonly name: string }[] | undefined) =>
  list?.map(({ name }) => name);

/** Injected and taken back, the text means what it meant. */
function assertTakenBack(text: string): void {
  const back = uninjectManifest(inject(text)).text;
  assert.deepEqual(read(back), read(text));
}

test("a spec that is merged keeps its init containers", () => {
  const text = `kind: Pod
x: &s { initContainers: [ { name: migrate } ], containers: [ { name: app } ] }
spec: { <<: *s, containers: [ { name: own } ] }
`;
  const pod = read<PodLike & { x: PodLike["spec"] }>(inject(text));
  assert.deepEqual(names(pod.spec.initContainers)?.slice(-1), ["migrate"]);
  assert.equal(pod.spec.initContainers?.length, 3);
  assert.deepEqual(names(pod.spec.containers), ["own"]);
  assert.deepEqual(names(pod.x.initContainers), ["migrate"]);
  assertTakenBack(text);
});

test("of maps that are merged the first wins, and the map itself before them", () => {
  const text = `kind: Pod
x: [ &a { r: 1, s: 1 }, &b { s: 2, t: 2, u: 2 } ]
spec: { <<: [ *a, *b ], u: 3, containers: [] }
`;
  const { spec } = read<{ spec: Record<string, unknown> }>(inject(text));
  const { r, s, t, u } = spec;
  assert.deepEqual({ r, s, t, u }, { r: 1, s: 1, t: 2, u: 3 });
  assertTakenBack(text);
});

test("a list that two names share is changed under one of them", () => {
  const text = `kind: Pod
spec:
  initContainers: &shared [ { name: both } ]
  containers: *shared
`;
  const { spec } = read<PodLike>(inject(text));
  assert.deepEqual(names(spec.containers), ["both"]);
  assert.equal(spec.initContainers?.length, 3);
  assertTakenBack(text);
});

test("annotations that something else shares are changed in the pod alone", () => {
  const text = `kind: List
items:
  - { kind: ConfigMap, metadata: { name: c, annotations: &a { k: v } } }
  - { kind: Pod, metadata: { annotations: *a }, spec: { containers: [ { name: app } ] } }
`;
  const { items } = read<{ items: PodLike[] }>(inject(text));
  assert.deepEqual(items[0]!.metadata!.annotations, { k: "v" });
  assert.deepEqual(Object.keys(items[1]!.metadata!.annotations!), ["k", "fairlead.dev/status"]);
  assertTakenBack(text);
});

for (const [name, text] of [
  ["metadata", "metadata: &m { name: x }\nspec: { template: { metadata: *m, spec: SPEC } }"],
  ["template", "x: &t { spec: SPEC }\nspec: { template: *t }"],
  ["spec", "x: &s SPEC\nspec: { template: { spec: *s } }"],
] as const) {
  test(`an alias for the ${name} is written out`, () => {
    const whole = `kind: Deployment\n${text.replace("SPEC", "{ containers: [ { name: a } ] }")}\n`;
    const { spec, x } = read<{ spec: { template: PodLike }; x?: object }>(inject(whole));
    assert.equal(spec.template.spec.initContainers?.length, 2);
    assert.deepEqual(x, read<{ x?: object }>(whole).x);
    assertTakenBack(whole);
  });
}

test("anchors that no edit touches stay", () => {
  const text = `kind: Pod
spec: { containers: [ { name: a, env: &e [ { name: K } ] }, { name: b, env: *e } ] }
`;
  assert.match(inject(text), /env: &e .*env: \*e/s);
  assertTakenBack(text);
});

test("ALIASES_MAX: aliases that multiply, or are endless, are refused in one sentence", () => {
  const rows = Array.from({ length: 9 }, (_, i) => {
    const items =
      i === 0
        ? "lol"
        : Array(10)
            .fill(`*a${i - 1}`)
            .join(", ");
    return `a${i}: &a${i} [ ${items} ]`;
  });
  const bomb = `a: 1\n---\nkind: Pod\n${rows.join("\n")}\n`;
  const many = Array(ALIASES_MAX + 1)
    .fill("*x")
    .join(", ");
  for (const [text, reason] of [
    [bomb, /^document 2: aliases multiply to more than 100$/],
    [`x: &x [ 1 ]\ny: [ ${many} ]\n`, /^document 1: aliases multiply to more than 100$/],
    ["kind: List\nitems: &i [ *i, *i ]\n", /^document 1: an alias is a part of what it/],
    ["kind: Pod\nspec: { <<: 3 }\n", /^document 1: Merge sources must be maps/],
  ] as const) {
    for (const rewrite of [inject, uninjectManifest]) {
      assert.throws(
        () => rewrite(text),
        (error: Error) => {
          assert.ok(error instanceof ManifestError);
          assert.match(error.message, reason);
          return true;
        },
      );
    }
  }
});
