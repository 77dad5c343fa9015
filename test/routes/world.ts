/**
 * A world of objects for tests of routes: YAML texts, each object checked as a source does, then
 * evaluated; and what calls and statuses come to in it, as short text.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { seededRng } from "../../src/base/index.ts";
import {
  checkObject,
  KINDS,
  type KindName,
  type KubernetesObject,
} from "../../src/discovery/index.ts";
import { statusName } from "../../src/grpc/index.ts";
import { headerList } from "../../src/http2/index.ts";
import {
  CONTROLLER_NAME,
  type Evaluation,
  type JudgedCondition,
  RouteEvaluator,
  RouteFinder,
  type RouteObjects,
  type RouteTable,
} from "../../src/routes/index.ts";

/** Headers of a call. */
export type Pairs = readonly (readonly [string, string])[];

const MAP_OF: Readonly<Partial<Record<KindName, keyof RouteObjects>>> = {
  GatewayClass: "gatewayClasses",
  Gateway: "gateways",
  GRPCRoute: "routes",
  ReferenceGrant: "grants",
  Namespace: "namespaces",
  Service: "services",
  Secret: "secrets",
};

/** Every object of YAML texts, checked. Throws when one is malformed. */
export function objectsOf(...texts: string[]): KubernetesObject[] {
  return texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => {
      const value = document.toJS() as { kind: KindName };
      assert.ok(value.kind in KINDS, value.kind);
      const checked = checkObject(value.kind, value, "default");
      assert.equal(checked.problem, null);
      return checked.object as KubernetesObject;
    }),
  );
}

/** A file of `fixtures`. */
export function fixture(name: string): string {
  return readFileSync(new URL(`./fixtures/${name}.yaml`, import.meta.url), "utf8");
}

/** Objects as an evaluation takes them. A later one of the same name counts. */
export function routeObjects(objects: readonly KubernetesObject[]): RouteObjects {
  const maps: Record<keyof RouteObjects, Map<string, KubernetesObject>> = {
    gatewayClasses: new Map(),
    gateways: new Map(),
    routes: new Map(),
    grants: new Map(),
    namespaces: new Map(),
    services: new Map(),
    secrets: new Map(),
  };
  for (const object of objects) {
    const { namespace, name } = object.metadata;
    const map = MAP_OF[object.kind];
    assert.ok(map !== undefined, object.kind);
    maps[map].set(namespace === "" ? name : `${namespace}/${name}`, object);
  }
  return maps as unknown as RouteObjects;
}

/** What a world comes to. */
export class World {
  readonly evaluation: Evaluation;

  constructor(objects: readonly KubernetesObject[]) {
    this.evaluation = new RouteEvaluator().evaluate(routeObjects(objects));
  }

  /** Names of listeners by port: "80/HTTP http; 443/HTTPS a | b". */
  ports(gateway: string): string {
    const { ports } = this.evaluation.gateways.get(gateway) ?? { ports: [] };
    const named = ports.map(({ port, protocol, chains }) => {
      const names = chains.map(({ listeners }) => listeners.join(" "));
      return `${port}/${protocol} ${names.join(" | ")}`;
    });
    return named.join("; ");
  }

  /** Where a call to a port of a Gateway goes. @param serverName of TLS; null without. */
  call(
    gateway: string,
    port: number,
    authority: string,
    path: string,
    pairs: Pairs = [],
    serverName: string | null = null,
  ): string {
    const { ports } = this.evaluation.gateways.get(gateway) ?? { ports: [] };
    const { chains } = ports.find((each) => each.port === port) ?? { chains: [] };
    const chain =
      chains.find(({ serverNames }) => serverName !== null && serverNames.includes(serverName)) ??
      chains.find(({ serverNames: [name] }) => {
        return serverName !== null && name?.startsWith("*.") && serverName.endsWith(name.slice(1));
      }) ??
      chains.find(({ serverNames }) => serverNames.length === 0);
    return chain === undefined ? "closed" : callOf(chain.table, authority, path, pairs);
  }

  /** Where a call to a port of a Service goes, from a namespace. */
  meshCall(service: string, port: number, from: string, path: string, pairs: Pairs = []): string {
    const { ports } = this.evaluation.services.get(service) ?? { ports: [] };
    const found = ports.find((each) => each.port.port === port);
    if (found === undefined) return "no such port";
    return callOf(found.consumers.get(from) ?? found.table, service, path, pairs);
  }

  /** Conditions of a route: "gateway[section]: Accepted ResolvedRefs=False/BackendNotFound". */
  route(key: string): string[] {
    return (this.evaluation.statuses.routes.get(key) ?? []).map((parent) => {
      assert.equal(parent.controllerName, CONTROLLER_NAME);
      const { name, sectionName } = parent.parentRef;
      const section = sectionName === null ? "" : `[${sectionName}]`;
      return `${name}${section}: ${short(parent.conditions)}`;
    });
  }

  /** Conditions of a Gateway, then of its listeners. */
  gateway(key: string): string[] {
    const status = this.evaluation.statuses.gateways.get(key);
    if (status === undefined) return [];
    const listeners = status.listeners.map(
      ({ name, attachedRoutes, supportedKinds, conditions }) =>
        `${name}: ${short(conditions)} kinds=${supportedKinds.map(({ kind }) => kind).join()} ` +
        `routes=${attachedRoutes}`,
    );
    return [short(status.conditions), ...listeners];
  }
}

/** Conditions that are as they must be by their type alone, others with status and reason. */
function short(conditions: readonly JudgedCondition[]): string {
  const words = conditions.map(({ type, status, reason }) => {
    const isGood = (status === "True") !== (type === "Conflicted");
    const isPlain = isGood && (type === reason || reason === "NoConflicts");
    return isPlain ? type : `${type}=${status}/${reason}`;
  });
  return words.join(" ");
}

/** "cluster" of one that all go to, "a 70 b 30" with weights, or the status. */
export function callOf(table: RouteTable, authority: string, path: string, pairs: Pairs): string {
  const route = new RouteFinder(table).find(authority, path, headerList(pairs), seededRng(1));
  if (route === null) return "UNIMPLEMENTED";
  const { action } = route;
  if (action.kind === "refuse") return statusName(action.status);
  const [first, ...rest] = action.clusters;
  if (rest.length === 0) return first.cluster;
  return action.clusters.map(({ cluster, weight }) => `${cluster} ${weight}`).join(", ");
}
