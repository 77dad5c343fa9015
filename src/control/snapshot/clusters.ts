/**
 * A Service's port as a Cluster (CDS): where its endpoints come from, and how they are called, for
 * each kind of node in its words. What a kind cannot do is named in the resource's problems.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
  HttpProtocolOptionsSchema,
  RESOURCE_TYPES,
  SERVICE_CONFIG_METADATA,
} from "../../xds/index.ts";
import type { NodeInfo, NodeKind, Resource } from "../resources.ts";
import { grpcPolicies, proxyPolicies } from "./policies.ts";
import { healthChecksOf, outlierDetectionOf, thresholdsOf } from "./protection.ts";
import { durationOf, encode, FROM_ADS, packed, resourceOf } from "./resource.ts";
import { DEFAULT_SETTINGS, type Settings, saysExtension } from "./settings.ts";

/** Cluster of Envoy through which connections go on to where they were going. */
export const PASSTHROUGH = "passthrough";
/** Cluster without endpoints: connections that were made to the capturing port itself. */
export const BLACKHOLE = "blackhole";

const CONNECT_TIMEOUT_MS = 5_000;
/** How long a connection of Envoy may be silent before it is asked, and the answer may take. */
const KEEPALIVE_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

/** What every cluster by EDS has. */
function edsCluster(name: string) {
  return {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: FROM_ADS },
    connectTimeout: durationOf(CONNECT_TIMEOUT_MS),
    // "NACKed by grpc-js-xds and older C-core" is anything else that they do not know.
    lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
  } as const;
}

/** A Service's port as nodes of a kind and agent are told of it. */
export function clusterResource(
  name: string,
  settings: Settings,
  kind: NodeKind,
  agent: NodeInfo["agent"],
): Resource {
  const make = kind === "grpc" ? grpcCluster : proxyCluster;
  const metadata = agent === "fairlead" ? metadataOf(settings) : {};
  // Who applies the service config itself lacks nothing of it.
  const isWhole = "metadata" in metadata && settings.problem === null;
  const problems = settings.problem === null ? [] : [settings.problem];
  const { body, lacking } = make(name, settings, metadata);
  return resourceOf(RESOURCE_TYPES.CDS, name, body, isWhole ? [] : [...problems, ...lacking]);
}

/**
 * Our own data planes get the whole service config as it was written, beside what xDS has words
 * for: `filter_metadata` "fairlead.dev", field `service_config`, its JSON as text.
 */
function metadataOf({ json }: Settings): ClusterMetadata {
  if (Object.keys(json).length === 0) return {};
  const fields = { service_config: JSON.stringify(json) };
  return { metadata: { filterMetadata: { [SERVICE_CONFIG_METADATA]: fields } } };
}

type ClusterMetadata = Pick<MessageInitShape<typeof ClusterSchema>, "metadata">;

/** A cluster, and what of its service config those it is for are not told. */
interface Encoded {
  readonly body: Uint8Array;
  readonly lacking: readonly string[];
}

/** For programs that balance themselves. */
function grpcCluster(name: string, settings: Settings, metadata: ClusterMetadata): Encoded {
  const { config } = settings;
  const problems: string[] = [];
  const loadBalancingPolicy = grpcPolicies(settings, problems);
  const { outlierDetection } = config.balancing;
  addGrpcProblems(settings, problems);
  const { maxRequests } = thresholdsOf(config);
  const body = encode(ClusterSchema, {
    ...edsCluster(name),
    ...metadata,
    loadBalancingPolicy,
    // "max_requests" is all that A32 has.
    circuitBreakers: { thresholds: [{ maxRequests: maxRequests! }] },
    ...(outlierDetection !== null && { outlierDetection: outlierDetectionOf(outlierDetection) }),
  });
  return { body, lacking: problems };
}

