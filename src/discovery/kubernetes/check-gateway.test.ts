/** Tests of the checks of Gateway API objects, Namespaces and Secrets. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import "reflect-metadata"; // what @peculiar/x509 needs first
import { X509CertificateGenerator } from "@peculiar/x509";
import { checkObject } from "./check.ts";
import {
  CERTIFICATE_REFS_MAX,
  GATEWAY_ADDRESSES_MAX,
  GATEWAY_LISTENERS_MAX,
  GRANT_ENTRIES_MAX,
  ROUTE_KINDS_MAX,
  SELECTOR_ENTRIES_MAX,
} from "./check-gateway.ts";
import { HEADER_VALUE_CHARS_MAX } from "./check-gateway-parts.ts";
import { FILTERS_MAX, MODIFIED_HEADERS_MAX } from "./check-grpc-filter.ts";
import {
  BACKEND_REFS_MAX,
  HEADER_MATCHES_MAX,
  HOSTNAMES_MAX,
  METHOD_CHARS_MAX,
  PARENT_REFS_MAX,
  ROUTE_MATCHES_MAX,
  RULE_MATCHES_MAX,
  RULES_MAX,
  WEIGHT_MAX,
} from "./check-grpc-route.ts";
import { SECRET_BYTES_MAX } from "./check-secret.ts";
import type { KindName, ObjectOfKind } from "./objects.ts";

const metadata = { name: "echo", namespace: "prod" };

function objectOf<K extends KindName>(kind: K, value: object): ObjectOfKind[K] {
  const checked = checkObject(kind, { metadata, ...value });
  assert.equal(checked.problem, null);
  return checked.object as ObjectOfKind[K];
}

const WHOLE_ROUTE = {
  metadata: { ...metadata, generation: 3, creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: {
    parentRefs: [{ name: "gw" }, { group: "", kind: "Service", name: "echo", port: 80 }],
    hostnames: ["a.example", "*.b.example"],
    useDefaultGateways: "All",
    rules: [
      { backendRefs: [{ name: "echo", port: 80 }], sessionPersistence: {} },
      {
        name: "second",
        matches: [
          {
            method: { service: "a.B", method: "C" },
            headers: [
              { name: "X-A", value: "1" },
              { name: "x-a", value: "ignored" },
            ],
          },
        ],
        filters: [
          {
            type: "RequestHeaderModifier",
            requestHeaderModifier: { set: [{ name: "X-Set", value: "1" }], remove: ["X-R"] },
          },
          { type: "RequestMirror", requestMirror: { backendRef: { name: "m", port: 1 } } },
          {
            type: "RequestMirror",
            requestMirror: { backendRef: { name: "m", port: 1 }, fraction: { numerator: 3 } },
          },
          { type: "ExtensionRef", extensionRef: { group: "x.y", kind: "F", name: "f" } },
        ],
      },
    ],
  },
  status: {
    parents: [
      { parentRef: { name: "gw" }, controllerName: "a/b", conditions: [{ type: "Accepted" }] },
      { parentRef: { name: "NO" } },
    ],
  },
};

test("a GRPCRoute gets what the CRD fills in, and says what nobody here can obey", () => {
  const route = objectOf("GRPCRoute", WHOLE_ROUTE);
  assert.equal(route.metadata.generation, 3);
  assert.equal(route.metadata.creationTimestamp, "2026-01-01T00:00:00Z");
  const gateway = { group: "gateway.networking.k8s.io", kind: "Gateway", namespace: null };
  assert.deepEqual(route.parentRefs, [
    { ...gateway, name: "gw", sectionName: null, port: null },
    { group: "", kind: "Service", namespace: null, name: "echo", sectionName: null, port: 80 },
  ]);
  assert.deepEqual(route.unsupported, ["spec.useDefaultGateways"]);
  const [first, second] = route.rules;
  assert.deepEqual(first.matches, [{ method: null, headers: [] }]);
  assert.deepEqual(first.unsupported, ["spec.rules[0].sessionPersistence"]);
  assert.deepEqual([first.backendRefs[0].weight, first.backendRefs[0].kind], [1, "Service"]);
  assert.deepEqual(second.matches, [
    {
      method: { type: "Exact", service: "a.B", method: "C" },
      headers: [{ type: "Exact", name: "x-a", value: "1" }],
    },
  ]);
  assert.deepEqual(second.filters[0], {
    type: "RequestHeaderModifier",
    set: [["x-set", "1"]],
    add: [],
    remove: ["x-r"],
  });
  const shares = second.filters.map((filter) =>
    filter.type === "RequestMirror" ? `${filter.numerator}/${filter.denominator}` : "",
  );
  assert.deepEqual(shares, ["", "100/100", "3/100", ""]);
  assert.equal(route.parents.length, 1, "a status that is malformed counts as none");
  assert.equal(route.parents[0].conditions[0].status, "Unknown");
});

test("a Gateway gets what the CRD fills in, and says what nobody here can obey", () => {
  const { listeners, unsupported, addresses } = objectOf("Gateway", {
    spec: {
      gatewayClassName: "fairlead",
      addresses: [{ value: "10.0.0.1" }],
      infrastructure: { parametersRef: {}, labels: {} },
      tls: { frontend: { default: {} } },
      listeners: [
        { name: "http", port: 80, protocol: "HTTP" },
        {
          name: "https",
          hostname: "*.a.example",
          port: 443,
          protocol: "HTTPS",
          tls: { certificateRefs: [{ name: "cert" }], options: { a: "b" } },
          allowedRoutes: { namespaces: { from: "All" }, kinds: [{ kind: "GRPCRoute" }] },
        },
      ],
    },
  });
  assert.deepEqual(addresses, [{ type: "IPAddress", value: "10.0.0.1" }]);
  assert.deepEqual(unsupported, ["spec.infrastructure.parametersRef", "spec.tls.frontend"]);
  assert.deepEqual(listeners[0].allowedRoutes, { from: "Same", selector: null, kinds: [] });
  assert.deepEqual(listeners[1].tls, {
    mode: "Terminate",
    certificateRefs: [{ group: "", kind: "Secret", namespace: null, name: "cert" }],
  });
  assert.deepEqual(listeners[1].unsupported, ["spec.listeners[1].tls.options"]);
  assert.equal(listeners[1].allowedRoutes.kinds[0].group, "gateway.networking.k8s.io");
});

test("all labels of a Namespace are kept, and ReferenceGrant has two versions", () => {
  const labels = { "a.b/c": "d", e: "" };
  assert.deepEqual(
    objectOf("Namespace", { metadata: { name: "prod", labels } }).metadata.labels,
    labels,
  );
  const from = [{ group: "gateway.networking.k8s.io", kind: "GRPCRoute", namespace: "prod" }];
  for (const version of ["v1", "v1beta1"]) {
    const apiVersion = `gateway.networking.k8s.io/${version}`;
    const to = [{ group: "", kind: "Service", name: "" }];
    const grant = objectOf("ReferenceGrant", { apiVersion, spec: { from, to } });
    assert.equal(grant.to[0].name, null);
  }
});

function many(count: number, value: unknown): unknown[] {
  return Array.from({ length: count }, () => value);
}
const named = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `n${i}` }));
const rule = (extra: object) => ({ spec: { rules: [extra] } });
const filter = (extra: object) => rule({ filters: [extra] });
const listener = (extra: object, ...more: object[]) => ({
  spec: {
    gatewayClassName: "c",
    listeners: [{ name: "l", port: 80, protocol: "HTTP", ...extra }, ...more],
  },
});
const LONG = "x".repeat(5_000);
const CUT = `"${"x".repeat(64)}"... (5000 characters)`;

const PROBLEMS: readonly (readonly [kind: KindName, value: object, problem: string])[] = [
  [
    "GRPCRoute",
    { spec: { parentRefs: named(PARENT_REFS_MAX + 1) } },
    "spec.parentRefs has 33 entries, at most 32 are allowed",
  ],
  [
    "GRPCRoute",
    { spec: { parentRefs: [{}] } },
    "spec.parentRefs[0].name is missing, must be a name (RFC 1123 subdomain)",
  ],
  [
    "GRPCRoute",
    { spec: { hostnames: many(HOSTNAMES_MAX + 1, "a.b") } },
    "spec.hostnames has 17 entries, at most 16 are allowed",
  ],
  [
    "GRPCRoute",
    { spec: { hostnames: ["a.*"] } },
    'spec.hostnames[0] is "a.*", must be a hostname, such as "a.example" or "*.example"',
  ],
  [
    "GRPCRoute",
    { spec: { hostnames: ["10.0.0.1"] } },
    'spec.hostnames[0] is "10.0.0.1", must be a hostname, not an IP address',
  ],
  [
    "GRPCRoute",
    { spec: { rules: many(RULES_MAX + 1, {}) } },
    "spec.rules has 17 entries, at most 16 are allowed",
  ],
  [
    "GRPCRoute",
    rule({ matches: many(RULE_MATCHES_MAX + 1, {}) }),
    "spec.rules[0].matches has 65 entries, at most 64 are allowed",
  ],
  [
    "GRPCRoute",
    { spec: { rules: [...many(2, { matches: many(64, {}) }), {}] } },
    `spec.rules has 129 matches in all, at most ${ROUTE_MATCHES_MAX} are allowed`,
  ],
  [
    "GRPCRoute",
    { spec: { rules: many(2, { name: "a" }) } },
    "spec.rules has two of one name, each must have its own",
  ],
  [
    "GRPCRoute",
    rule({ matches: [{ headers: many(HEADER_MATCHES_MAX + 1, {}) }] }),
    "spec.rules[0].matches[0].headers has 17 entries, at most 16 are allowed",
  ],
  [
    "GRPCRoute",
    rule({ matches: [{ headers: [{ name: "a b", value: "x" }] }] }),
    'spec.rules[0].matches[0].headers[0].name is "a b", must be a header\'s name of up to 256',
  ],
  [
    "GRPCRoute",
    rule({ matches: [{ headers: [{ name: "a", value: LONG }] }] }),
    `spec.rules[0].matches[0].headers[0].value is ${CUT}, must be printable text of 1 to ${HEADER_VALUE_CHARS_MAX} characters`,
  ],
  [
    "GRPCRoute",
    rule({ matches: [{ method: { service: "a/b" } }] }),
    'spec.rules[0].matches[0].method.service is "a/b", must be a service\'s name',
  ],
  [
    "GRPCRoute",
    rule({ matches: [{ method: { type: "RegularExpression", method: LONG } }] }),
    `spec.rules[0].matches[0].method.method is ${CUT}, must be text of up to ${METHOD_CHARS_MAX}`,
  ],
  [
    "GRPCRoute",
    rule({ matches: [{ method: { type: "Exact" } }] }),
    "spec.rules[0].matches[0].method has neither service nor method, must have one or both",
  ],
  [
    "GRPCRoute",
    rule({ matches: [{ method: { servce: "a.B" } }] }),
    "spec.rules[0].matches[0].method has neither service nor method, must have one or both",
  ],
  [
    "GRPCRoute",
    rule({ matches: [{ method: { type: "Glob", service: "a" } }] }),
    'spec.rules[0].matches[0].method.type is "Glob", must be Exact or RegularExpression',
  ],
  [
    "GRPCRoute",
    rule({ backendRefs: named(BACKEND_REFS_MAX + 1) }),
    "spec.rules[0].backendRefs has 17 entries, at most 16 are allowed",
  ],
  [
    "GRPCRoute",
    rule({ backendRefs: [{ name: "a", weight: WEIGHT_MAX + 1 }] }),
    "spec.rules[0].backendRefs[0].weight is 1000001, must be a whole number from 0 to 1000000",
  ],
  [
    "GRPCRoute",
    rule({ filters: many(FILTERS_MAX + 1, {}) }),
    "spec.rules[0].filters has 17 entries, at most 16 are allowed",
  ],
  [
    "GRPCRoute",
    filter({ type: "X" }),
    'spec.rules[0].filters[0].type is "X", must be RequestHeaderModifier or ' +
      "ResponseHeaderModifier or RequestMirror or ExtensionRef",
  ],
  [
    "GRPCRoute",
    filter({ type: "ExtensionRef" }),
    "spec.rules[0].filters[0].extensionRef is missing, must be there with type ExtensionRef",
  ],
  [
    "GRPCRoute",
    filter({ type: "ExtensionRef", extensionRef: {}, requestMirror: {} }),
    "spec.rules[0].filters[0].requestMirror is set, and type is ExtensionRef",
  ],
  [
    "GRPCRoute",
    filter({ type: "RequestMirror", requestMirror: { backendRef: { name: "a" }, percent: 101 } }),
    "spec.rules[0].filters[0].requestMirror.percent is 101, must be a whole number from 0 to 100",
  ],
  [
    "GRPCRoute",
    filter({
      type: "RequestMirror",
      requestMirror: { backendRef: { name: "a" }, percent: 1, fraction: {} },
    }),
    "spec.rules[0].filters[0].requestMirror.percent and fraction are set, one of them is allowed",
  ],
  [
    "GRPCRoute",
    filter({
      type: "RequestMirror",
      requestMirror: { backendRef: { name: "a" }, fraction: { numerator: 2, denominator: 1 } },
    }),
    "spec.rules[0].filters[0].requestMirror.fraction.numerator is 2, " +
      "must be a whole number from 0 to 1",
  ],
  [
    "GRPCRoute",
    rule({ filters: many(2, { type: "RequestHeaderModifier", requestHeaderModifier: {} }) }),
    "spec.rules[0].filters has RequestHeaderModifier twice, once is allowed",
  ],
  [
    "GRPCRoute",
    filter({
      type: "RequestHeaderModifier",
      requestHeaderModifier: { add: many(MODIFIED_HEADERS_MAX + 1, {}) },
    }),
    "spec.rules[0].filters[0].requestHeaderModifier.add has 17 entries, at most 16 are allowed",
  ],
  [
    "Gateway",
    { spec: { gatewayClassName: "c" } },
    "spec.listeners is missing, must be a list of at least one listener",
  ],
  [
    "Gateway",
    { spec: { gatewayClassName: "c", listeners: named(GATEWAY_LISTENERS_MAX + 1) } },
    "spec.listeners has 65 entries, at most 64 are allowed",
  ],
  [
    "Gateway",
    { spec: { ...listener({}).spec, addresses: named(GATEWAY_ADDRESSES_MAX + 1) } },
    "spec.addresses has 17 entries, at most 16 are allowed",
  ],
  [
    "Gateway",
    listener({}, { name: "l", port: 81, protocol: "HTTP" }),
    "spec.listeners has two of one name, each must have its own",
  ],
  ["Gateway", listener({ port: 0 }), "spec.listeners[0].port is 0, must be a port from 1 to 65535"],
  [
    "Gateway",
    listener({ protocol: "?" }),
    'spec.listeners[0].protocol is "?", must be HTTP or HTTPS',
  ],
  ["Gateway", listener({ tls: {} }), "spec.listeners[0].tls is set, and protocol HTTP has none"],
  [
    "Gateway",
    listener({ protocol: "HTTPS", tls: { mode: "Passthrough" } }),
    'spec.listeners[0].tls.mode is "Passthrough", must be Terminate with protocol HTTPS',
  ],
  [
    "Gateway",
    listener({ protocol: "HTTPS", tls: { certificateRefs: named(CERTIFICATE_REFS_MAX + 1) } }),
    "spec.listeners[0].tls.certificateRefs has 65 entries, at most 64 are allowed",
  ],
  [
    "Gateway",
    listener({ allowedRoutes: { kinds: many(ROUTE_KINDS_MAX + 1, {}) } }),
    "spec.listeners[0].allowedRoutes.kinds has 9 entries, at most 8 are allowed",
  ],
  [
    "Gateway",
    listener({
      allowedRoutes: {
        namespaces: {
          from: "Selector",
          selector: { matchExpressions: many(SELECTOR_ENTRIES_MAX + 1, {}) },
        },
      },
    }),
    "spec.listeners[0].allowedRoutes.namespaces.selector.matchExpressions has 65 entries, " +
      "at most 64 are allowed",
  ],
  [
    "GatewayClass",
    { metadata: { name: "c" }, spec: { controllerName: "x" } },
    'spec.controllerName is "x", must be DOMAIN/PATH, such as example.net/controller',
  ],
  [
    "ReferenceGrant",
    { spec: { from: many(GRANT_ENTRIES_MAX + 1, {}) } },
    "spec.from has 17 entries, at most 16 are allowed",
  ],
  [
    "ReferenceGrant",
    { spec: { to: [{ group: "", kind: 7 }] } },
    "spec.to[0].kind is 7, must be a kind, such as Service",
  ],
];

for (const [kind, value, problem] of PROBLEMS) {
  test(`refused: ${kind}: ${problem.slice(0, 100)}`, () => {
    const checked = checkObject(kind, { metadata, ...value });
    const name = kind === "GatewayClass" ? "c" : "prod/echo";
    assert.equal(checked.problem, `${kind} ${name}: ${problem}`);
  });
}

async function newPair(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const [notBefore, notAfter] = [new Date("2020-01-01"), new Date("2120-01-01")];
  const name = "CN=echo";
  const signed = await X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: "01", name, notBefore, notAfter, keys, signingAlgorithm: algorithm },
  });
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const lines = der.toString("base64").replace(/.{64}/g, "$&\n");
  const key = `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`;
  return { cert: `${signed.toString("pem")}\n`, key };
}

test("a Secret of type kubernetes.io/tls yields its PEM texts, of data or stringData", async () => {
  const { cert, key } = await newPair();
  const coded = (text: string) => Buffer.from(text).toString("base64");
  const type = "kubernetes.io/tls";
  const data = { "tls.crt": coded(cert), "tls.key": coded(key), other: "x" };
  assert.deepEqual(objectOf("Secret", { type, data }).tls, { cert, key });
  const stringData = { "tls.crt": cert, "tls.key": key };
  assert.deepEqual(objectOf("Secret", { type, stringData }).tls, { cert, key });
});

test("a Secret that cannot be used says why, and never what is in it", async () => {
  const { cert, key } = await newPair();
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const otherKey = other.export({ type: "pkcs8", format: "pem" }) as string;
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  const type = "kubernetes.io/tls";
  const cases: readonly (readonly [object, string])[] = [
    [{ type: "Opaque", data: {} }, "its type is not kubernetes.io/tls"],
    [{ type }, "its data tls.crt is missing or no base64"],
    [{ type, data: { "tls.crt": "%%" } }, "its data tls.crt is missing or no base64"],
    [
      { type, stringData: { "tls.crt": "x".repeat(SECRET_BYTES_MAX + 1) } },
      "its data tls.crt is missing or no base64",
    ],
    [{ type, stringData: { "tls.crt": cert } }, "its data tls.key is missing or no base64"],
    [
      { type, stringData: { "tls.crt": "abc", "tls.key": key } },
      "its data tls.crt holds no certificate in PEM",
    ],
    [
      { type, stringData: { "tls.crt": broken, "tls.key": key } },
      "its data tls.crt holds a certificate that cannot be read",
    ],
    [
      { type, stringData: { "tls.crt": cert, "tls.key": "s3cret" } },
      "its data tls.key holds no private key in PEM that can be read",
    ],
    [
      { type, stringData: { "tls.crt": cert, "tls.key": otherKey } },
      "its data tls.key does not belong to the first certificate of tls.crt",
    ],
  ];
  for (const [value, problem] of cases) {
    const secret = objectOf("Secret", value);
    assert.deepEqual([secret.tls, secret.problem], [null, problem]);
  }
});
