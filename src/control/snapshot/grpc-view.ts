/**
 * What gRPC clients see: a listener and routes by the name of their target, and the clusters that
 * these lead to. Everything by name: a client asks for nothing else.
 */
import { clusterNameOf } from "../../routes/index.ts";
import { RESOURCE_TYPES, type ResourceType } from "../../xds/index.ts";
import type { Resource } from "../resources.ts";
import { listenerAbsence } from "./absence.ts";
import type { GrpcPort } from "./generation.ts";
import { clientListener } from "./listeners.ts";
import { listenerNamesOf, serviceOfListener } from "./names.ts";
import { isOfCluster, Perspective } from "./perspective.ts";
import { REFUSED } from "./route-configs.ts";

/** See the head of this file. */
export class GrpcView extends Perspective {
  get(type: ResourceType, name: string): Resource | null {
    if (type === RESOURCE_TYPES.CDS) return this.cluster(name, this.#isNamed(name));
    if (type === RESOURCE_TYPES.EDS) return this.assignment(name, this.#isNamed(name));
    const port = this.#portOf(name);
    if (port === null || type === RESOURCE_TYPES.SDS) return null;
    if (type === RESOURCE_TYPES.LDS) {
      return this.of.encoded(`client ${name}`, () => clientListener(name));
    }
    const { namespace } = this.viewer;
    const at = this.of.consumerOf(port.name, namespace);
    return this.of.routes(name, this.of.tableOf(port, namespace), "grpc", at);
  }

  absenceOf(type: ResourceType, name: string): string | null {
    // Of all other types names are ours: what leads there leads nowhere only for a moment.
    if (type !== RESOURCE_TYPES.LDS || name === "*" || this.#portOf(name) !== null) return null;
    return listenerAbsence(name, this.viewer.namespace, this.of.services);
  }

  namespaceOf(type: ResourceType, name: string): string | null {
    if (isOfCluster(type)) return this.namespaceOfCluster(name);
    return serviceOfListener(name, this.viewer.namespace)?.split("/")[0] ?? null;
  }

  protected override serviceKeyOf(type: ResourceType, name: string): string | null {
    if (isOfCluster(type)) return super.serviceKeyOf(type, name);
    return serviceOfListener(name, this.viewer.namespace);
  }

  protected *namesOf(type: ResourceType): Iterable<string> {
    if (type === RESOURCE_TYPES.SDS) return;
    for (const { entry, port, name } of this.of.grpcPorts) {
      if (isOfCluster(type)) yield name;
      else yield listenerNamesOf(entry.service, port, false).full[0]!;
    }
  }

  protected isListed(type: ResourceType, name: string): boolean {
    if (type === RESOURCE_TYPES.SDS) return false;
    if (isOfCluster(type)) {
      const { entry } = this.of.backendOf(name) ?? {};
      const isOf = ({ port }: { port: number }) => clusterNameOf(entry!.key, port) === name;
      return entry?.grpcPorts.some(isOf) ?? false;
    }
    const found = this.#portOf(name);
    if (found === null) return false;
    return listenerNamesOf(found.entry.service, found.port, false).full[0] === name;
  }

  /** The port that a target means. */
  #portOf(name: string): GrpcPort | null {
    const entry = this.of.services.get(serviceOfListener(name, this.viewer.namespace) ?? "");
    for (const [i, port] of (entry?.grpcPorts ?? []).entries()) {
      const { full, short } = listenerNamesOf(entry!.service, port, i === 0);
      const isShort = entry!.service.metadata.namespace === this.viewer.namespace;
      if (full.includes(name) || (isShort && short.includes(name))) {
        return { entry: entry!, port, name: clusterNameOf(entry!.key, port.port) };
      }
    }
    return null;
  }

  /** Whether the routes of some Service lead there. */
  #isNamed(cluster: string): boolean {
    return cluster === REFUSED || this.of.namedByServices.has(cluster);
  }
}
