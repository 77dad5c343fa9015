/**
 * The writing verbs of the API server (create, update, patch, delete) with the rules that all kinds
 * share: names, uids, resourceVersions, graceful deletion, the `status` subresource.
 *
 * It is also how the lab's own code writes, in the same process. No HTTP here, no access rules.
 */
import { asJson, asText, type Clock, isJsonObject, type Json, type Rng } from "../../base/index.ts";
import { AddressPool } from "./address-pool.ts";
import { invalidValue } from "./causes.ts";
import { DEFINITION_KIND, definedBy, instancesOf } from "./custom.ts";
import { firstStatus, withDefaults } from "./defaults.ts";
import { type ApiMeta, type ApiObject, keyOf, sameJson, timestamp } from "./object.ts";
import { applyPatch } from "./patch.ts";
import { apiVersionOf, type Resource, resourceOf } from "./resources.ts";
import {
  ApiError,
  alreadyExists,
  badRequest,
  conflict,
  invalid,
  modified,
  notFound,
} from "./status.ts";
import type { Store } from "./store.ts";
import { validate } from "./validate.ts";

/** Where an object is: "" as namespace of a kind that lives in none. */
export interface ObjectName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** What a delete may ask for. */
export interface DeleteOptions {
  /** Null for the object's own grace. */
  readonly gracePeriodSeconds?: number | null;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** What writing needs. */
export interface ObjectsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** The alphabet of generated names: no vowels, so that no words come out (apimachinery, rand). */
const NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** Reads and writes objects. All methods throw `ApiError`. */
export class Objects {
  readonly store: Store;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #pool: AddressPool;

  constructor({ store, clock, rng }: ObjectsDeps) {
    this.store = store;
    this.#clock = clock;
    this.#rng = rng;
    this.#pool = new AddressPool(store);
  }

  get(at: ObjectName): ApiObject {
    const object = this.store.get(at.kind, keyAt(at));
    if (!object) throw notFound(resourceOf(at.kind), at.name);
    return object;
  }

