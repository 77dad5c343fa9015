/**
 * What the proxies of one Gateway see: its listeners, their routes, the certificates that they
 * serve, and the clusters that the routes lead to; nothing else of the cluster.
 */
import { RESOURCE_TYPES, type ResourceType } from "../../xds/index.ts";
import type { Resource } from "../resources.ts";
import {
  chainRoutesName,
  gatewayListener,
  gatewayListenerName,
  secretResource,
} from "./listeners.ts";
import { isOfCluster, Perspective } from "./perspective.ts";
import type { PlannedChain, PlannedListener } from "./plan.ts";

/** See the head of this file. */
export class GatewayView extends Perspective {
  readonly #encoded = new Map<string, Resource>();
  #listeners: ReadonlyMap<string, PlannedListener> | null = null;
  #chains: ReadonlyMap<string, PlannedChain> | null = null;
  #clusters: ReadonlySet<string> | null = null;
  #certificates: ReadonlySet<string> | null = null;

  get(type: ResourceType, name: string): Resource | null {
    switch (type) {
      case RESOURCE_TYPES.LDS: {
        const listener = this.#byName.get(name);
        if (listener === undefined) return null;
        const { listenHost } = this.viewer;
        // Kept with the view: where nodes listen is theirs to say.
        const known = this.#encoded.get(name) ?? gatewayListener(name, listener, listenHost);
        this.#encoded.set(name, known);
        return known;
      }
      case RESOURCE_TYPES.RDS: {
        const chain = this.#routes.get(name);
        return chain === undefined ? null : this.of.routes(name, chain.table, "gateway");
      }
      case RESOURCE_TYPES.CDS:
        return this.#named.has(name) ? this.cluster(name, true) : null;
      case RESOURCE_TYPES.EDS:
        return this.#named.has(name) ? this.assignment(name, true) : null;
      case RESOURCE_TYPES.SDS: {
        const tls = this.#secrets.has(name) ? this.of.secrets.get(name)?.tls : null;
        if (tls == null) return null;
        return this.of.encoded(`secret ${name}`, () => secretResource(name, tls));
      }
      default:
        return null;
    }
  }

  absenceOf(type: ResourceType, name: string): string | null {
    if (type !== RESOURCE_TYPES.LDS || name !== "*" || this.#byName.size > 0) return null;
    const gateway = this.viewer.gateway ?? "";
    const { gateways, otherGateways } = this.of.plan;
    if (gateways.has(gateway)) return `Gateway ${gateway} has no listener that can be served`;
    const why = otherGateways.get(gateway);
    return why === undefined ? `no Gateway ${gateway}` : `Gateway ${gateway} ${why}`;
  }

  /** A backend in another namespace was granted to the route that names it. */
  namespaceOf(type: ResourceType, name: string): string | null {
    const own = this.viewer.gateway?.split("/")[0] ?? null;
    return isOfCluster(type) && !this.#named.has(name) ? this.namespaceOfCluster(name) : own;
  }

  protected namesOf(type: ResourceType): Iterable<string> {
    if (type === RESOURCE_TYPES.LDS) return this.#byName.keys();
    if (type === RESOURCE_TYPES.RDS) return this.#routes.keys();
    return type === RESOURCE_TYPES.SDS ? this.#secrets : this.#named;
  }

  protected isListed(type: ResourceType, name: string): boolean {
    if (type === RESOURCE_TYPES.LDS) return this.#byName.has(name);
    if (type === RESOURCE_TYPES.RDS) return this.#routes.has(name);
    return type === RESOURCE_TYPES.SDS ? this.#secrets.has(name) : this.#named.has(name);
  }

  get #byName(): ReadonlyMap<string, PlannedListener> {
    const { gateway } = this.viewer;
    const plan = gateway === null ? undefined : this.of.plan.gateways.get(gateway);
    this.#listeners ??= new Map(
      plan?.listeners.map((listener) => [gatewayListenerName(gateway!, listener), listener]),
    );
    return this.#listeners;
  }

  get #routes(): ReadonlyMap<string, PlannedChain> {
    this.#chains ??= new Map(
      [...this.#byName].flatMap(([name, { chains }]) =>
        chains.map((chain) => [chainRoutesName(name, chain), chain] as const),
      ),
    );
    return this.#chains;
  }

  get #secrets(): ReadonlySet<string> {
    this.#certificates ??= new Set([...this.#routes.values()].flatMap(({ secrets }) => secrets));
    return this.#certificates;
  }

  get #named(): ReadonlySet<string> {
    this.#clusters ??= new Set(
      [...this.#routes.values()].flatMap(({ table }) => [...this.of.namedBy(table)]),
    );
    return this.#clusters;
  }
}
