/** CDS and EDS: whatever is asked for and not done is told, by name of the field. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../../../../test/mesh/json-bytes.ts";
import { cluster, endpoints, type Json, locality } from "../../../../test/mesh/resources.ts";
import { clusterKind } from "./cluster.ts";
import { ENDPOINTS_KIND } from "./endpoints.ts";

const TYPE = "type.googleapis.com/envoy.extensions";
const KIND = clusterKind(() => null);
const LOOKUP = { type: "STRICT_DNS", edsClusterConfig: undefined };
const NAMES = {
  loadAssignment: { clusterName: "c", endpoints: [locality("a", ["127.0.0.1:1"])] },
};

function policy(type: string, more: Json): Json {
  const typedConfig = { "@type": `${TYPE}.load_balancing_policies.${type}`, ...more };
  return {
    loadBalancingPolicy: { policies: [{ typedExtensionConfig: { name: "p", typedConfig } }] },
  };
}

function tls(common: Json, more: Json = {}): Json {
  const validationContext = { trustedCa: { inlineString: "PEM" } };
  const typedConfig = {
    "@type": `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext`,
    commonTlsContext: { validationContext, ...common },
    ...more,
  };
  return { transportSocket: { name: "tls", typedConfig } };
}

const supported = (field: string): string => `${field} of the cluster is not supported`;
const AT = "load_balancing_policy.policies[0]";
const SOCKET = "transport_socket.typed_config.common_tls_context";

const CLUSTERS: readonly (readonly [given: Json, note: string])[] = [
  [
    { commonLbConfig: { zoneAwareLbConfig: {} } },
    supported("common_lb_config.zone_aware_lb_config"),
  ],
  [
    { commonLbConfig: { consistentHashingLbConfig: { hashBalanceFactor: 150 } } },
    supported("common_lb_config.consistent_hashing_lb_config.hash_balance_factor"),
  ],
  [
    { commonLbConfig: { closeConnectionsOnHostSetChange: true } },
    supported("common_lb_config.close_connections_on_host_set_change"),
  ],
  [{ healthChecks: [{}] }, supported("health_checks")],
  [
    { circuitBreakers: { thresholds: [{ priority: "HIGH", maxRequests: 1 }] } },
    supported("circuit_breakers.thresholds of priority HIGH"),
  ],
  [
    { outlierDetection: { splitExternalLocalOriginErrors: true } },
    supported("outlier_detection.split_external_local_origin_errors"),
  ],
  [{ ...LOOKUP, ...NAMES, dnsRefreshRate: "5s" }, supported("dns_refresh_rate")],
  [{ ...LOOKUP, ...NAMES, useTcpForDnsLookups: true }, supported("use_tcp_for_dns_lookups")],
  [
    {
      lbPolicy: "LEAST_REQUEST",
      leastRequestLbConfig: { activeRequestBias: { defaultValue: 0.5, runtimeKey: "k" } },
    },
    "least_request_lb_config.active_request_bias is not applied",
  ],
  [
    policy("least_request.v3.LeastRequest", {
      activeRequestBias: { defaultValue: 2, runtimeKey: "k" },
    }),
    `${AT}.active_request_bias is not applied`,
  ],
  [
    policy("least_request.v3.LeastRequest", { selectionMethod: "FULL_SCAN" }),
    `${AT}.selection_method (a full scan) is not applied`,
  ],
  [
    policy("round_robin.v3.RoundRobin", { localityLbConfig: { zoneAwareLbConfig: {} } }),
    `${AT}.locality_lb_config.zone_aware_lb_config is not applied`,
  ],
  [
    policy("ring_hash.v3.RingHash", { consistentHashingLbConfig: { hashBalanceFactor: 120 } }),
    `${AT}.hash_balance_factor is not applied`,
  ],
  [
    tls({ tlsParams: { cipherSuites: ["ECDHE-RSA-AES128-GCM-SHA256"] } }),
    `${SOCKET}.tls_params.cipher_suites is not applied`,
  ],
  [
    tls({ tlsParams: { tlsMinimumProtocolVersion: "TLSv1_0" } }),
    `${SOCKET}.tls_params.tls_minimum_protocol_version is not applied`,
  ],
  [tls({}, { allowRenegotiation: true }), "transport_socket.allow_renegotiation is not applied"],
];

for (const [given, note] of CLUSTERS) {
  test(`CDS: ${note}`, () => {
    const { value, problem } = KIND.decode(bytesOf(cluster("c", given)));
    assert.equal(problem, null);
    assert.deepEqual(value!.notes, [note]);
  });
}

test("CDS: what is carried out, or says the default, is not told", () => {
  const plain = [
    {},
    tls({ tlsParams: { tlsMinimumProtocolVersion: "TLSv1_2" }, alpnProtocols: ["h2"] }),
    { ...LOOKUP, ...NAMES, dnsLookupFamily: "V4_ONLY" },
    policy("least_request.v3.LeastRequest", {
      activeRequestBias: { defaultValue: 1, runtimeKey: "k" },
    }),
  ];
  for (const given of plain) {
    assert.deepEqual(KIND.decode(bytesOf(cluster("c", given))).value!.notes, []);
  }
});

test("CDS: what asks for stricter TLS than is spoken is refused", () => {
  const given = tls({ tlsParams: { tlsMinimumProtocolVersion: "TLSv1_3" } });
  const { problem } = KIND.decode(bytesOf(cluster("c", given)));
  assert.match(problem ?? "", /tls_params\.tls_minimum_protocol_version is TLSv1_3: not supported/);
});

const ASSIGNMENTS: readonly (readonly [given: Json, note: string])[] = [
  [{ policy: { endpointStaleAfter: "5s" } }, "policy.endpoint_stale_after is not applied"],
  [{ policy: { weightedPriorityHealth: true } }, "policy.weighted_priority_health is not applied"],
  [
    { endpoints: [locality("a", ["127.0.0.1:1"], { proximity: 3 })] },
    "endpoints.proximity is not applied",
  ],
];

for (const [given, note] of ASSIGNMENTS) {
  test(`EDS: ${note}`, () => {
    const { value, problem } = ENDPOINTS_KIND.decode(bytesOf({ ...endpoints("c", []), ...given }));
    assert.equal(problem, null);
    assert.deepEqual(value!.notes, [note]);
  });
}
