/**
 * Generation after generation of what the objects say: the `SnapshotSource` of the control plane.
 *
 * One notification of changed objects is one generation. Only the Services that are named in it are
 * made anew, and nothing is encoded before a node asks.
 */
import { type Secret, ZONE_LABEL } from "../../discovery/index.ts";
import { ANY_IPV4 } from "../../transport/index.ts";
import {
  areRoutesTouched,
  type ObjectKey,
  type ObjectsState,
  type TouchedKeys,
} from "../objects/state.ts";
import type {
  NodeInfo,
  SnapshotChange,
  SnapshotListener,
  SnapshotSource,
  View,
} from "../resources.ts";
import { ChangedNames } from "./changed-names.ts";
import { GatewayView } from "./gateway-view.ts";
import { Generation, type RoutesCache } from "./generation.ts";
import { GrpcView } from "./grpc-view.ts";
import { VIEWS_KEPT_MAX } from "./limits.ts";
import type { Perspective, Viewer } from "./perspective.ts";
import { EMPTY_PLAN, type RoutePlan } from "./plan.ts";
import { placeFor, ServiceEntry } from "./service-entry.ts";
import { SidecarView } from "./sidecar-view.ts";

/** Makes of all objects what routes come to. Asked only when a kind that it reads has changed. */
export interface RoutePlanner {
  /** What of a plan can be made ahead, as `ControlObjectsDeps.prepare` has it. */
  prepare?(state: ObjectsState, touched: TouchedKeys): Iterator<undefined, void> | null;
  plan(state: ObjectsState, touched: TouchedKeys, before: RoutePlan): RoutePlan;
}

/** See the head of this file. */
export class ObjectSnapshots implements SnapshotSource {
  readonly #state: ObjectsState;
  readonly #planner: RoutePlanner;
  readonly #listeners: SnapshotListener[] = [];
  readonly #routesCache: RoutesCache = new Map();
  #generation: Generation;
  #isSynced = false;
  /** Of the newest generation: by key, and by what of the key decides. */
  readonly #views = new Map<string, View>();
  readonly #end: () => void;

  /** @param state watched from now on; not closed with this. */
  constructor(state: ObjectsState, planner: RoutePlanner) {
    this.#state = state;
    this.#planner = planner;
    const routesCache = this.#routesCache;
    const [services, secrets] = [new Map(), new Map()];
    const first = { number: 0, services, plan: EMPTY_PLAN, secrets, routesCache };
    this.#generation = new Generation(first);
    this.#end = state.subscribe({ onObjects: (touched) => this.#onObjects(touched) });
    if (state.isSynced) this.#onObjects(everything(state));
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  subscribe(listener: SnapshotListener): void {
    this.#listeners.push(listener);
  }

  /** No further generation, and no call of a listener. */
  close(): void {
    this.#end();
    this.#listeners.length = 0;
  }

  viewKeyOf(node: NodeInfo): string {
    const zone = this.zoneOf(node);
    const viewer: Viewer = {
      kind: node.kind,
      agent: node.agent,
      place: { node: node.nodeName, zone },
      namespace: node.kind === "gateway" ? "" : node.namespace,
      gateway: node.kind === "gateway" ? node.gateway : null,
      listenHost: node.kind === "gateway" ? (node.listenHost ?? ANY_IPV4) : "",
    };
    return JSON.stringify(viewer);
  }

  viewOf(key: string): View {
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const asked = JSON.parse(key) as Viewer;
    const { sensitivity, hasConsumers } = this.#generation;
    // Names without a namespace are for gRPC clients only.
    const isNamespaced = asked.kind === "grpc" || hasConsumers;
    const namespace = isNamespaced ? asked.namespace : "";
    const viewer = { ...asked, namespace, place: placeFor(sensitivity, asked.place) };
    // Nodes at places that make no difference share a view.
    const shared = JSON.stringify(viewer);
    const view = this.#views.get(shared) ?? viewFor(this.#generation, viewer);
    if (this.#views.size >= VIEWS_KEPT_MAX) this.#views.clear();
    this.#views.set(shared, view);
    this.#views.set(key, view);
    return view;
  }

  zoneOf({ zone, nodeName }: NodeInfo): string | null {
    const node = nodeName === null ? undefined : this.#state.objects.Node.get(nodeName);
    return zone ?? node?.metadata.labels[ZONE_LABEL] ?? null;
  }

  #onObjects(touched: TouchedKeys): void {
    const before = this.#generation;
    const keys = new Set([
      ...(touched.get("Service") ?? []),
      ...(touched.get("EndpointSlice") ?? []),
    ]);
    const isRouted = areRoutesTouched(touched);
    const plan = isRouted ? this.#planner.plan(this.#state, touched, before.plan) : before.plan;
    const number = before.number + 1;
    const services = this.#servicesWith(keys);
    const secrets =
      plan === before.plan && !touched.has("Secret") ? before.secrets : this.#secretsOf(plan);
    const routesCache = this.#routesCache;
    const now = new Generation({ number, services, plan, secrets, routesCache });
    const changed = new ChangedNames(before, now);
    changed.collect(keys);
    this.#forgetRoutes(before, now, keys);
    this.#generation = now;
    this.#isSynced = true;
    this.#views.clear();
    const change: SnapshotChange = { generation: number, names: changed.names };
    for (const listener of [...this.#listeners]) listener.onSnapshot(change);
  }

  /** The Services of the next generation. */
  #servicesWith(keys: ReadonlySet<ObjectKey>): ReadonlyMap<ObjectKey, ServiceEntry> {
    const known = this.#generation.services;
    if (keys.size === 0) return known;
    const services = new Map(known);
    for (const key of keys) {
      const service = this.#state.objects.Service.get(key);
      // Slices without a Service are nobody's backends here: its ports say what is gRPC.
      if (service === undefined) services.delete(key);
      else {
        const objects = { service, slices: this.#state.slicesOf(key) };
        services.set(key, new ServiceEntry(objects, known.get(key) ?? null));
      }
    }
    return services;
  }

  #secretsOf({ gateways }: RoutePlan): ReadonlyMap<ObjectKey, Secret> {
    const found = new Map<ObjectKey, Secret>();
    for (const { listeners } of gateways.values()) {
      for (const key of listeners.flatMap(({ chains }) => chains.flatMap((c) => c.secrets))) {
        const secret = this.#state.objects.Secret.get(key);
        if (secret !== undefined) found.set(key, secret);
      }
    }
    return found;
  }

  /** Encoded routes of what is gone would be kept for ever. */
  #forgetRoutes(before: Generation, now: Generation, keys: ReadonlySet<ObjectKey>): void {
    const { gateways } = now.plan;
    const isServiceGone = [...keys].some(
      (key) => before.services.has(key) && !now.services.has(key),
    );
    const isGatewayGone = [...before.plan.gateways.keys()].some((key) => !gateways.has(key));
    if (isServiceGone || isGatewayGone) this.#routesCache.clear();
  }
}

function viewFor(generation: Generation, viewer: Viewer): Perspective {
  if (viewer.kind === "grpc") return new GrpcView(generation, viewer);
  if (viewer.kind === "sidecar") return new SidecarView(generation, viewer);
  return new GatewayView(generation, viewer);
}

/** As if everything had changed: for who comes when all is known. */
function everything(state: ObjectsState): TouchedKeys {
  const entries = Object.entries(state.objects).map(
    ([kind, objects]) => [kind, new Set(objects.keys())] as const,
  );
  return new Map(entries) as unknown as TouchedKeys;
}
