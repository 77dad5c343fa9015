/**
 * The endpoints of one cluster that is no aggregate: from EDS, from a lookup of names, or from the
 * cluster itself.
 */
import type { Endpoint } from "../../endpoint.ts";
import type { Resolver } from "../../resolver.ts";
import type { XdsClient } from "../client.ts";
import type { ClusterDiscovery, ClusterResource, DnsFamily } from "../decode/cluster.ts";
import { type AssignedLocality, ENDPOINTS_KIND, type LoadAssignment } from "../decode/endpoints.ts";
import type { Followed } from "../followed.ts";

/** Who hears of a leaf. */
export interface LeafUser {
  /** What is known changed. */
  onLeaf(): void;
}

type DnsDiscovery = Extract<ClusterDiscovery, { readonly kind: "dns" }>;

/** Makes a resolver for "dns:///host:port". */
export type ResolverMaker = (target: string) => Resolver;

/** See the head of this file. */
export class LeafWatch {
  readonly #key: string;
  readonly #user: LeafUser;
  /** By EDS. */
  readonly #pushed: Followed<LoadAssignment> | null = null;
  /** By lookups, or of the cluster itself. */
  #own: LoadAssignment | null = null;
  #isOwnKnown = false;
  #resolvers: Resolver[] = [];
  /** By the index of the name. */
  readonly #found = new Map<number, readonly Endpoint[]>();
  /** What is wrong, by the index of the name. */
  readonly #troubles = new Map<number, string>();
  #isClosed = false;

  constructor(cluster: ClusterResource, client: XdsClient, make: ResolverMaker, user: LeafUser) {
    this.#key = JSON.stringify(cluster.discovery);
    this.#user = user;
    const { discovery } = cluster;
    if (discovery.kind === "eds") {
      const change = () => this.#change();
      this.#pushed = client.follow(ENDPOINTS_KIND, discovery.serviceName, change);
    } else if (discovery.kind === "dns") this.#lookUp(cluster.name, discovery, make);
    else {
      this.#own = discovery.kind === "static" ? discovery.assignment : null;
      this.#isOwnKnown = true;
    }
  }

  /** Null while nothing is known. */
  get assignment(): LoadAssignment | null {
    return this.#pushed === null ? this.#own : this.#pushed.value;
  }

  /** Whether it is known what there is, be it nothing. */
  get isKnown(): boolean {
    return this.#pushed === null ? this.#isOwnKnown : this.#pushed.isKnown;
  }

  /** What is wrong; null when nothing is. */
  get trouble(): string | null {
    if (this.#pushed !== null) return this.#pushed.trouble;
    for (const trouble of this.#troubles.values()) return trouble;
    return null;
  }

  /** Whether it watches what this cluster says. */
  isFor({ discovery }: ClusterResource): boolean {
    return JSON.stringify(discovery) === this.#key;
  }

  /** Names are looked up again; of what is pushed nothing. */
  resolveNow(): void {
    for (const resolver of this.#resolvers) resolver.resolveNow();
  }

  /** Nothing follows. */
  close(): void {
    this.#isClosed = true;
    this.#pushed?.close();
    for (const resolver of this.#resolvers) resolver.close();
  }

  #change(): void {
    if (!this.#isClosed) this.#user.onLeaf();
  }

  /** All addresses of all names are one locality of the first priority. */
  #lookUp(name: string, { hosts, family }: DnsDiscovery, make: ResolverMaker): void {
    this.#resolvers = hosts.map((host) => make(`dns:///${host}`));
    for (const [i, resolver] of this.#resolvers.entries()) {
      resolver.start({
        onEndpoints: ({ endpoints }) => this.#onFound(name, i, ofFamily(endpoints, family)),
        onError: (reason) => {
          this.#troubles.set(i, reason);
          this.#gather(name);
          this.#change();
        },
      });
    }
  }

  #onFound(name: string, index: number, endpoints: readonly Endpoint[]): void {
    this.#found.set(index, endpoints);
    this.#troubles.delete(index);
    this.#gather(name);
    this.#change();
  }

  /** A part is not taken for the whole: of each name there is an answer, or a reason for none. */
  #gather(name: string): void {
    const isHeard = this.#resolvers.every((_, i) => this.#found.has(i) || this.#troubles.has(i));
    if (this.#found.size === 0 || !isHeard) return;
    const byAddress = new Map<string, Endpoint>();
    for (const list of this.#found.values())
      for (const each of list) byAddress.set(each.address, each);
    this.#isOwnKnown = true;
    this.#own = {
      name,
      localities: [localityOf([...byAddress.values()])],
      drops: [],
      overprovisioningPercent: null,
      notes: [],
    };
  }
}

/** Endpoints with what they have of a family of addresses (Envoy's dns_lookup_family). */
function ofFamily(endpoints: readonly Endpoint[], family: DnsFamily): readonly Endpoint[] {
  if (family === "any") return endpoints;
  const only = (isIt: (address: string) => boolean): Endpoint[] =>
    endpoints.flatMap((each) => {
      const addresses = each.addresses.filter(isIt);
      return addresses.length === 0 ? [] : [{ ...each, address: addresses[0]!, addresses }];
    });
  // "[::1]:50051" or "127.0.0.1:50051".
  const isV6 = (address: string): boolean => address.startsWith("[");
  if (family === "v6") return only(isV6);
  const v4 = only((address) => !isV6(address));
  return v4.length > 0 || family === "v4" ? v4 : endpoints;
}

function localityOf(endpoints: readonly Endpoint[]): AssignedLocality {
  return {
    ...{ name: "", zone: null, priority: 0, weight: null },
    endpoints: endpoints.map(({ addresses, weight, pod, uid, node }) => ({
      ...{ addresses, weight, pod, uid, node },
      health: "UNKNOWN" as const,
      socketMatch: {},
    })),
  };
}
