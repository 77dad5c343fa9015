/**
 * Which names of resources may say something else in a generation than in the one before.
 *
 * Names too many do no harm (the version tells); one too few is a node that never hears of it.
 */
import type { RouteTable } from "../../routes/index.ts";
import { clusterNameOf } from "../../routes/index.ts";
import { RESOURCE_TYPES, type ResourceType } from "../../xds/index.ts";
import type { ObjectKey } from "../objects/state.ts";
import type { Generation } from "./generation.ts";
import { captureListenersOfIPv6, chainRoutesName, gatewayListenerName } from "./listeners.ts";
import { listenerNamesOf } from "./names.ts";
import { type GatewayPlan, type ServiceTables, tablesOf } from "./plan.ts";
import type { ServiceEntry } from "./service-entry.ts";

const { LDS, RDS, CDS, EDS, SDS } = RESOURCE_TYPES;

const CAPTURE_IPV6 = captureListenersOfIPv6().map(({ name }) => name);

/** See the head of this file. */
export class ChangedNames {
  readonly #names = new Map<ResourceType, Set<string>>();
  readonly #before: Generation;
  readonly #now: Generation;

  constructor(before: Generation, now: Generation) {
    this.#before = before;
    this.#now = now;
  }

  /** By type; types without a name are not in it. */
  get names(): ReadonlyMap<ResourceType, ReadonlySet<string>> {
    return this.#names;
  }

  /** All that differs, given the Services that may. */
  collect(services: Iterable<ObjectKey>): void {
    for (const key of services) this.#addService(key);
    if (this.#before.hasIPv6 !== this.#now.hasIPv6) this.#add(LDS, ...CAPTURE_IPV6);
    const [before, now] = [this.#before.plan, this.#now.plan];
    if (before !== now) {
      for (const cluster of keysOf(before.services, now.services)) {
        const [old, table] = [before.services.get(cluster), now.services.get(cluster)];
        if (old !== table) this.#addTables(cluster, old, table);
      }
      for (const gateway of keysOf(before.gateways, now.gateways)) {
        const [old, plan] = [before.gateways.get(gateway), now.gateways.get(gateway)];
        if (old === plan) continue;
        if (old !== undefined) this.#addGateway(gateway, old, this.#before);
        if (plan !== undefined) this.#addGateway(gateway, plan, this.#now);
      }
    }
    for (const key of keysOf(this.#before.secrets, this.#now.secrets)) {
      if (this.#before.secrets.get(key) !== this.#now.secrets.get(key)) this.#add(SDS, key);
    }
  }

  #add(type: ResourceType, ...names: readonly string[]): void {
    const known = this.#names.get(type) ?? new Set();
    this.#names.set(type, known);
    for (const name of names) known.add(name);
  }

  #addService(key: ObjectKey): void {
    const before = this.#before.services.get(key);
    const now = this.#now.services.get(key);
    if (before === now) return;
    const entries = [before, now].filter((entry) => entry !== undefined);
    const isSame = before?.service === now?.service;
    for (const entry of entries) {
      for (const { port } of entry.service.ports) this.#add(EDS, clusterNameOf(key, port));
      if (!isSame) this.#addNamesOf(entry);
    }
    if (before?.settings !== now?.settings) this.#addRoutesTo(key);
  }

  /** All but the endpoints. */
  #addNamesOf(entry: ServiceEntry): void {
    for (const { port } of entry.service.ports) this.#add(CDS, clusterNameOf(entry.key, port));
    for (const [i, port] of entry.grpcPorts.entries()) {
      const cluster = clusterNameOf(entry.key, port.port);
      const { full, short } = listenerNamesOf(entry.service, port, i === 0);
      this.#add(LDS, ...entry.capturedNames(port.port).keys(), ...full, ...short);
      this.#add(RDS, cluster, ...full, ...short);
    }
  }

  /** Routes say what the service configs of their clusters say of methods. */
  #addRoutesTo(service: ObjectKey): void {
    const { services, gateways } = this.#now.plan;
    const leadsThere = (table: RouteTable) =>
      [...this.#now.namedBy(table)].some((name) => name.startsWith(`${service}:`));
    for (const [cluster, tables] of services) {
      if (tablesOf(tables).some(leadsThere)) this.#addRoutesOf(cluster);
    }
    for (const [gateway, { listeners }] of gateways) {
      for (const listener of listeners) {
        const name = gatewayListenerName(gateway, listener);
        for (const chain of listener.chains) {
          if (leadsThere(chain.table)) this.#add(RDS, chainRoutesName(name, chain));
        }
      }
    }
  }

  #addTables(cluster: string, before?: ServiceTables, now?: ServiceTables): void {
    this.#addRoutesOf(cluster);
    for (const table of before === undefined ? [] : tablesOf(before)) {
      this.#addClustersOf(this.#before, table);
    }
    for (const table of now === undefined ? [] : tablesOf(now)) {
      this.#addClustersOf(this.#now, table);
    }
  }

  /** The routes of a Service's port, by all its names. */
  #addRoutesOf(cluster: string): void {
    this.#add(RDS, cluster);
    const backend = this.#now.backendOf(cluster) ?? this.#before.backendOf(cluster);
    const ports = backend?.entry.grpcPorts ?? [];
    const at = ports.findIndex(({ port }) => port === backend?.port);
    if (backend === null || at < 0) return;
    const { full, short } = listenerNamesOf(backend.entry.service, ports[at]!, at === 0);
    this.#add(RDS, ...full, ...short);
  }

  /** Clusters come and go as they are named. */
  #addClustersOf(generation: Generation, table: RouteTable): void {
    const names = [...generation.namedBy(table)];
    this.#add(CDS, ...names);
    this.#add(EDS, ...names);
  }

  #addGateway(gateway: ObjectKey, { listeners }: GatewayPlan, of: Generation): void {
    for (const listener of listeners) {
      const name = gatewayListenerName(gateway, listener);
      this.#add(LDS, name);
      for (const chain of listener.chains) {
        this.#add(RDS, chainRoutesName(name, chain));
        this.#add(SDS, ...chain.secrets);
        this.#addClustersOf(of, chain.table);
      }
    }
  }
}

function keysOf<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): ReadonlySet<string> {
  return new Set([...a.keys(), ...b.keys()]);
}