  /** Creates an object from what its author wrote; `namespace` is the URL's. */
  create(kind: string, namespace: string, given: unknown): ApiObject {
    const resource = resourceOf(kind);
    const body = checkBody(resource, given, namespace);
    const meta = asJson(body.metadata);
    if (asText(meta.resourceVersion) !== "" && meta.resourceVersion !== "0") {
      throw new ApiError(500, "", "resourceVersion should not be set on objects to be created");
    }
    this.#checkNamespace(resource, namespace);
    const name = asText(meta.name) || this.#generatedName(asText(meta.generateName));
    const metadata = {
      ...meta,
      name,
      ...(resource.isNamespaced ? { namespace } : {}),
      uid: this.#uid(),
      resourceVersion: "",
      creationTimestamp: timestamp(this.#clock.wallMs()),
    } as unknown as ApiMeta;
    const { status: written, ...rest } = body;
    const status = resource.hasStatus ? firstStatus(kind) : written;
    const part = status === undefined || status === null ? {} : { status };
    const object = { apiVersion: apiVersionOf(resource), kind, ...rest, metadata, ...part };
    const whole = withDefaults(object as ApiObject, null, this.#pool.allocate);
    validate(whole, null);
    if (this.store.get(kind, keyOf(whole.metadata))) throw alreadyExists(resource, name);
    return this.store.put(kind, whole);
  }

  /** Replaces an object. Without a resourceVersion in it, whatever is there is replaced. */
  update(at: ObjectName, given: unknown, part: "object" | "status" = "object"): ApiObject {
    const resource = resourceOf(at.kind);
    const body = checkBody(resource, given, at.namespace);
    const name = asText(asJson(body.metadata).name);
    if (name === "") {
      const subject = `the name of the object (${at.name} based on URL)`;
      throw badRequest(`${subject} was undeterminable: name must be provided`);
    }
    if (name !== at.name) {
      const subject = `the name of the object (${name})`;
      throw badRequest(`${subject} does not match the name on the URL (${at.name})`);
    }
    if (resource.createsOnUpdate && part === "object" && !this.store.get(at.kind, keyAt(at))) {
      // Who names the object that he has seen does not want another.
      const uid = asText(asJson(body.metadata).uid);
      if (uid !== "") throw conflict(resource, name, uidText(uid, ""));
      return this.create(at.kind, at.namespace, given);
    }
    const before = this.get(at);
    if (resource.needsVersion && !hasVersion(body)) {
      const cause = invalidValue("metadata.resourceVersion", 0, "must be specified for an update");
      throw invalid(resource, at.name, [cause]);
    }
    return this.#replace(resource, before, body, part);
  }

  /** Applies a patch. A resourceVersion in it must be the present one. */
  patch(
    at: ObjectName,
    patch: unknown,
    { isStrategic = false, part = "object" as "object" | "status" } = {},
  ): ApiObject {
    if (!isJsonObject(patch)) throw badRequest("error decoding patch: it must be a JSON object");
    const before = this.get(at);
    const body = applyPatch(before, patch, isStrategic);
    const { uid } = asJson(body.metadata);
    if (uid !== undefined && uid !== before.metadata.uid) {
      const cause = invalidValue("metadata.uid", uid, "field is immutable");
      throw invalid(resourceOf(at.kind), at.name, [cause, cause]);
    }
    return this.#replace(resourceOf(at.kind), before, body, part);
  }

  /**
   * Deletes an object, or begins to: a pod on a node stays, Terminating, until a delete with grace
   * 0 (which is the kubelet's in a cluster). Answers the object and whether it is gone.
   */
  delete(at: ObjectName, options: DeleteOptions = {}): { object: ApiObject; isGone: boolean } {
    const resource = resourceOf(at.kind);
    const before = this.get(at);
    checkPreconditions(resource, before, options);
    if (at.kind === DEFINITION_KIND) this.#deleteInstances(at.name);
    const seconds = at.kind === "Pod" ? graceOf(before, options.gracePeriodSeconds ?? null) : 0;
    if (seconds === 0) {
      const { metadata, ...rest } = this.store.remove(at.kind, keyAt(at));
      const last = at.kind === "Pod" ? { deletionGracePeriodSeconds: 0 } : {};
      return { object: { ...rest, metadata: { ...metadata, ...last } } as ApiObject, isGone: true };
    }
    const running = before.metadata.deletionGracePeriodSeconds;
    // A deletion that is under way can be shortened only.
    if (running !== undefined && seconds >= running) return { object: before, isGone: false };
    const since = before.metadata.deletionTimestamp;
    const beganMs = since ? Date.parse(since) - (running ?? 0) * 1000 : this.#clock.wallMs();
    const metadata = {
      ...before.metadata,
      deletionTimestamp: timestamp(beganMs + seconds * 1000),
      deletionGracePeriodSeconds: seconds,
    };
    return { object: this.store.put(at.kind, { ...before, metadata }), isGone: false };
  }

  /** Its objects go before a definition does. */
  #deleteInstances(definition: string): void {
    const resource = definedBy(definition);
    if (resource === undefined) return;
    for (const { kind, metadata } of instancesOf(this.store, resource)) {
      this.store.remove(kind, keyOf(metadata));
    }
  }

  #replace(
    resource: Resource,
    before: ApiObject,
    body: Json,
    part: "object" | "status",
  ): ApiObject {
    const { name } = before.metadata;
    const meta = asJson(body.metadata);
    const version = asText(meta.resourceVersion);
    if (version !== "" && version !== "0" && version !== before.metadata.resourceVersion) {
      throw modified(resource, name);
    }
    const uid = asText(meta.uid);
    if (uid !== "" && uid !== before.metadata.uid) {
      throw conflict(resource, name, uidText(uid, before.metadata.uid));
    }
    const kept = { apiVersion: before.apiVersion, kind: before.kind };
    const whole: ApiObject =
      part === "status"
        ? { ...before, ...(body.status === undefined ? {} : { status: body.status }) }
        : withDefaults(
            {
              ...{ ...body, ...kept, metadata: keptMeta(meta, before.metadata) },
              ...(resource.hasStatus ? statusOf(before) : {}),
            },
            before,
            this.#pool.allocate,
          );
    validate(whole, before);
    // What changes nothing makes no revision (etcd3 store, GuaranteedUpdate).
    return sameJson(whole, before) ? before : this.store.put(before.kind, whole);
  }

