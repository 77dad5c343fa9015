/**
 * The lab's control plane: an API server of the Kubernetes REST dialect for the kinds that fairlead
 * reads, the endpointslice controller in small, and faults on command.
 *
 * What it is: Services, Pods, Nodes, Namespaces, EndpointSlices, Secrets, Leases and, where their
 * definitions are installed, the kinds of the Gateway API, with list, watch, create, update, patch
 * and delete, in the real server's words, on loopback; slices as the real controller writes them.
 * Promises: a client that works with it needs no special case for a real API server. Must never:
 * listen beyond loopback, or be taken for an API server to run anything on: it has no admission, no
 * quotas, no other kinds, and refuses little.
 */
export { ADMIN_RULES, type Rule, type User } from "./access.ts";
export { type CertificatePair, createLabAuthority, type LabAuthority } from "./certificates.ts";
export { type ClusterOptions, type LabCluster, startCluster } from "./cluster.ts";
export { type ControlServer, serveControl } from "./control.ts";
export { installGatewayApi } from "./custom.ts";
export { type FaultKind, type FaultRule, parseFaultKind, parseFaultRule } from "./faults.ts";
export type { ApiMeta, ApiObject } from "./object.ts";
export type { DeleteOptions, ObjectName, Objects } from "./objects.ts";
export { loadCertificates, type ServerCertificates } from "./tls-directory.ts";
export { type PodSpec, Workload } from "./workload.ts";
export { StoreZone } from "./zone.ts";