/** For Envoy, and for our own proxy, which reads the same words. */
function proxyCluster(name: string, settings: Settings, metadata: ClusterMetadata): Encoded {
  const { config } = settings;
  const problems: string[] = [];
  const loadBalancingPolicy = proxyPolicies(settings, problems);
  const { outlierDetection } = config.balancing;
  addProxyProblems(settings, problems);
  const { panicThresholdPercent } = config.extensions.locality;
  const body = encode(ClusterSchema, {
    ...edsCluster(name),
    ...metadata,
    loadBalancingPolicy,
    commonLbConfig: { healthyPanicThreshold: { value: panicThresholdPercent } },
    circuitBreakers: { thresholds: [thresholdsOf(config)] },
    ...(outlierDetection !== null && { outlierDetection: outlierDetectionOf(outlierDetection) }),
    healthChecks: healthChecksOf(config, name),
    // One that is gone from the objects is gone, whatever an active check says.
    ignoreHealthOnHostRemoval: true,
    typedExtensionProtocolOptions: HTTP2_UPSTREAM,
  });
  return { body, lacking: problems };
}

const HTTP2_UPSTREAM = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": packed(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: {
        protocolConfig: {
          case: "http2ProtocolOptions",
          value: {
            connectionKeepalive: {
              interval: durationOf(KEEPALIVE_MS),
              timeout: durationOf(KEEPALIVE_TIMEOUT_MS),
            },
          },
        },
      },
    },
  }),
};

/** What a gRPC client cannot be told by CDS. */
function addGrpcProblems(settings: Settings, problems: string[]): void {
  const { balancing, extensions, healthCheck, retryThrottling } = settings.config;
  const { circuitBreakers } = extensions;
  const say = (isSaid: boolean, text: string): void => {
    if (isSaid) problems.push(`${text}: not for gRPC clients by xDS`);
  };
  say(balancing.subsetting !== null, "policy random_subsetting");
  say((balancing.outlierDetection?.consecutiveErrors ?? null) !== null, "consecutiveErrors");
  say(extensions.slowStart !== null, "fairlead.slowStart");
  say(extensions.activeHealthCheck !== null, "fairlead.activeHealthCheck");
  say(saysExtension(settings, "retryBudget"), "fairlead.retryBudget");
  say(healthCheck !== null, "healthCheckConfig");
  say(retryThrottling !== null, "retryThrottling");
  for (const name of ["maxConnections", "maxPendingCalls", "maxRetries"] as const) {
    say((circuitBreakers?.[name] ?? null) !== null, `fairlead.circuitBreakers.${name}`);
  }
}

/** What a proxy cannot be told by CDS. */
function addProxyProblems({ config }: Settings, problems: string[]): void {
  const { balancing, healthCheck, retryThrottling } = config;
  const say = (isSaid: boolean, text: string): void => {
    if (isSaid) problems.push(`${text}: not for proxies by xDS`);
  };
  say(balancing.subsetting !== null, "policy random_subsetting");
  say(healthCheck !== null, "healthCheckConfig (fairlead.activeHealthCheck is done)");
  say(retryThrottling !== null, "retryThrottling (fairlead.retryBudget is done)");
}

/** A cluster that is named and has no Service, or none with that port. */
export function absentCluster(name: string, kind: NodeKind): Resource {
  return clusterResource(name, DEFAULT_SETTINGS, kind, "grpc");
}

/** The clusters of a sidecar that have no Service. */
export function plainClusters(): readonly Resource[] {
  const connectTimeout = durationOf(CONNECT_TIMEOUT_MS);
  const passthrough = encode(ClusterSchema, {
    name: PASSTHROUGH,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    connectTimeout,
    circuitBreakers: { thresholds: [UNLIMITED_CONNECTIONS] },
  });
  const blackhole = encode(ClusterSchema, {
    name: BLACKHOLE,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    connectTimeout,
  });
  return [
    resourceOf(RESOURCE_TYPES.CDS, BLACKHOLE, blackhole),
    resourceOf(RESOURCE_TYPES.CDS, PASSTHROUGH, passthrough),
  ];
}

const UNLIMITED_CONNECTIONS = { maxConnections: 0xff_ff_ff_ff, maxPendingRequests: 0xff_ff_ff_ff };