  #checkNamespace(resource: Resource, namespace: string): void {
    if (!resource.isNamespaced || this.store.get("Namespace", namespace)) return;
    throw notFound(resourceOf("Namespace"), namespace);
  }

  #generatedName(prefix: string): string {
    if (prefix === "") return "";
    let name = prefix;
    for (let i = 0; i < 5; i += 1) name += NAME_LETTERS[this.#rng.int(NAME_LETTERS.length)];
    return name;
  }

  /** Random, as RFC 9562 version 4 writes it. */
  #uid(): string {
    return "xxxxxxxx-xxxx-4xxx-9xxx-xxxxxxxxxxxx".replace(/x/g, () =>
      this.#rng.int(16).toString(16),
    );
  }
}

/** Its status, if it has one; an `undefined` would be no JSON. */
function statusOf({ status }: ApiObject): Json {
  return status === undefined ? {} : { status };
}

function uidText(wanted: string, found: string): string {
  return `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${found}`;
}

function hasVersion(body: Json): boolean {
  const version = asText(asJson(body.metadata).resourceVersion);
  return version !== "" && version !== "0";
}

function keyAt({ kind, namespace, name }: ObjectName): string {
  return resourceOf(kind).isNamespaced ? `${namespace}/${name}` : name;
}

/** What only the server writes stays as it was. */
function keptMeta(given: Json, before: ApiMeta): ApiMeta {
  const { uid, resourceVersion, creationTimestamp, name, namespace } = before;
  const { deletionTimestamp, deletionGracePeriodSeconds, generation } = before;
  const server = { deletionTimestamp, deletionGracePeriodSeconds, generation, namespace };
  const set = Object.entries(server).filter(([, value]) => value !== undefined);
  const {
    deletionTimestamp: _d,
    deletionGracePeriodSeconds: _s,
    generation: _g,
    namespace: _n,
    ...rest
  } = given;
  return { ...rest, name, uid, resourceVersion, creationTimestamp, ...Object.fromEntries(set) };
}

function checkBody(resource: Resource, given: unknown, namespace: string): Json {
  if (!isJsonObject(given)) {
    throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`);
  }
  const apiVersion = asText(given.apiVersion) || apiVersionOf(resource);
  const kind = asText(given.kind) || resource.kind;
  if (kind !== resource.kind || apiVersion !== apiVersionOf(resource)) {
    const version = apiVersion.replace(/^.*\//, "");
    throw badRequest(
      `${kind} in version "${version}" cannot be handled as a ${resource.kind}: ` +
        `no kind "${kind}" is registered for ${apiVersion} at this path`,
    );
  }
  const own = asText(asJson(given.metadata).namespace);
  if (resource.isNamespaced && own !== "" && own !== namespace) {
    throw badRequest(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
  return given;
}

function checkPreconditions(
  resource: Resource,
  { metadata }: ApiObject,
  { preconditions = {} }: DeleteOptions,
): void {
  const { uid, resourceVersion } = preconditions;
  // The real server names the kind here where it names the resource elsewhere.
  const named = { group: resource.group, plural: resource.kind };
  const fail = (what: string, wanted: string, found: string, end: string): never => {
    const why = `the ${what} in the precondition (${wanted}) does not match the ${what} in record`;
    throw conflict(named, metadata.name, `${why} (${found}). The object might have been ${end}`);
  };
  if (uid !== undefined && uid !== metadata.uid) {
    fail("UID", uid, metadata.uid, "deleted and then recreated");
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    fail("ResourceVersion", resourceVersion, metadata.resourceVersion, "modified");
  }
}

/** How long a pod stays: not at all before it is on a node or after it has ended (podStrategy). */
function graceOf(pod: ApiObject, asked: number | null): number {
  const spec = asJson(pod.spec);
  const phase = asJson(pod.status).phase;
  if (asText(spec.nodeName) === "" || phase === "Failed" || phase === "Succeeded") return 0;
  const seconds = asked ?? Number(spec.terminationGracePeriodSeconds ?? 30);
  return Math.max(0, seconds);
}
