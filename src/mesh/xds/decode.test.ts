/** LDS, RDS and SDS as servers send them, Istio's shape among them: tables and refusals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, UNKNOWN_FILTER } from "../../../test/mesh/json-bytes.ts";
import { apiListener, type Json, manager, routes, routeTo } from "../../../test/mesh/resources.ts";
import { clusterNamesOf } from "../../routes/index.ts";
import { LISTENER_KIND } from "./listener.ts";
import { ROUTES_KIND } from "./route-table.ts";
import { SECRET_KIND } from "./secret.ts";

const TYPE = "type.googleapis.com/";
const CLUSTER = "outbound|50051||echo.prod.svc.cluster.local";

function tableOf(json: Json) {
  const { value, problem } = ROUTES_KIND.decode(bytesOf(json));
  assert.equal(problem, null);
  return value!;
}

function withFilters(filters: readonly Json[]): Json {
  return { ...apiListener("l"), apiListener: { apiListener: manager("r", filters) } };
}

const ISTIO_FILTER = { name: "istio.metadata_exchange", typedConfig: { "@type": UNKNOWN_FILTER } };

test("A39: an unknown HTTP filter is refused, unless it is optional", () => {
  const refused = LISTENER_KIND.decode(bytesOf(withFilters([ISTIO_FILTER])));
  assert.match(
    refused.problem ?? "",
    /http_filters\[0\] \(istio\.metadata_exchange\) is envoy\.config\..*not supported and not opt/,
  );
  const optional = [{ ...ISTIO_FILTER, isOptional: true }];
  const { value } = LISTENER_KIND.decode(bytesOf(withFilters(optional)));
  assert.deepEqual(value!.notes, ["HTTP filter istio.metadata_exchange is not applied"]);
  assert.deepEqual(value!.chains[0]!.routes, { kind: "rds", name: "r" });
});

const chain = (filter: Json, more: Json = {}): Json => ({
  filters: [{ name: "f", typedConfig: filter }],
  ...more,
});
const ADDRESS = { socketAddress: { address: "127.0.0.1", portValue: 15_001 } };
const TCP = {
  "@type": `${TYPE}envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`,
  statPrefix: "BlackHoleCluster",
  cluster: "PassthroughCluster",
};
const listener = (filterChains: readonly Json[], more: Json = {}): Json => ({
  "@type": `${TYPE}envoy.config.listener.v3.Listener`,
  ...{ name: "l", address: ADDRESS, filterChains, ...more },
});

test("a passthrough of TCP is no error: it is passed over, with a note", () => {
  const { value, problem } = LISTENER_KIND.decode(
    bytesOf(listener([chain(TCP)], { useOriginalDst: true, bindToPort: false })),
  );
  assert.equal(problem, null);
  assert.deepEqual(value!.chains, []);
  assert.match(value!.notes[0]!, /filter_chains\[0\] is passed over: it ends with .*TcpProxy/);
});

const DOWNSTREAM = `${TYPE}envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext`;

test("chains with server names, a secret by ADS, and a table by RDS", () => {
  const secret = { name: "prod/tls", sdsConfig: { ads: {} } };
  const typedConfig = {
    "@type": DOWNSTREAM,
    commonTlsContext: { tlsCertificateSdsSecretConfigs: [secret] },
  };
  const { value, problem } = LISTENER_KIND.decode(
    bytesOf(
      listener([
        chain(manager("r"), {
          filterChainMatch: { serverNames: ["*.Example.com"] },
          transportSocket: { name: "tls", typedConfig },
        }),
      ]),
    ),
  );
  assert.equal(problem, null);
  assert.deepEqual(value!.address, { host: "127.0.0.1", port: 15_001 });
  const [found] = value!.chains;
  assert.deepEqual(found!.serverNames, ["*.example.com"]);
  assert.deepEqual(found!.tls!.certificates, [{ kind: "secret", name: "prod/tls" }]);
});

test("a chain for some sources only is refused: it would be for all", () => {
  const match = { filterChainMatch: { sourcePrefixRanges: [{ addressPrefix: "10.0.0.0" }] } };
  const { problem } = LISTENER_KIND.decode(bytesOf(listener([chain(manager("r"), match)])));
  assert.equal(
    problem,
    "filter_chains[0].filter_chain_match.source_prefix_ranges is not supported",
  );
});

test("RDS of Istio's shape: domains, per-filter config, metadata, retries, ALLOW_ANY", () => {
  const json: Json = {
    "@type": `${TYPE}envoy.config.route.v3.RouteConfiguration`,
    name: "50051",
    validateClusters: false,
    ignorePortInHostMatching: true,
    virtualHosts: [
      {
        name: "echo.prod.svc.cluster.local:50051",
        domains: ["echo.prod.svc.cluster.local", "echo.prod", "10.0.0.1"],
        typedPerFilterConfig: { f: { "@type": UNKNOWN_FILTER } },
        includeRequestAttemptCount: true,
        routes: [
          {
            name: "default",
            match: { prefix: "/" },
            metadata: { filterMetadata: { istio: { config: "x" } } },
            decorator: { operation: "echo" },
            route: {
              cluster: CLUSTER,
              timeout: "0s",
              maxGrpcTimeout: "0s",
              retryPolicy: {
                retryOn: "connect-failure,refused-stream,unavailable,cancelled",
                numRetries: 2,
                retryHostPredicate: [{ name: "envoy.retry_host_predicates.previous_hosts" }],
              },
            },
          },
        ],
      },
      { name: "allow_any", domains: ["*"], routes: [routeTo("PassthroughCluster")] },
    ],
  };
  const table = tableOf(json);
  assert.deepEqual([...clusterNamesOf(table)], [CLUSTER, "PassthroughCluster"]);
  const { action } = table.hosts[0]!.routes[0]!;
  assert.ok(action.kind === "forward");
  assert.equal(action.timeoutMs, null);
  assert.deepEqual(action.retryPolicy, {
    maxAttempts: 3,
    initialBackoffMs: 25,
    maxBackoffMs: 250,
    backoffMultiplier: 2,
    retryableStatuses: [14, 1],
  });
});

test("RDS: matches, weights, hash header, mirrors, time and refusals are carried over", () => {
  const table = tableOf(
    routes("r", [
      {
        match: {
          path: "/a.B/C",
          caseSensitive: false,
          headers: [
            { name: "X-A", rangeMatch: { start: "1", end: "9" }, invertMatch: true },
            { name: "x-b", presentMatch: false },
          ],
          runtimeFraction: { defaultValue: { numerator: 5, denominator: "HUNDRED" } },
        },
        route: {
          weightedClusters: {
            clusters: [
              { name: "a", weight: 0 },
              { name: "b", weight: 2 },
            ],
          },
          maxStreamDuration: { maxStreamDuration: "3s", grpcTimeoutHeaderMax: "2s" },
          hashPolicy: [{ cookie: { name: "c" } }, { header: { headerName: "X-User" } }],
          requestMirrorPolicies: [{ cluster: "m" }],
        },
        responseHeadersToAdd: [
          { header: { key: "X-Set", value: "100%%" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" },
        ],
        requestHeadersToRemove: ["X-Gone"],
      },
      { match: { prefix: "/x" }, directResponse: { status: 404 } },
      { match: { prefix: "" }, redirect: {} },
    ]),
  );
  const [first, second, third] = table.hosts[0]!.routes;
  assert.deepEqual(first!.match, {
    path: { kind: "exact", value: "/a.B/C", ignoresCase: true },
    headers: [
      { name: "x-a", inverts: true, value: { kind: "range", from: 1, to: 9 } },
      { name: "x-b", inverts: false, value: { kind: "present", isPresent: false } },
    ],
    perMillion: 50_000,
  });
  assert.deepEqual(first!.action, {
    kind: "forward",
    clusters: [{ cluster: "b", weight: 2, request: null, response: null }],
    request: { set: [], add: [], remove: ["x-gone"] },
    response: { set: [["x-set", "100%"]], add: [], remove: [] },
    mirrors: [{ cluster: "m", perMillion: 1_000_000 }],
    timeoutMs: 2_000,
    retryPolicy: null,
    hashHeader: "x-user",
  });
  assert.ok(second!.action.kind === "refuse" && second!.action.httpStatus === 404);
  assert.ok(third!.action.kind === "refuse");
});

const at = "virtual_hosts[0].routes[0]".replaceAll(/[[\].]/g, "\\$&");
const REFUSED: readonly (readonly [given: Json, problem: string])[] = [
  [
    { match: { prefix: "" }, route: { clusterHeader: "x" } },
    `${at}\\.route\\.cluster_specifier is`,
  ],
  [routeTo("c", { prefixRewrite: "/x" }), `${at}\\.route\\.prefix_rewrite is not supported`],
  [routeTo("c", { retryPolicy: { numRetries: 0 } }), `${at}\\.route\\.retry_policy\\.num_retries`],
  [
    { match: { safeRegex: { regex: "a(?=b)" } }, route: { cluster: "c" } },
    `${at}\\.match\\.safe_regex\\.regex is no regular expression that RE2 knows`,
  ],
  [
    { match: { prefix: "" }, route: { weightedClusters: { clusters: [{ name: "a" }] } } },
    "weighted_clusters\\.clusters have weights of 0 together",
  ],
  [
    { ...routeTo("c"), requestHeadersToAdd: [{ header: { key: "a", value: "%REQ(:path)%" } }] },
    "request_headers_to_add\\[0\\]\\.header\\.value has a command operator",
  ],
  [{ route: { cluster: "c" } }, `${at}\\.match is missing`],
];

for (const [given, problem] of REFUSED) {
  test(`RDS is refused: ${problem}`, () => {
    const found = ROUTES_KIND.decode(bytesOf(routes("r", [given])));
    assert.match(found.problem ?? "", new RegExp(problem));
  });
}

test("RDS: more than XDS_ROUTES_MAX routes are refused", () => {
  const many = Array.from({ length: 65_536 }, () => routeTo("c"));
  const { problem } = ROUTES_KIND.decode(bytesOf(routes("r", many)));
  assert.equal(problem, "virtual_hosts have 65537 routes, above 65536");
});

// A part of a long text was taken for all of it, and controls of terminals went into logs.
test("RDS: words of the server are told in part, which is to be seen, and in a log printable", () => {
  const body = { inlineString: "é".repeat(501) };
  const retryOn = `5xx\u009b2J\u202e,${"y".repeat(300)}`;
  const { hosts, notes } = tableOf(
    routes("r", [
      { match: { prefix: "/x" }, directResponse: { status: 503, body } },
      routeTo("c", { retryPolicy: { retryOn } }),
    ]),
  );
  const { action } = hosts[0]!.routes[0]!;
  assert.ok(action.kind === "refuse");
  assert.equal(action.reason, `the route answers HTTP 503: ${"é".repeat(500)}...`);
  const told = `5xx?2j?, ${"y".repeat(191)}...`;
  assert.match(notes![0]!, new RegExp(`condition of gRPC: ${told.replaceAll(/[?.]/g, "\\$&")}$`));
});

test("SDS: a certificate; its key is in no problem", () => {
  const secret = (tlsCertificate: Json): Json => ({
    "@type": `${TYPE}envoy.extensions.transport_sockets.tls.v3.Secret`,
    ...{ name: "s", tlsCertificate },
  });
  const certificateChain = { inlineString: "CERT" };
  const good = SECRET_KIND.decode(
    bytesOf(secret({ certificateChain, privateKey: { inlineBytes: btoa("KEY") } })),
  );
  assert.deepEqual(good.value, { kind: "certificate", pair: { cert: "CERT", key: "KEY" } });
  const bad = SECRET_KIND.decode(
    bytesOf(secret({ certificateChain, privateKey: { filename: "/etc/key" } })),
  );
  assert.equal(bad.problem, "tls_certificate.private_key must be inline_string or inline_bytes");
});
