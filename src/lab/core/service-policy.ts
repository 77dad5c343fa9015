/**
 * The balancing policy of fairlead's lanes, as users set it: the annotation
 * `fairlead.dev/service-config` of the Service, which client, proxies and control plane watch.
 */
import type { Objects } from "../cluster/index.ts";
import { policyConfig, policyEntry } from "../lanes/lane.ts";
import { NAMESPACE, SERVICES } from "../pods/pod-objects.ts";

/** Docs: "Service config". */
const ANNOTATION = "fairlead.dev/service-config";

/**
 * Outliers go after five calls in a row that failed by their fault (gRFC A50, and Envoy's
 * consecutive errors), for as short a time as can be watched.
 */
const EJECTION = {
  interval: "1s",
  baseEjectionTime: "5s",
  maxEjectionPercent: 50,
  consecutiveErrors: {},
};

/** What fairlead's lanes are told. */
export interface ServicePolicy {
  /** A known name. */
  readonly policy: string;
  /** Pods that fail calls are ejected for a while. */
  readonly hasOutliers: boolean;
}

/** The policy from now on. */
export function setServicePolicy(objects: Objects, { policy, hasOutliers }: ServicePolicy): void {
  const config = hasOutliers ? withEjection(policy) : policyConfig(policy);
  const at = { kind: "Service", namespace: NAMESPACE, name: SERVICES.clusterIp };
  objects.patch(at, { metadata: { annotations: { [ANNOTATION]: config } } });
}

function withEjection(policy: string): string {
  const childPolicy = [policyEntry(policy)];
  return JSON.stringify({
    loadBalancingConfig: [{ outlier_detection: { ...EJECTION, childPolicy } }],
  });
}
