/**
 * What most cases begin with: a Service with pods that are objects only, and a watch of it.
 */
import type { PodSpec, PortSpec } from "../objects.ts";
import { Watch } from "../watch.ts";
import { type CaseContext, NODE } from "./case.ts";

/** The usual port of a Service of gRPC servers. */
export const GRPC_PORT: PortSpec = { name: "grpc", port: 80, targetPort: 50_051 };

/** A Pod object. */
export interface MadePod {
  readonly name: string;
  readonly ip: string;
  readonly uid: string;
}

/** Makes a Pod `NAME` of the Service `echo`, ready unless told otherwise. */
export async function makePod(
  { cluster, objects }: CaseContext,
  name: string,
  spec: Partial<PodSpec> = {},
): Promise<MadePod> {
  const ip = spec.ips?.[0] ?? cluster.nextIp();
  const pod: PodSpec = { node: NODE, ips: [ip], isReady: true, ...spec };
  return { name, ip, uid: await objects.pod(name, pod) };
}

/** Makes `count` Pods at once: PREFIX-0 and on. */
export function makePods(
  context: CaseContext,
  count: number,
  spec: Partial<PodSpec> = {},
  prefix = "echo",
): Promise<MadePod[]> {
  return Promise.all(
    Array.from({ length: count }, (_, i) => makePod(context, `${prefix}-${i}`, spec)),
  );
}

/** Watches a target until the case is over. */
export function watch(
  { cluster, defer }: CaseContext,
  target: string,
  flags: readonly string[] = [],
  kubeconfig = cluster.kubeconfig,
): Watch {
  const watching = new Watch(cluster, target, flags, kubeconfig);
  defer(() => watching.stop());
  return watching;
}

/** Addresses of pods. */
export function ipsOf(pods: readonly MadePod[]): string[] {
  return pods.map(({ ip }) => ip);
}
