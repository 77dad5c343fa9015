/** The objects that routes are made of, and look-ups in them that several rules need. */
import type {
  GATEWAY_GROUP as DiscoveryGroup,
  Gateway,
  GatewayClass,
  GRPCRoute,
  GroupKind,
  LabelSelector,
  Namespace,
  ObjectMeta,
  ReferenceGrant,
  Secret,
  Service,
} from "../discovery/index.ts";

/** All of them at one time, by "namespace/name", or by name where they live in no namespace. */
export interface RouteObjects {
  readonly gatewayClasses: ReadonlyMap<string, GatewayClass>;
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly routes: ReadonlyMap<string, GRPCRoute>;
  readonly grants: ReadonlyMap<string, ReferenceGrant>;
  /** May lack some, or all: such a namespace has the label of its name only. */
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly services: ReadonlyMap<string, Service>;
  readonly secrets: ReadonlyMap<string, Secret>;
}

/** As `discovery` has it, of which this room loads types alone. */
export const GATEWAY_GROUP: typeof DiscoveryGroup = "gateway.networking.k8s.io";

/** The label that the API server gives each namespace. */
const NAME_LABEL = "kubernetes.io/metadata.name";

/** "namespace/name". */
export function keyOf({ namespace, name }: ObjectMeta): string {
  return `${namespace}/${name}`;
}

/** Whether a namespace's labels are as a selector has it; null selects none, an empty one all. */
export function selects(
  selector: LabelSelector | null,
  namespace: string,
  { namespaces }: RouteObjects,
): boolean {
  if (selector === null) return false;
  const labels = new Map(Object.entries(namespaces.get(namespace)?.metadata.labels ?? {}));
  labels.set(NAME_LABEL, namespace);
  for (const [key, value] of Object.entries(selector.matchLabels)) {
    if (labels.get(key) !== value) return false;
  }
  return selector.matchExpressions.every(({ key, operator, values }) => {
    const value = labels.get(key);
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    const isAmong = value !== undefined && values.includes(value);
    return operator === "In" ? isAmong : !isAmong;
  });
}

/** What ReferenceGrants allow: references from one namespace into another. */
export class Grants {
  readonly #byNamespace = new Map<string, ReferenceGrant[]>();
  readonly #all: ReadonlySet<ReferenceGrant>;

  constructor({ grants }: RouteObjects) {
    this.#all = new Set(grants.values());
    for (const grant of grants.values()) {
      const { namespace } = grant.metadata;
      const same = this.#byNamespace.get(namespace);
      if (same === undefined) this.#byNamespace.set(namespace, [grant]);
      else same.push(grant);
    }
  }

  /** Whether these are the grants that it was made of. */
  isOf({ grants }: RouteObjects): boolean {
    if (grants.size !== this.#all.size) return false;
    for (const grant of grants.values()) if (!this.#all.has(grant)) return false;
    return true;
  }

  /** @param from kind and namespace of what refers, a kind of the Gateway API. */
  permits(
    from: { readonly kind: string; readonly namespace: string },
    to: GroupKind & { readonly namespace: string; readonly name: string },
  ): boolean {
    if (from.namespace === to.namespace) return true;
    for (const grant of this.#byNamespace.get(to.namespace) ?? []) {
      const isFrom = grant.from.some(({ group, kind, namespace }) => {
        return group === GATEWAY_GROUP && kind === from.kind && namespace === from.namespace;
      });
      const isTo = grant.to.some(({ group, kind, name }) => {
        return group === to.group && kind === to.kind && (name === null || name === to.name);
      });
      if (isFrom && isTo) return true;
    }
    return false;
  }
}
