/**
 * The suite against real servers: etcd, kube-apiserver, the endpointslice controller and CoreDNS,
 * in a network namespace. Needs root and the peers; otherwise each test is skipped by name.
 */
import { resolvConfCases } from "./cases/dns.ts";
import { startRealCluster } from "./real.ts";
import { kubernetesSuite } from "./suite.ts";

kubernetesSuite("kube-apiserver", startRealCluster, resolvConfCases);
