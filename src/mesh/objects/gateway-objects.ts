/**
 * The objects that one Gateway is served by, as one state that is kept through every outage: the
 * Gateway, its class, routes and what these refer to.
 *
 * Least rights: the Gateway and its Secrets are watched by name. Without routes and Services there
 * is nothing to serve; any other kind that RBAC forbids, or that is not installed, counts as "there
 * are none". A Secret that becomes unusable leaves the last good one in force.
 */
import type { Clock, Logger, Timer } from "../../base/index.ts";
import type {
  Gateway,
  KindName,
  KubernetesObject,
  ObjectChange,
  ObjectQuery,
  ObjectSource,
  Secret,
  SourceProblem,
  Subscription,
} from "../../discovery/index.ts";
import type { RouteObjects } from "../../routes/index.ts";

/** Changes that come in a burst are taken together, at most so often. */
export const GATEWAY_INTERVAL_MS = 100;

/** Kinds that must be readable. */
const REQUIRED: readonly KindName[] = ["Gateway", "GRPCRoute", "Service"];

/** Which Gateway. */
export interface GatewayName {
  readonly namespace: string;
  readonly name: string;
}

/** What it needs and tells. */
export interface GatewayObjectsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly source: ObjectSource;
  /** Something changed, and all that is referred to is known. */
  onObjects(): void;
  /** A watch has nothing new to say; what is known stays. */
  onProblem(reason: string): void;
}

/** One watch, and how it stands. */
interface Watch {
  subscription: Subscription | null;
  isSynced: boolean;
}

type MutableObjects = { readonly [K in keyof RouteObjects]: Map<string, never> };

/** See the head of this file. */
export class GatewayObjects {
  readonly objects: RouteObjects;
  readonly #maps: Record<string, Map<string, KubernetesObject>> = {};
  readonly #gateway: GatewayName;
  readonly #deps: GatewayObjectsDeps;
  readonly #watches = new Map<string, Watch>();
  #timer: Timer | null = null;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(gateway: GatewayName, deps: GatewayObjectsDeps) {
    this.#gateway = gateway;
    this.#deps = deps;
    const map = (kind: KindName) => {
      this.#maps[kind] = new Map();
      return this.#maps[kind] as Map<string, never>;
    };
    const objects: MutableObjects = {
      gatewayClasses: map("GatewayClass"),
      gateways: map("Gateway"),
      routes: map("GRPCRoute"),
      grants: map("ReferenceGrant"),
      namespaces: map("Namespace"),
      services: map("Service"),
      secrets: map("Secret"),
    };
    this.objects = objects;
  }

  /** Begins to watch. */
  start(): void {
    const { namespace, name } = this.#gateway;
    this.#watch("Gateway", namespace, name);
    for (const kind of ["GRPCRoute", "Service", "ReferenceGrant"] as const) {
      this.#watch(kind, null, null);
    }
    for (const kind of ["GatewayClass", "Namespace"] as const) this.#watch(kind, "", null);
  }

  /** The Gateway as it is; null: there is none. */
  get gateway(): Gateway | null {
    const { namespace, name } = this.#gateway;
    return this.objects.gateways.get(`${namespace}/${name}`) ?? null;
  }

  close(): void {
    this.#timer?.cancel();
    for (const { subscription } of this.#watches.values()) subscription?.close();
    this.#watches.clear();
  }

  #watch(kind: KindName, namespace: string | null, name: string | null): void {
    const key = `${kind} ${namespace} ${name}`;
    const watch: Watch = { subscription: null, isSynced: false };
    this.#watches.set(key, watch);
    const query: ObjectQuery = { kind, namespace, name, label: null };
    watch.subscription = this.#deps.source.watch(query, {
      onChanges: (changes, isSynced) => {
        for (const change of changes) this.#apply(kind, change);
        watch.isSynced ||= isSynced;
        if (kind === "Gateway") this.#watchSecrets();
        this.#tellSoon();
      },
      onProblem: (problem) => this.#onProblem(kind, watch, problem),
      onRecovered: () => this.#tellSoon(),
    });
  }

  #apply(kind: KindName, { type, object }: ObjectChange): void {
    const { namespace, name } = object.metadata;
    const key = namespace === "" ? name : `${namespace}/${name}`;
    const map = this.#maps[kind];
    if (type === "delete") map.delete(key);
    else if (kind !== "Secret" || this.#isUsable(key, object as Secret)) map.set(key, object);
  }

  #isUsable(key: string, secret: Secret): boolean {
    const isWorse = secret.tls === null && this.objects.secrets.get(key)?.tls != null;
    if (!isWorse) return true;
    const fields = { secret: key, reason: secret.problem };
    this.#deps.log.warn("Secret cannot be used; the last good one stays", fields);
    return false;
  }

  /** Those that the Gateway's listeners name, and no others. */
  #watchSecrets(): void {
    const wanted = new Map<string, readonly [namespace: string, name: string]>();
    for (const { tls } of this.gateway?.listeners ?? []) {
      for (const ref of tls?.certificateRefs ?? []) {
        if (ref.group !== "" || ref.kind !== "Secret") continue;
        const namespace = ref.namespace ?? this.#gateway.namespace;
        wanted.set(`Secret ${namespace} ${ref.name}`, [namespace, ref.name]);
      }
    }
    for (const [key, watch] of this.#watches) {
      if (!key.startsWith("Secret ") || wanted.has(key)) continue;
      this.#watches.delete(key);
      watch.subscription?.close();
      const [, namespace, name] = key.split(" ");
      this.#maps.Secret.delete(`${namespace}/${name}`);
    }
    for (const [key, [namespace, name]] of wanted) {
      if (!this.#watches.has(key)) this.#watch("Secret", namespace, name);
    }
  }

  #onProblem(kind: KindName, watch: Watch, { kind: problem, reason }: SourceProblem): void {
    const isRefusal = problem === "forbidden" || problem === "absent";
    if (isRefusal && !REQUIRED.includes(kind)) {
      this.#deps.log.warn("objects that may matter cannot be read", { kind, reason });
      watch.isSynced = true;
      this.#tellSoon();
    } else this.#deps.onProblem(reason);
  }

  #tellSoon(): void {
    if (this.#timer !== null) return;
    const { clock } = this.#deps;
    const delayMs = Math.max(0, this.#toldMs + GATEWAY_INTERVAL_MS - clock.nowMs());
    this.#timer = clock.setTimer(delayMs, () => {
      this.#timer = null;
      if (![...this.#watches.values()].every(({ isSynced }) => isSynced)) return;
      this.#toldMs = clock.nowMs();
      this.#deps.onObjects();
    });
  }
}
