/** What a cluster says of how calls are spread and bounded, as a gRPC service config. */
import { isJsonObject } from "../../../base/index.ts";
import { type Cluster, defined, SERVICE_CONFIG_METADATA } from "../../../xds/index.ts";
import { parseJsonText } from "../../service-config.ts";
import type { ClusterResource } from "./cluster.ts";

/** Policies that hash: weights of localities are part of each endpoint's own there (A42). */
export const HASHING: readonly string[] = ["ring_hash", "maglev"];

/** The service config of a cluster's metadata after `JSON.parse`; null when there is none. */
export function metadataServiceConfig(message: Cluster): Readonly<Record<string, unknown>> | null {
  const text = message.metadata?.filterMetadata[SERVICE_CONFIG_METADATA]?.service_config;
  if (typeof text !== "string") return null;
  const { value } = { value: null, ...parseJsonText(text) };
  // Of one that is no good the cluster's own fields say the most.
  return isJsonObject(value) ? value : null;
}

/** The service config, after `JSON.parse`, that says what a cluster says. */
export function serviceConfigOf(
  { policy, outliers, extensions, serviceConfig }: ClusterResource,
  overprovisioningPercent: number | undefined,
): Readonly<Record<string, unknown>> {
  if (serviceConfig !== null) return serviceConfig;
  const { entry } = policy;
  const list = outliers === undefined ? [entry] : around(outliers, entry);
  const locality = { ...Object(extensions.locality), ...defined({ overprovisioningPercent }) };
  const hasLocality = Object.keys(locality).length > 0;
  const fairlead = { ...extensions, ...(hasLocality ? { locality } : {}) };
  return {
    loadBalancingConfig: list,
    ...(Object.keys(fairlead).length === 0 ? {} : { fairlead }),
  };
}

function around(outliers: Readonly<Record<string, unknown>>, child: unknown) {
  return [{ outlier_detection: { ...outliers, childPolicy: [child] } }];
}
