/**
 * Which slices to write for a Service: the endpoints that should be, put into the slices that are,
 * as the endpointslice controller does it (k8s.io/endpointslice, reconciler.go).
 *
 * Endpoints stay in the slice they are in. New ones go into slices that change anyway, the fullest
 * first; then, all together, into the one slice that they fill best; then into new ones. Slices are
 * never made even. A Service without endpoints has one empty slice without ports. Pure.
 */
import { asJson, asText, type Json } from "../../../base/index.ts";
import { SERVICE_NAME_LABEL } from "../../../discovery/index.ts";
import { type ApiObject, asList, sameJson } from "../object.ts";
import {
  type AddressType,
  addressTypes,
  desiredGroups,
  endpointKey,
  type PortGroup,
  portsKey,
} from "./endpoints.ts";
import { withHints } from "./hints.ts";

/** Endpoints that the controller puts into a slice (--max-endpoints-per-slice). */
const ENDPOINTS_PER_SLICE = 100;
/** The value of the label that says who writes a slice. */
const MANAGED_BY = "endpointslice-controller.k8s.io";
const MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by";
const HEADLESS_LABEL = "service.kubernetes.io/headless";
const RESERVED = [SERVICE_NAME_LABEL, MANAGED_BY_LABEL, HEADLESS_LABEL];

/** What to write, in this order: first new slices, then changed ones, then deletions. */
export interface SlicePlan {
  /** Without a name: the API server makes it. */
  readonly create: readonly Json[];
  readonly update: readonly ApiObject[];
  readonly remove: readonly ApiObject[];
}

/** What a plan is made from. */
export interface PlanInput {
  readonly service: ApiObject;
  /** The pods that it selects, in the order in which new ones are put into slices. */
  readonly pods: readonly ApiObject[];
  readonly nodeOf: (name: string) => ApiObject | undefined;
  /** Its slices by this controller. */
  readonly slices: readonly ApiObject[];
  readonly perSlice?: number;
}

/** Makes the plan. Empty when everything is as it should be. */
export function planSlices(input: PlanInput): SlicePlan {
  const families = addressTypes(input.service);
  const strangers = input.slices.filter(
    (slice) => !families.includes(slice.addressType as AddressType),
  );
  const plans = families.map((family) => planFamily(input, family));
  return {
    create: plans.flatMap((plan) => plan.create),
    update: plans.flatMap((plan) => plan.update),
    remove: [...plans.flatMap((plan) => plan.remove), ...strangers],
  };
}

/** A slice on its way: where it comes from (null: new), and its endpoints as they shall be. */
interface Draft {
  readonly from: ApiObject | null;
  readonly ports: readonly Json[];
  readonly endpoints: Json[];
  isChanged: boolean;
}

function planFamily(input: PlanInput, family: AddressType): SlicePlan {
  const { service, pods, nodeOf, perSlice = ENDPOINTS_PER_SLICE } = input;
  const existing = input.slices.filter(({ addressType }) => addressType === family);
  const own = existing.filter((slice) => isOwnedBy(slice, service));
  const remove = existing.filter((slice) => !isOwnedBy(slice, service));
  const groups = desiredGroups(service, pods, nodeOf, family);
  const drafts: Draft[] = [];
  for (const group of groups) {
    const key = portsKey(group.ports);
    const slices = own.filter((slice) => portsKey(asList(slice.ports)) === key);
    const filled = fill(service, group, slices, perSlice);
    drafts.push(...filled.drafts);
    remove.push(...filled.remove);
  }
  const keys = new Set(groups.map(({ ports }) => portsKey(ports)));
  remove.push(...own.filter((slice) => !keys.has(portsKey(asList(slice.ports)))));
  const isNone = existing.length === remove.length && !drafts.some(({ from }) => from === null);
  if (isNone) {
    const placeholder = newSlice(service, family, []);
    if (remove.length === 1 && isPlaceholder(remove[0]!, placeholder)) remove.pop();
    else drafts.push({ from: null, ports: [], endpoints: [], isChanged: true });
  }
  return finalize(service, family, drafts, remove);
}

function fill(
  service: ApiObject,
  { ports, endpoints }: PortGroup,
  slices: readonly ApiObject[],
  perSlice: number,
): { drafts: Draft[]; remove: ApiObject[] } {
  const wanted = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const remove: ApiObject[] = [];
  const drafts: Draft[] = [];
  for (const slice of slices) {
    const draft = keep(service, slice, wanted);
    if (draft.isChanged && draft.endpoints.length === 0) remove.push(slice);
    else drafts.push(draft);
  }
  const rest = [...wanted.values()];
  const changed = drafts.filter(({ isChanged }) => isChanged);
  for (const draft of changed.sort((a, b) => b.endpoints.length - a.endpoints.length)) {
    draft.endpoints.push(...rest.splice(0, perSlice - draft.endpoints.length));
  }
  while (rest.length > 0) {
    const unchanged = drafts.filter(({ isChanged }) => !isChanged);
    let draft = rest.length < perSlice ? bestFit(unchanged, rest.length, perSlice) : null;
    if (draft === null) {
      draft = { from: null, ports, endpoints: [], isChanged: true };
      drafts.push(draft);
    }
    draft.endpoints.push(...rest.splice(0, perSlice - draft.endpoints.length));
    draft.isChanged = true;
  }
  return { drafts, remove };
}

