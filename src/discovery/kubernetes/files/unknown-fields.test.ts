/** Tests of fields that a kind does not have, and of kinds that nobody reads: what is told. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { requirePeer } from "../../../../test/peers/find.ts";
import { KINDS, type KindName } from "../objects.ts";
import { type FieldNames, fieldNamesOf } from "./field-names.ts";
import { likelyKind, UNKNOWN_FIELDS_MAX, unknownFieldsOf } from "./unknown-fields.ts";

/** A CRD, as far as it matters here. */
interface Definition {
  readonly spec: { readonly versions: readonly { readonly schema: { openAPIV3Schema: Schema } }[] };
}

/** What it says of a field. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

const IGNORED = "is no field that there is, and is ignored";

test("what is like a field is told as that one, and what may say anything is not looked into", () => {
  const match = { method: { servce: "a.B" }, header: [], headers: [{ nme: "x" }] };
  const labels = { nmae: "x" };
  const route = {
    metadata: { name: "a", labels, anotations: {} },
    spec: { parentRef: [], hostname: "a", rules: [{ matches: [{}, match] }], xyzzy: 1 },
    status: { xyzzy: 1 },
  };
  assert.deepEqual(
    unknownFieldsOf("GRPCRoute", route).map(({ reason }) => reason),
    [
      `metadata.anotations ${IGNORED}: did you mean annotations?`,
      `spec.parentRef ${IGNORED}: did you mean parentRefs?`,
      `spec.hostname ${IGNORED}: did you mean hostnames?`,
      `spec.rules[0].matches[1].method.servce ${IGNORED}: did you mean service?`,
      `spec.rules[0].matches[1].header ${IGNORED}: did you mean headers?`,
      `spec.rules[0].matches[1].headers[0].nme ${IGNORED}: did you mean name?`,
      `spec.xyzzy ${IGNORED}`,
    ],
  );
  const secret = { data: { "tls.kay": "x" }, tpye: "kubernetes.io/tls" };
  assert.deepEqual(
    unknownFieldsOf("Secret", secret).map(({ path }) => path),
    ["tpye"],
  );
});

test("of an object with many a few are told, and a name without end is cut", () => {
  const spec = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field${i}`, 1]));
  assert.equal(unknownFieldsOf("Service", { spec }).length, UNKNOWN_FIELDS_MAX);
  const [long] = unknownFieldsOf("Service", { ["x".repeat(100_000)]: 1 });
  assert.ok(long!.reason.length < 200, long!.reason);
  for (const value of [null, 7, "x", [[]], { spec: [7, null] }, { spec: "x" }]) {
    assert.deepEqual(unknownFieldsOf("Service", value), []);
  }
  assert.equal(unknownFieldsOf("Service", JSON.parse('{"__proto__": 1}')).length, 1);
});

test("a kind that is like one that is read is told as that one, in its group", () => {
  const group = "gateway.networking.k8s.io";
  assert.equal(likelyKind("GrpcRoute", `${group}/v1`), "GRPCRoute");
  assert.equal(likelyKind("Services", undefined), "Service");
  assert.equal(likelyKind("EndpointSlices", "discovery.k8s.io/v1"), "EndpointSlice");
  assert.equal(likelyKind("Service", "serving.knative.dev/v1"), null, "another group's own");
  assert.equal(likelyKind("Device", "example.com/v1"), null);
  for (const kind of ["HTTPRoute", "TLSRoute", "TCPRoute", "Role", "Pod", "ServiceAccount"]) {
    assert.equal(likelyKind(kind, undefined), null, kind);
  }
});

test("every field of the Gateway API's CRDs is known", (t) => {
  const found = requirePeer(t, "gateway-api");
  if (found === null) return;
  const lacking = (schema: Schema, names: FieldNames | null, path: string): string[] => {
    if (names === null) return [];
    if (schema.items !== undefined) return lacking(schema.items, names, path);
    return Object.entries(schema.properties ?? {}).flatMap(([field, inner]) => {
      const at = `${path}.${field}`;
      return Object.hasOwn(names, field) ? lacking(inner, names[field]!, at) : [at];
    });
  };
  for (const kind of ["GatewayClass", "Gateway", "GRPCRoute", "ReferenceGrant"] as KindName[]) {
    const file = `gateway.networking.k8s.io_${KINDS[kind].plural}.yaml`;
    const definition: Definition = parse(readFileSync(join(dirname(found), file), "utf8"));
    for (const { schema } of definition.spec.versions) {
      assert.deepEqual(lacking(schema.openAPIV3Schema, fieldNamesOf(kind), kind), []);
    }
  }
});
