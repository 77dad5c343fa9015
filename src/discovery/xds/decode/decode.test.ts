/** CDS and EDS as servers send them: what is taken in, and what is refused by name of the field. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../../../../test/mesh/json-bytes.ts";
import {
  cluster,
  endpoints,
  type Json,
  lbEndpoint,
  locality,
} from "../../../../test/mesh/resources.ts";
import { clusterKind } from "./cluster.ts";
import { ENDPOINTS_KIND } from "./endpoints.ts";
import { serviceConfigOf } from "./service-config.ts";

const TYPE = "type.googleapis.com/";
const POLICIES = `${TYPE}envoy.extensions.load_balancing_policies`;
const KIND = clusterKind(() => null);

function clusterFrom(json: Json) {
  const { value, problem } = KIND.decode(bytesOf(json));
  assert.equal(problem, null);
  return value!;
}

function policies(...list: readonly Json[]): Json {
  const entries = list.map((typedConfig) => ({ typedExtensionConfig: { name: "p", typedConfig } }));
  return { loadBalancingPolicy: { policies: entries } };
}

const WRR = {
  "@type": `${POLICIES}.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin`,
  blackoutPeriod: "3s",
};
const TLS = `${TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext`;
const CA = { trustedCa: { inlineString: "PEM" } };

function tls(validationContext: Json, more: Json = {}): Json {
  const typedConfig = { "@type": TLS, commonTlsContext: { validationContext }, ...more };
  return { transportSocket: { name: "tls", typedConfig } };
}

const CONFIGS: readonly (readonly [name: string, given: Json, config: unknown])[] = [
  ["lb_policy ROUND_ROBIN", {}, { loadBalancingConfig: [{ round_robin: {} }] }],
  [
    "LEAST_REQUEST with its choices",
    { lbPolicy: "LEAST_REQUEST", leastRequestLbConfig: { choiceCount: 3 } },
    { loadBalancingConfig: [{ least_request: { choiceCount: 3 } }] },
  ],
  [
    "RING_HASH",
    { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: "10", maximumRingSize: "20" } },
    { loadBalancingConfig: [{ ring_hash: { minRingSize: 10, maxRingSize: 20 } }] },
  ],
  [
    "A52: the first policy that is known counts, here in wrr_locality (A58)",
    policies(
      { "@type": `${TYPE}xds.type.v3.TypedStruct`, typeUrl: "x/some.Other" },
      {
        "@type": `${POLICIES}.wrr_locality.v3.WrrLocality`,
        endpointPickingPolicy: policies(WRR).loadBalancingPolicy,
      },
    ),
    { loadBalancingConfig: [{ weighted_round_robin: { blackoutPeriod: "3s" } }] },
  ],
  [
    "A52: a typed struct that ends with a name of ours",
    policies({
      "@type": `${TYPE}xds.type.v3.TypedStruct`,
      typeUrl: "type.googleapis.com/fairlead.peak_ewma",
      value: { decay: "2s" },
    }),
    { loadBalancingConfig: [{ peak_ewma: { decay: "2s" } }] },
  ],
  [
    "A32 and A50: breakers and outlier detection; no limit is said as a large number",
    {
      circuitBreakers: { thresholds: [{ maxRequests: 7, maxRetries: 4_294_967_295 }] },
      outlierDetection: { interval: "5s", enforcingSuccessRate: 0, consecutive5xx: 3 },
    },
    {
      loadBalancingConfig: [
        {
          outlier_detection: {
            interval: "5s",
            consecutiveErrors: { threshold: 3, enforcementPercentage: 100 },
            childPolicy: [{ round_robin: {} }],
          },
        },
      ],
      fairlead: { circuitBreakers: { maxCalls: 7 } },
    },
  ],
];

for (const [name, given, config] of CONFIGS) {
  test(`CDS: ${name}`, () => {
    const found = serviceConfigOf(clusterFrom(cluster("c", given)), undefined);
    assert.deepEqual(found, config);
  });
}

const REFUSED: readonly (readonly [given: Json, problem: RegExp])[] = [
  [{ edsClusterConfig: { edsConfig: { path: "/x" } } }, /^eds_cluster_config\.eds_config must be/],
  [
    { lbPolicy: "RING_HASH", ringHashLbConfig: { hashFunction: "MURMUR_HASH_2" } },
    /^ring_hash_lb_config\.hash_function must be XX_HASH/,
  ],
  [
    { lbPolicy: "LEAST_REQUEST", leastRequestLbConfig: { choiceCount: 1 } },
    /^least_request_lb_config\.choice_count is 1, must be 2 or more/,
  ],
  [
    policies({ "@type": `${TYPE}xds.type.v3.TypedStruct`, typeUrl: "x/some.Other" }),
    /^load_balancing_policy has no policy that is known here: xds\.type\.v3\.TypedStruct/,
  ],
  [{ type: "LOGICAL_DNS" }, /^load_assignment has no endpoint to look up/],
  [tls({}), /has no validation context with a CA/],
  [
    tls({ ...CA, matchSubjectAltNames: [{ exact: "spiffe://cluster.local/ns/a/sa/b" }] }),
    /match_subject_alt_names is supported for one exact DNS name only/,
  ],
  [tls({ ...CA, verifyCertificateHash: ["x"] }), /verify_certificate_hash is not supported/],
];

for (const [given, problem] of REFUSED) {
  test(`CDS is refused: ${problem.source}`, () => {
    const found = KIND.decode(bytesOf(cluster("c", given)));
    assert.equal(found.name, "c");
    assert.match(found.problem ?? "", problem);
  });
}

test("CDS: what we could not apply is refused with the words of the service config", () => {
  const kind = clusterKind(() => "service config: x is 1, must be 2");
  const { problem } = kind.decode(bytesOf(cluster("c")));
  assert.equal(problem, "service config: x is 1, must be 2");
});

test("CDS: a whole service config in its metadata holds; one that is wrong is noted", () => {
  const given = (text: string) => ({
    metadata: { filterMetadata: { "fairlead.dev": { service_config: text } } },
    healthChecks: [{ timeout: "1s", interval: "1s", grpcHealthCheck: {} }],
  });
  const config = {
    loadBalancingConfig: [{ peak_ewma: {} }],
    fairlead: { activeHealthCheck: { interval: "1s" } },
  };
  const kind = clusterKind((json) => (Object(json).bad === true ? "bad: unknown" : null));
  const decode = (text: string) => kind.decode(bytesOf(cluster("c", given(text)))).value!;
  const whole = decode(JSON.stringify(config));
  assert.deepEqual(serviceConfigOf(whole, 150), config);
  assert.deepEqual(whole.notes, []);
  const deep = `{"a":${"[".repeat(7_000)}${"]".repeat(7_000)}}`;
  for (const text of ["{", "[]", "1", '{"bad":true}', deep]) {
    const { notes, serviceConfig } = decode(text);
    assert.equal(serviceConfig, null, text);
    assert.ok(notes.includes("health_checks of the cluster is not supported"), text);
  }
  assert.match(decode('{"bad":true}').notes.at(-1)!, /metadata is not used: bad: unknown$/);
});

test("CDS: TLS with SNI and an exact name", () => {
  const given = tls({ ...CA, matchSubjectAltNames: [{ exact: "a.b" }] }, { sni: "a.b" });
  assert.deepEqual(clusterFrom(cluster("c", given)).tls, {
    certificates: [],
    ca: { kind: "pem", ca: "PEM" },
    expectedName: "a.b",
    serverName: "a.b",
    notes: [],
  });
});

test("CDS of Istio's shape: names, metadata, an original-destination cluster", () => {
  const name = "outbound|50051||echo.prod.svc.cluster.local";
  const found = clusterFrom(
    cluster(name, {
      edsClusterConfig: { edsConfig: { ads: {} }, serviceName: name },
      metadata: { filterMetadata: { istio: { services: [{ host: "echo.prod" }] } } },
      commonLbConfig: { localityWeightedLbConfig: {} },
      transportSocketMatches: [
        {
          name: "tlsMode-istio",
          match: { tlsMode: "istio" },
          transportSocket: { name: "tls", typedConfig: { "@type": TLS, commonTlsContext: {} } },
        },
      ],
    }),
  );
  assert.equal(found.name, name);
  assert.deepEqual(found.discovery, { kind: "eds", serviceName: name });
  assert.deepEqual(found.otherSockets, [{ tlsMode: "istio" }]);
  const passthrough = cluster("PassthroughCluster", {
    ...{ type: "ORIGINAL_DST", lbPolicy: "CLUSTER_PROVIDED", edsClusterConfig: undefined },
  });
  assert.deepEqual(clusterFrom(passthrough).discovery, { kind: "original-dst" });
});

const BAD_ENDPOINTS: readonly (readonly [given: readonly Json[], problem: RegExp])[] = [
  [[locality("a", ["127.0.0.1:1"], { priority: 1 })], /^endpoints has no priority 0/],
  [
    [locality("a", ["127.0.0.1:1"]), locality("b", ["127.0.0.1:1"])],
    /^endpoints names 127\.0\.0\.1:1 twice/,
  ],
  [
    [locality("a", ["127.0.0.1:1"]), locality("a", ["127.0.0.1:2"])],
    /^endpoints names locality r\/a twice in priority 0/,
  ],
  [[locality("a", ["echo:1"])], /socket_address\.address is "echo", must be an IP/],
  [
    [locality("a", [`\u009b2J${"x".repeat(200)}:1`])],
    /address is "\?2J[x]{97}\.\.\.", must be an IP/,
  ],
  [[locality("a", ["127.0.0.1:0"])], /port_value is 0, must be from 1 to 65535/],
  [
    [{ lbEndpoints: [lbEndpoint("127.0.0.1:1", { loadBalancingWeight: 0 })] }],
    /load_balancing_weight is 0/,
  ],
  [[locality("a", ["127.0.0.1:1"], { priority: 128 })], /priority is 128, above 127/],
];

for (const [given, problem] of BAD_ENDPOINTS) {
  test(`EDS is refused: ${problem.source}`, () => {
    assert.match(ENDPOINTS_KIND.decode(bytesOf(endpoints("c", given))).problem ?? "", problem);
  });
}

test("EDS: more endpoints than XDS_ENDPOINTS_MAX are refused", () => {
  const addresses = Array.from(
    { length: 65_537 },
    (_, i) => `127.${i >> 16}.${(i >> 8) & 255}.${i & 255}:1`,
  );
  const { problem } = ENDPOINTS_KIND.decode(bytesOf(endpoints("c", [locality("a", addresses)])));
  assert.equal(problem, "endpoints has 65537 endpoints, more than 65536");
});
