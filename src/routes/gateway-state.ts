/**
 * One Gateway of ours while routes attach to it, and what it comes to then: ports with their route
 * tables, and its status. gateway.networking.k8s.io/v1 Gateway.
 */
import type {
  Gateway,
  GatewayListener,
  GRPCRoute,
  ParentRef,
  Service,
} from "../discovery/index.ts";
import { type Fault, type JudgedGateway, type JudgedListener, judged } from "./conditions.ts";
import { addressesOf, type FoundAddresses } from "./gateway-addresses.ts";
import { ANY_HOST, intersectHostnames } from "./hostnames.ts";
import {
  judgeListener,
  type ListenerCertificate,
  type ListenerFindings,
} from "./judge-listener.ts";
import { listenerHosts, takenHosts } from "./listener-hosts.ts";
import type { Memo } from "./memo.ts";
import { type Grants, keyOf, type RouteObjects, selects } from "./route-objects.ts";
import type { CompiledRoute } from "./rules.ts";
import type { RouteTable } from "./table.ts";

/** What is served on one port of a Gateway. */
export interface GatewayPort {
  readonly port: number;
  readonly protocol: "HTTP" | "HTTPS";
  /** HTTP: one. HTTPS: one a listener, chosen by the server name that a client asks for. */
  readonly chains: readonly GatewayChain[];
}

/** How connections of a port are served, or those for some server names. */
export interface GatewayChain {
  /** Names of the listeners that it is made of. */
  readonly listeners: readonly string[];
  /** "a.b" or "*.b"; empty: any, and HTTP. */
  readonly serverNames: readonly string[];
  /** Of HTTPS: at least one. */
  readonly certificates: readonly ListenerCertificate[];
  readonly table: RouteTable;
}

/** A listener, and what has attached to it. */
interface ListenerState {
  readonly listener: GatewayListener;
  readonly findings: ListenerFindings;
  /** In their order. One whose rules are all refused is here, and not counted. */
  readonly routes: CompiledRoute[];
  /** Namespaces of routes that were asked for, and whether they are let in. */
  readonly allowed: Map<string, boolean>;
}

/** See the head of this file. */
export class GatewayState {
  readonly key: string;
  readonly gateway: Gateway;
  readonly #objects: RouteObjects;
  readonly #listeners: readonly ListenerState[];
  readonly #fault: Fault | null;
  readonly #found: FoundAddresses;

