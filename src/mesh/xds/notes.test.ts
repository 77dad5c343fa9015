/** RDS and LDS: whatever is asked for and not done is told, by name of the field. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, UNKNOWN_FILTER } from "../../../test/mesh/json-bytes.ts";
import { type Json, manager, routes, routeTo } from "../../../test/mesh/resources.ts";
import { realRng } from "../../base/index.ts";
import { RouteFinder } from "../../routes/index.ts";
import { LISTENER_KIND } from "./listener.ts";
import { ROUTES_KIND } from "./route-table.ts";

const HOST = "virtual_hosts[0]";
const ROUTE = `${HOST}.routes[0]`;
const FILTERS = { typedPerFilterConfig: { f: { "@type": UNKNOWN_FILTER } } };
const retry = (more: Json): Json =>
  routeTo("c", { retryPolicy: { retryOn: "unavailable", ...more } });

const ROUTES: readonly (readonly [given: Json, note: string])[] = [
  [
    { match: { prefix: "", queryParameters: [{ name: "q" }] }, route: { cluster: "c" } },
    `${ROUTE}.match.query_parameters match no call: the route is passed over`,
  ],
  [
    { match: { connectMatcher: {} }, route: { cluster: "c" } },
    `${ROUTE}.match.connect_matcher matches no call: the route is passed over`,
  ],
  [
    { match: { prefix: "", grpc: {} }, route: { cluster: "c" } },
    `${ROUTE}.match.grpc is not applied`,
  ],
  [{ ...routeTo("c"), ...FILTERS }, `${ROUTE}.typed_per_filter_config is not applied`],
  [
    routeTo("c", { hashPolicy: [{ cookie: { name: "c" } }] }),
    `${ROUTE}.route.hash_policy [0] by cookie is not applied: by a header only`,
  ],
  [
    routeTo("c", { hashPolicy: [{ header: { headerName: "a-bin" } }] }),
    `${ROUTE}.route.hash_policy [0] is not applied: it is no text header`,
  ],
  [
    routeTo("c", {
      hashPolicy: [{ header: { headerName: "a" } }, { header: { headerName: "b" } }],
    }),
    `${ROUTE}.route.hash_policy [1] is not applied: one header counts, the first`,
  ],
  [
    retry({ retryOn: "5xx,unavailable,reset,connect-failure" }),
    `${ROUTE}.route.retry_policy.retry_on asks for what is no condition of gRPC: 5xx, reset`,
  ],
  [retry({ perTryTimeout: "1s" }), `${ROUTE}.route.retry_policy.per_try_timeout is not applied`],
  [
    retry({ retryHostPredicate: [{ name: "envoy.retry_host_predicates.omit_canary_hosts" }] }),
    `${ROUTE}.route.retry_policy.retry_host_predicate is not applied`,
  ],
  [
    retry({ numRetries: 9 }),
    `${ROUTE}.route.retry_policy.num_retries is 9: no more than 4 are made`,
  ],
  [routeTo("c", { priority: "HIGH" }), `${ROUTE}.route.priority is not applied`],
  [routeTo("c", { idleTimeout: "9s" }), `${ROUTE}.route.idle_timeout is not applied`],
  [routeTo("c", { autoHostRewrite: true }), `${ROUTE}.route.auto_host_rewrite is not applied`],
];

for (const [given, note] of ROUTES) {
  test(`RDS: ${note}`, () => {
    const { value, problem } = ROUTES_KIND.decode(bytesOf(routes("r", [given])));
    assert.equal(problem, null);
    assert.deepEqual(value!.notes, [note]);
  });
}

const TABLES: readonly (readonly [given: Json, note: string])[] = [
  [{ vhds: { configSource: { ads: {} } } }, "vhds is not applied"],
  [FILTERS, "typed_per_filter_config is not applied"],
  [{ mostSpecificHeaderMutationsWins: true }, "most_specific_header_mutations_wins is not applied"],
  [
    { virtualHosts: [{ name: "h", domains: ["*"], ...FILTERS }] },
    `${HOST}.typed_per_filter_config is not applied`,
  ],
  [
    { virtualHosts: [{ name: "h", domains: ["*"], requireTls: "EXTERNAL_ONLY" }] },
    `${HOST}.require_tls is not applied`,
  ],
];

for (const [given, note] of TABLES) {
  test(`RDS: ${note}`, () => {
    const { value, problem } = ROUTES_KIND.decode(bytesOf({ ...routes("r", []), ...given }));
    assert.equal(problem, null);
    assert.deepEqual(value!.notes, [note]);
  });
}

test("a field is told once, with how often it is asked for; a plain table tells nothing", () => {
  const many = Array.from({ length: 500 }, () => routeTo("c", { priority: "HIGH" }));
  const { value } = ROUTES_KIND.decode(bytesOf(routes("r", many)));
  assert.deepEqual(value!.notes, [`${ROUTE}.route.priority is not applied (500 times in all)`]);
  const retried = retry({
    retryHostPredicate: [{ name: "envoy.retry_host_predicates.previous_hosts" }],
  });
  const plain = ROUTES_KIND.decode(
    bytesOf(routes("r", [routeTo("c", { timeout: "3s" }), retried])),
  );
  assert.deepEqual(plain.value!.notes, []);
});

test("mirrors: of table, host and route the most specific that has any count", () => {
  const mirror = (cluster: string): Json => ({ requestMirrorPolicies: [{ cluster }] });
  const { value } = ROUTES_KIND.decode(
    bytesOf({
      ...routes("r", []),
      ...mirror("of-table"),
      virtualHosts: [
        { name: "a", domains: ["a"], routes: [routeTo("c")] },
        {
          ...{ name: "b", domains: ["b"], ...mirror("of-host") },
          routes: [routeTo("c"), routeTo("c", mirror("of-route"))],
        },
      ],
    }),
  );
  const found = value!.hosts.flatMap(({ routes: list }) =>
    list.map(({ action }) => (action.kind === "forward" ? action.mirrors[0]!.cluster : "")),
  );
  assert.deepEqual(found, ["of-table", "of-host", "of-route"]);
});

test("ignore_port_in_host_matching: an authority counts without its port, else as it is", () => {
  const hostFor = (isIgnored: boolean, domain: string, authority: string): string | undefined => {
    const { value } = ROUTES_KIND.decode(
      bytesOf({
        ...routes("r", []),
        ignorePortInHostMatching: isIgnored,
        virtualHosts: [{ name: "h", domains: [domain], routes: [routeTo("c")] }],
      }),
    );
    const headers = { joined: () => null };
    return new RouteFinder(value!).find(authority, "/a.B/C", headers, realRng())?.name;
  };
  const cases: readonly (readonly [boolean, string, string, boolean])[] = [
    [true, "a.b", "a.b:50051", true],
    [true, "*.b", "a.b:50051", true],
    [true, "a.b:50051", "a.b:50051", false],
    [true, "[::1]", "[::1]:80", true],
    [false, "a.b", "a.b:50051", false],
    [false, "*.b", "a.b:50051", false],
    [false, "a.b", "a.b", true],
    [false, "a.b:50051", "A.b:50051", true],
  ];
  for (const [isIgnored, domain, authority, isFound] of cases) {
    const found = hostFor(isIgnored, domain, authority) !== undefined;
    assert.equal(found, isFound, `${isIgnored} ${domain} ${authority}`);
  }
});

test("LDS: TLS of a listener: what is not applied is told, what would be less strict refused", () => {
  const decode = (more: Json) => {
    const typedConfig = {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      commonTlsContext: {
        tlsCertificateSdsSecretConfigs: [{ name: "s", sdsConfig: { ads: {} } }],
        tlsParams: { ecdhCurves: ["X25519"] },
      },
      ...more,
    };
    const filterChain = {
      filters: [{ name: "f", typedConfig: manager("r") }],
      transportSocket: { name: "tls", typedConfig },
    };
    return LISTENER_KIND.decode(
      bytesOf({
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        name: "l",
        address: { socketAddress: { address: "127.0.0.1", portValue: 1 } },
        filterChains: [filterChain],
      }),
    );
  };
  const at = "filter_chains[0].transport_socket";
  assert.deepEqual(decode({ sessionTimeout: "5s" }).value!.notes, [
    `${at}.common_tls_context.tls_params.ecdh_curves is not applied`,
    `${at}.session_timeout is not applied`,
  ]);
  assert.equal(decode({ requireSni: true }).problem, `${at}.require_sni is not supported`);
});
