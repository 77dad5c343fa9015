/** What a `Cluster` asks for and is not done. Its policy and its TLS have notes of their own. */
import { type Cluster, Cluster_DiscoveryType } from "../../../xds/index.ts";

type Asked = readonly (readonly [field: string, isSet: boolean])[];

/** One clause each. */
export function clusterNotesOf(message: Cluster): string[] {
  const asked = [...plainFields(message), ...commonFields(message), ...trafficFields(message)];
  if (isLookedUp(message)) asked.push(...lookupFields(message));
  return asked
    .filter(([, isSet]) => isSet)
    .map(([field]) => `${field} of the cluster is not supported`);
}

function plainFields(message: Cluster): Asked {
  return [
    ["lb_subset_config", (message.lbSubsetConfig?.subsetSelectors.length ?? 0) > 0],
    ["health_checks", message.healthChecks.length > 0],
    ["lrs_server", message.lrsServer !== undefined],
    ["upstream_bind_config", message.upstreamBindConfig !== undefined],
    ["connection_pool_per_downstream_connection", message.connectionPoolPerDownstreamConnection],
    ["max_requests_per_connection", (message.maxRequestsPerConnection ?? 0) > 0],
    ["filters", message.filters.length > 0],
    ["close_connections_on_host_health_failure", message.closeConnectionsOnHostHealthFailure],
    ["preconnect_policy", message.preconnectPolicy !== undefined],
    ["upstream_config", message.upstreamConfig !== undefined],
  ];
}

function commonFields({ commonLbConfig: common }: Cluster): Asked {
  const at = "common_lb_config";
  const hashing = common?.consistentHashingLbConfig;
  const locality = common?.localityConfigSpecifier.case;
  return [
    [`${at}.zone_aware_lb_config`, locality === "zoneAwareLbConfig"],
    [`${at}.ignore_new_hosts_until_first_hc`, common?.ignoreNewHostsUntilFirstHc === true],
    [
      `${at}.close_connections_on_host_set_change`,
      common?.closeConnectionsOnHostSetChange === true,
    ],
    [`${at}.override_host_status`, common?.overrideHostStatus !== undefined],
    [
      `${at}.consistent_hashing_lb_config.hash_balance_factor`,
      hashing?.hashBalanceFactor !== undefined,
    ],
    [
      `${at}.consistent_hashing_lb_config.use_hostname_for_hashing`,
      hashing?.useHostnameForHashing === true,
    ],
  ];
}

function trafficFields({ outlierDetection: outliers, circuitBreakers: breakers }: Cluster): Asked {
  const at = "outlier_detection";
  return [
    [`${at}.monitors`, (outliers?.monitors.length ?? 0) > 0],
    [`${at}.split_external_local_origin_errors`, outliers?.splitExternalLocalOriginErrors === true],
    [`${at}.max_ejection_time_jitter`, outliers?.maxEjectionTimeJitter !== undefined],
    [`${at}.always_eject_one_host`, outliers?.alwaysEjectOneHost === true],
    ["circuit_breakers.per_host_thresholds", (breakers?.perHostThresholds.length ?? 0) > 0],
    [
      "circuit_breakers.thresholds of priority HIGH",
      breakers?.thresholds.some(({ priority }) => priority !== 0) === true,
    ],
  ];
}

function isLookedUp({ clusterDiscoveryType: { case: kind, value } }: Cluster): boolean {
  if (kind !== "type") return false;
  return value === Cluster_DiscoveryType.STRICT_DNS || value === Cluster_DiscoveryType.LOGICAL_DNS;
}

/** All addresses of all names are one locality of the first priority, equal in weight. */
function lookupFields(message: Cluster): Asked {
  const localities = message.loadAssignment?.endpoints ?? [];
  const weights = localities.flatMap(({ lbEndpoints }) =>
    lbEndpoints.map(({ loadBalancingWeight }) => loadBalancingWeight ?? 1),
  );
  const at = "load_assignment";
  return [
    ["dns_refresh_rate", message.dnsRefreshRate !== undefined],
    ["dns_resolvers", message.dnsResolvers.length > 0],
    ["dns_resolution_config", message.dnsResolutionConfig !== undefined],
    ["typed_dns_resolver_config", message.typedDnsResolverConfig !== undefined],
    ["use_tcp_for_dns_lookups", message.useTcpForDnsLookups],
    [`${at}.endpoints.priority`, localities.some(({ priority }) => priority > 0)],
    [`${at}.endpoints.lb_endpoints.load_balancing_weight`, new Set(weights).size > 1],
    [
      `${at}.policy.drop_overloads`,
      (message.loadAssignment?.policy?.dropOverloads.length ?? 0) > 0,
    ],
  ];
}