  /**
   * @param classFault why its GatewayClass is not accepted.
   * @param services that carry it.
   */
  constructor(
    gateway: Gateway,
    objects: RouteObjects,
    grants: Grants,
    classFault: Fault | null,
    services: readonly Service[],
  ) {
    this.key = keyOf(gateway.metadata);
    this.gateway = gateway;
    this.#objects = objects;
    this.#listeners = gateway.listeners.map((listener) => {
      const findings = judgeListener(listener, gateway, objects, grants);
      return { listener, findings, routes: [], allowed: new Map() };
    });
    this.#fault = classFault ?? this.#ownFault();
    this.#found = addressesOf(gateway, services);
  }

  /**
   * Attaches a route where one of its parents lets it. Routes come sorted by key, and one that
   * names it twice comes twice in a row.
   *
   * @returns why it may not be accepted there, or null.
   */
  attach(ref: ParentRef, compiled: CompiledRoute): Fault | null {
    let [isNamed, isAllowed, isFitting] = [false, false, false];
    for (const state of this.#listeners) {
      const { listener, routes } = state;
      if (ref.sectionName !== null && ref.sectionName !== listener.name) continue;
      if (ref.port !== null && ref.port !== listener.port) continue;
      isNamed = true;
      if (!this.#allows(state, compiled.object)) continue;
      isAllowed = true;
      if (!meetHostname(compiled.object.hostnames, listener.hostname ?? ANY_HOST)) continue;
      isFitting = true;
      if (routes.at(-1) !== compiled) routes.push(compiled);
    }
    if (isFitting) return null;
    if (!isNamed) {
      const message = `Gateway ${this.key} has no listener${sectionOf(ref)}`;
      return { reason: "NoMatchingParent", message };
    }
    if (!isAllowed) {
      const message =
        `no listener${sectionOf(ref)} of Gateway ${this.key} allows GRPCRoutes ` +
        `of namespace ${compiled.object.metadata.namespace}`;
      return { reason: "NotAllowedByListeners", message };
    }
    const message = `none of its hostnames is one of the listeners of Gateway ${this.key}`;
    return { reason: "NoMatchingListenerHostname", message };
  }

  #allows(state: ListenerState, { metadata: { namespace } }: GRPCRoute): boolean {
    let isAllowed = state.allowed.get(namespace);
    if (isAllowed === undefined) {
      isAllowed = this.#allowsNamespace(state, namespace);
      state.allowed.set(namespace, isAllowed);
    }
    return isAllowed;
  }

  #allowsNamespace({ listener, findings }: ListenerState, namespace: string): boolean {
    if (findings.supportedKinds.length === 0) return false;
    const { from, selector } = listener.allowedRoutes;
    if (from === "All") return true;
    if (from === "None") return false;
    if (from === "Same") return namespace === this.gateway.metadata.namespace;
    return selects(selector, namespace, this.#objects);
  }

  /** Ports with their tables, once all routes have attached. */
  ports(memo: Memo): readonly GatewayPort[] {
    if (this.#fault !== null) return [];
    const byPort = new Map<number, ListenerState[]>();
    for (const state of this.#listeners) {
      if (state.findings.acceptFault !== null) continue;
      const same = byPort.get(state.listener.port);
      if (same === undefined) byPort.set(state.listener.port, [state]);
      else same.push(state);
    }
    const numbers = [...byPort.keys()].sort((a, b) => a - b);
    return numbers.flatMap((number) => this.#port(byPort.get(number) ?? [], memo));
  }

  /** @param states of one port, all of one protocol: others are in conflict. */
  #port(states: readonly ListenerState[], memo: Memo): readonly GatewayPort[] {
    const served = states.filter(({ findings }) => findings.isServed);
    if (served.length === 0) return [];
    // One that is not served keeps what is its own all the same.
    const hostnames = states.map(({ listener }) => listener.hostname ?? ANY_HOST);
    const siblings = new Set(hostnames);
    const { port, protocol } = served[0].listener;
    const inputs = served.flatMap(({ listener, findings, routes }) => {
      const { certificates } = findings;
      const texts = certificates.flatMap(({ secret, cert, key }) => [secret, cert, key]);
      return [listener, ...texts, ...routes];
    });
    const key = `port ${this.key} ${port}`;
    const make = (): GatewayPort => {
      const chains = protocol === "HTTP" ? [this.#plain(served, siblings)] : null;
      return {
        port,
        protocol: protocol === "HTTP" ? "HTTP" : "HTTPS",
        chains: chains ?? served.map((state) => this.#chain(state, siblings)),
      };
    };
    return [memo.get(key, [...inputs, ...hostnames], make)];
  }

  #plain(served: readonly ListenerState[], siblings: ReadonlySet<string>): GatewayChain {
    const own = new Set(served.map(({ listener }) => listener.hostname ?? ANY_HOST));
    const away = new Set([...siblings].filter((hostname) => !own.has(hostname)));
    const hosts = served.flatMap((state) => this.#hosts(state, siblings));
    return {
      listeners: served.map(({ listener }) => listener.name),
      serverNames: [],
      certificates: [],
      table: { hosts: [...hosts, ...takenHosts(this.key, ANY_HOST, away)] },
    };
  }

  #chain(state: ListenerState, siblings: ReadonlySet<string>): GatewayChain {
    const { name, hostname } = state.listener;
    const taken = takenHosts(`${this.key} ${name}`, hostname ?? ANY_HOST, siblings);
    return {
      listeners: [name],
      serverNames: hostname === null ? [] : [hostname],
      certificates: state.findings.certificates,
      table: { hosts: [...this.#hosts(state, siblings), ...taken] },
    };
  }

  #hosts({ listener, routes }: ListenerState, siblings: ReadonlySet<string>) {
    const label = `${this.key} ${listener.name}`;
    const hostname = listener.hostname ?? ANY_HOST;
    return listenerHosts(label, hostname, siblings, routes);
  }

  /** The status, once all routes have attached. */
  status(): JudgedGateway {
    const { generation } = this.gateway.metadata;
    const isServed = this.#fault === null && this.#listeners.some((each) => each.findings.isServed);
    const accepted = judged("Accepted", this.#fault, generation, "Accepted");
    const notProgrammed: Fault = { reason: "Invalid", message: "no listener can be served" };
    return {
      addresses: isServed ? this.#found.addresses : [],
      conditions: [
        this.#fault === null ? { ...accepted, ...this.#acceptedWith() } : accepted,
        judged(
          "Programmed",
          isServed ? this.#found.fault : notProgrammed,
          generation,
          "Programmed",
        ),
      ],
      listeners: this.#listeners.map((state) => this.#listenerStatus(state)),
    };
  }

  #listenerStatus({ listener, findings, routes }: ListenerState): JudgedListener {
    const { generation } = this.gateway.metadata;
    const { acceptFault, conflict, refFault, isServed } = findings;
    const reason = acceptFault ?? refFault ?? this.#fault;
    const message = reason?.message ?? "";
    const isProgrammed = isServed && this.#fault === null;
    return {
      name: listener.name,
      supportedKinds: findings.supportedKinds,
      attachedRoutes: routes.filter((route) => !route.isWhollyInvalid).length,
      conditions: [
        judged("Accepted", acceptFault, generation, "Accepted"),
        judged("Conflicted", conflict, generation, "NoConflicts", "True"),
        judged("ResolvedRefs", refFault, generation, "ResolvedRefs"),
        judged(
          "Programmed",
          isProgrammed ? null : { reason: "Invalid", message },
          generation,
          "Programmed",
        ),
      ],
    };
  }

  #ownFault(): Fault | null {
    const { unsupported, addresses } = this.gateway;
    const parameters = unsupported.find((path) => path.endsWith(".parametersRef"));
    if (parameters !== undefined) {
      return { reason: "InvalidParameters", message: `${parameters}: no parameters are supported` };
    }
    const foreign = addresses.find(({ type }) => type !== "IPAddress" && type !== "Hostname");
    if (foreign !== undefined) {
      const message = `addresses of type ${foreign.type} are not supported`;
      return { reason: "UnsupportedAddress", message };
    }
    if (this.#listeners.some(({ findings }) => findings.acceptFault === null)) return null;
    return { reason: "ListenersNotValid", message: this.#invalidListeners() };
  }

  /** The reason and message of a Gateway that is accepted. */
  #acceptedWith(): Fault {
    const invalid = this.#invalidListeners();
    const idle = this.gateway.unsupported.filter((path) => path !== "spec.tls.frontend");
    const notes = [invalid, idle.length === 0 ? "" : `without effect here: ${idle.join(", ")}`];
    return {
      reason: invalid === "" ? "Accepted" : "ListenersNotValid",
      message: notes.filter((note) => note !== "").join("; "),
    };
  }

  #invalidListeners(): string {
    const invalid = this.#listeners.flatMap(({ listener, findings }) => {
      const { acceptFault } = findings;
      return acceptFault === null ? [] : [`listener ${listener.name}: ${acceptFault.message}`];
    });
    return invalid.join("; ");
  }
}

/** What narrows a parent down, to stand behind "listener"; "" where nothing does. */
function sectionOf({ sectionName, port }: ParentRef): string {
  const section = sectionName === null ? "" : ` named ${sectionName}`;
  return port === null ? section : `${section} on port ${port}`;
}

function meetHostname(hostnames: readonly string[], own: string): boolean {
  if (hostnames.length === 0) return true;
  return hostnames.some((hostname) => intersectHostnames(hostname, own) !== null);
}
