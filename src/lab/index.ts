/**
 * Room `lab`: a small cluster on one machine, and experiments that compare the ways to reach it.
 *
 * What it is: pods that are real processes with stock gRPC servers on addresses of their own, and
 * come and go while it runs; a control plane (`cluster/`) and a DNS server (`dns/`) that know them;
 * a ClusterIP stand-in; and lanes: clients that reach the same pods in different ways, stock ones
 * and fairlead's, under the same load, at the same time. Shown in a terminal, on a page, and as
 * JSON.
 * Promises: every figure was measured on real sockets; a lane that cannot run says why; no process
 * outlives the lab, however it ends.
 * Must never: be imported by anything but `testing` and `cli`, listen or send beyond loopback or a
 * network namespace of its own unless the user names another address for the page, put rules into
 * the host's network, or show a figure that it did not measure.
 */

export {
  type LabCluster,
  type Objects,
  parseFaultKind,
  parseFaultRule,
  StoreZone,
  startCluster,
  Workload,
} from "./cluster/index.ts";
export { type DnsZone, LabDns } from "./dns/index.ts";
export { LabError } from "./error.ts";
export type { ServiceIp } from "./lanes/service-ip.ts";
export { startRelay } from "./lanes/service-ip-relay.ts";
export { LabOptionError, type LabOptions, parseLabOptions, type RawLabOptions } from "./options.ts";
export { Deployment } from "./pods/deployment.ts";
export { ECHO_SERVICE } from "./pods/echo.ts";
export { LOOPBACK } from "./pods/pod-network.ts";
export { LAB_TARGET, NAMESPACE, SERVICES } from "./pods/pod-objects.ts";
export { type LabDeps, runLab } from "./run.ts";
export {
  listScenarios,
  runScenarios,
  ScenarioError,
  type ScenarioOutput,
} from "./scenario/index.ts";
export { Children } from "./system/children.ts";
export { type KubeconfigFile, writeKubeconfig } from "./system/kubeconfig.ts";
export type { KeyInput } from "./terminal/keys.ts";
export type { LabStdout } from "./terminal/output.ts";
export type { OutputStyle } from "./terminal/table-pen.ts";
