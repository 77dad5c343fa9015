/**
 * The balancing policy of fairlead's lanes, as users set it: the annotation
 * `fairlead.dev/service-config` of the Service, which client, proxies and control plane watch.
 */
import type { Objects } from "./cluster/index.ts";
import { policyConfig } from "./lanes/lane.ts";
import { NAMESPACE, SERVICES } from "./pods/pod-objects.ts";

/** Docs: "Service config". */
const ANNOTATION = "fairlead.dev/service-config";

/** The policy from now on; `policy` is a known name. */
export function setServicePolicy(objects: Objects, policy: string): void {
  const at = { kind: "Service", namespace: NAMESPACE, name: SERVICES.clusterIp };
  objects.patch(at, { metadata: { annotations: { [ANNOTATION]: policyConfig(policy) } } });
}