/** The slice with what of it is still wanted, as it is now; taken out of `wanted`. */
function keep(service: ApiObject, slice: ApiObject, wanted: Map<string, Json>): Draft {
  const { trafficDistribution } = asJson(service.spec);
  const before = asList(slice.endpoints);
  const endpoints: Json[] = [];
  let isChanged = !sameJson(slice.metadata.labels ?? {}, labelsFor(service));
  for (const old of before) {
    const key = endpointKey(old);
    const now = wanted.get(key);
    if (now === undefined) continue;
    wanted.delete(key);
    endpoints.push(now);
    isChanged ||= !sameJson(withHints(now, trafficDistribution), old);
  }
  isChanged ||= endpoints.length !== before.length;
  return { from: slice, ports: asList(slice.ports), endpoints, isChanged };
}

/** The slice that will be closest to full with `count` more, or null. */
function bestFit(drafts: readonly Draft[], count: number, perSlice: number): Draft | null {
  let best: Draft | null = null;
  for (const draft of drafts) {
    const fits = draft.endpoints.length + count <= perSlice;
    if (fits && draft.endpoints.length > (best?.endpoints.length ?? 0)) best = draft;
  }
  return best;
}

/** A slice that would go and one that would come are one that changes. */
function finalize(
  service: ApiObject,
  family: AddressType,
  drafts: readonly Draft[],
  gone: readonly ApiObject[],
): SlicePlan {
  const create: Json[] = [];
  const update: ApiObject[] = [];
  const remove = [...gone];
  const { trafficDistribution } = asJson(service.spec);
  for (const { from, ports, endpoints, isChanged } of drafts) {
    if (!isChanged) continue;
    const hinted = endpoints.map((endpoint) => withHints(endpoint, trafficDistribution));
    if (from !== null) {
      update.push(changedSlice(service, from, ports, hinted));
      continue;
    }
    const index = remove.findIndex((slice) => isOwnedBy(slice, service));
    if (index < 0) create.push({ ...newSlice(service, family, hinted), ports });
    else update.push(changedSlice(service, remove.splice(index, 1)[0]!, ports, hinted));
  }
  return { create, update, remove };
}

function changedSlice(
  service: ApiObject,
  slice: ApiObject,
  ports: readonly Json[],
  endpoints: readonly Json[],
): ApiObject {
  const metadata = { ...slice.metadata, labels: labelsFor(service) };
  return { ...slice, metadata, ports, endpoints };
}

function newSlice(service: ApiObject, addressType: AddressType, endpoints: readonly Json[]): Json {
  const { name, namespace, uid } = service.metadata;
  return {
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType },
    metadata: {
      ...{ generateName: `${name}-`, namespace, labels: labelsFor(service) },
      ownerReferences: [
        {
          ...{ apiVersion: "v1", kind: "Service", name, uid },
          ...{ controller: true, blockOwnerDeletion: true },
        },
      ],
    },
    endpoints,
    ports: [],
  };
}

/** The Service's own labels, and the three that are the controller's. */
function labelsFor(service: ApiObject): Readonly<Record<string, string>> {
  const { labels = {}, name } = service.metadata;
  const own = Object.entries(labels).filter(([key]) => !RESERVED.includes(key));
  const clusterIp = asText(asJson(service.spec).clusterIP);
  const isHeadless = clusterIp === "None" || clusterIp === "";
  return {
    ...Object.fromEntries(own),
    ...(isHeadless ? { [HEADLESS_LABEL]: "" } : {}),
    [SERVICE_NAME_LABEL]: name,
    [MANAGED_BY_LABEL]: MANAGED_BY,
  };
}

/** Whether a slice is this controller's, for a Service of this name. */
export function isManagedFor(slice: ApiObject, serviceName: string): boolean {
  const { labels = {} } = slice.metadata;
  return labels[SERVICE_NAME_LABEL] === serviceName && labels[MANAGED_BY_LABEL] === MANAGED_BY;
}

function isOwnedBy(slice: ApiObject, service: ApiObject): boolean {
  const owners = asList(slice.metadata.ownerReferences);
  return owners.some(({ uid, kind }) => uid === service.metadata.uid && kind === "Service");
}

function isPlaceholder(slice: ApiObject, placeholder: Json): boolean {
  const { labels } = placeholder.metadata as { readonly labels: Json };
  const isEmpty = asList(slice.endpoints).length === 0 && asList(slice.ports).length === 0;
  return isEmpty && sameJson(slice.metadata.labels, labels);
}
