/**
 * What the backend that a route names comes to: a cluster, or why there is none. The rules are
 * those of the Gateway API's BackendRef; its reasons stand in the condition ResolvedRefs.
 */
import type { BackendRef, GRPCRoute } from "../discovery/index.ts";
import type { Fault } from "./conditions.ts";
import type { Grants, RouteObjects } from "./route-objects.ts";

/** A backend that was looked up. */
export interface Backend {
  /**
   * "namespace/name:port". With a fault it ends with "#" and the reason: a cluster that is never
   * there, so that its share of calls is refused, also where the Service is there for others.
   */
  readonly cluster: string;
  readonly fault: Fault | null;
}

/** Looks up backends of one route, for one parent. */
export class Backends {
  readonly #route: GRPCRoute;
  readonly #objects: RouteObjects;
  readonly #grants: Grants;
  readonly #ownService: string | null;

  /**
   * @param ownService "namespace/name" of the Service of another namespace that the route is for
   *   (GAMMA's consumer route): its callers could go there without the route, so no grant is asked.
   */
  constructor(route: GRPCRoute, objects: RouteObjects, grants: Grants, ownService: string | null) {
    this.#route = route;
    this.#objects = objects;
    this.#grants = grants;
    this.#ownService = ownService;
  }

  /** The cluster of a backend. */
  find(ref: BackendRef): Backend {
    const namespace = ref.namespace ?? this.#route.metadata.namespace;
    const name = `${namespace}/${ref.name}${ref.port === null ? "" : `:${ref.port}`}`;
    const fault = this.#faultOf(ref, namespace);
    return { cluster: fault === null ? name : `${name}#${fault.reason}`, fault };
  }

  #faultOf(ref: BackendRef, namespace: string): Fault | null {
    const { group, kind, name, port } = ref;
    const key = `${namespace}/${name}`;
    if (group !== "" || kind !== "Service") {
      const full = group === "" ? kind : `${kind} of ${group}`;
      return { reason: "InvalidKind", message: `${full} ${key} is no backend, only Services are` };
    }
    const from = { kind: "GRPCRoute", namespace: this.#route.metadata.namespace };
    const isPermitted =
      key === this.#ownService || this.#grants.permits(from, { group, kind, namespace, name });
    if (!isPermitted) {
      const message =
        `Service ${key} is in another namespace, and no ReferenceGrant there allows ` +
        `GRPCRoutes of ${from.namespace} to refer to it`;
      return { reason: "RefNotPermitted", message };
    }
    const service = this.#objects.services.get(key);
    if (service === undefined) {
      return { reason: "BackendNotFound", message: `Service ${key} does not exist` };
    }
    if (service.type === "ExternalName") {
      // "Implementations SHOULD NOT support ExternalName Services" (CVE-2021-25740).
      const message = `Service ${key} is of type ExternalName, which is no backend`;
      return { reason: "InvalidKind", message };
    }
    if (port === null) {
      const message = `no port is given for Service ${key}`;
      return { reason: "BackendNotFound", message };
    }
    const found = service.ports.find((each) => each.port === port);
    if (found === undefined) {
      return { reason: "BackendNotFound", message: `Service ${key} has no port ${port}` };
    }
    if (found.protocol === "TCP") return null;
    const message = `port ${port} of Service ${key} is ${found.protocol}, gRPC needs TCP`;
    return { reason: "UnsupportedProtocol", message };
  }
}
