/**
 * The check of an EndpointSlice (discovery.k8s.io/v1).
 *
 * What is wrong with one endpoint costs that endpoint; what is wrong with the slice, or with all
 * its endpoints, costs the slice, of which the last good version then stays. More entries than the
 * API server allows can only come from something that is not one, or from a file: then no part of
 * the slice can be believed.
 */
import {
  addressOf,
  type Fields,
  fieldsOf,
  flagOf,
  labelOf,
  listOf,
  Malformed,
  nameOf,
  portOf,
  refuse,
  textOf,
  wordOf,
} from "./fields.ts";
import type { EndpointSlice, ObjectMeta, SliceEndpoint, SlicePort, TargetRef } from "./objects.ts";

/** Endpoints of a slice: what the API server allows (its validation of discovery.k8s.io). */
export const SLICE_ENDPOINTS_MAX = 1000;
/** Ports of a slice: likewise. */
export const SLICE_PORTS_MAX = 20_000;
/** Hints of one endpoint: the API server allows 8 of each sort. */
export const HINTS_MAX = 64;

const ADDRESS_TYPES = ["IPv4", "IPv6", "FQDN"] as const;
/** The protocols that Kubernetes knows. */
export const PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;
const NONE: readonly string[] = Object.freeze([]);

/** A checked slice, and what of it was dropped. */
export interface CheckedSlice {
  readonly object: EndpointSlice;
  /** One for each endpoint that was dropped. */
  readonly faults: readonly Malformed[];
}

/** Throws `Malformed` when the slice as a whole cannot be used. */
export function checkSlice(fields: Fields, metadata: ObjectMeta): CheckedSlice {
  const addressType = wordOf(fields.addressType, "addressType", ADDRESS_TYPES, null);
  const ports = listOf(fields.ports, "ports", SLICE_PORTS_MAX).map(checkPort);
  if (new Set(ports.map(({ name }) => name)).size < ports.length) {
    throw new Malformed("ports", "has two entries of one name, each must have its own");
  }
  const faults: Malformed[] = [];
  const endpoints: SliceEndpoint[] = [];
  const pool = new Pool();
  const listed = listOf(fields.endpoints, "endpoints", SLICE_ENDPOINTS_MAX);
  for (const [i, value] of listed.entries()) {
    try {
      endpoints.push(checkEndpoint(value, `endpoints[${i}]`, addressType, pool));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      faults.push(error);
    }
  }
  if (endpoints.length === 0 && faults.length > 0) {
    // Pods are there, and nobody can say where: to take it in would look as if they had left.
    const clause = `has no entry that is as it must be, the first: ${faults[0].message}`;
    throw new Malformed("endpoints", clause);
  }
  return { object: { kind: "EndpointSlice", metadata, addressType, endpoints, ports }, faults };
}

function checkPort(value: unknown, i: number): SlicePort {
  const path = `ports[${i}]`;
  const { name, port, protocol } = fieldsOf(value, path);
  return {
    name: name === undefined || name === null || name === "" ? "" : labelOf(name, `${path}.name`),
    port: port === undefined || port === null ? null : portOf(port, `${path}.port`),
    protocol: wordOf(protocol, `${path}.protocol`, PROTOCOLS, "TCP"),
  };
}

function checkEndpoint(
  value: unknown,
  path: string,
  addressType: EndpointSlice["addressType"],
  pool: Pool,
): SliceEndpoint {
  const fields = fieldsOf(value, path);
  const conditions = fieldsOf(fields.conditions, `${path}.conditions`);
  const hints = fieldsOf(fields.hints, `${path}.hints`);
  const { nodeName, zone } = fields;
  return {
    addresses: [checkAddress(fields.addresses, `${path}.addresses`, addressType)],
    ready: flagOf(conditions.ready, `${path}.conditions.ready`),
    serving: flagOf(conditions.serving, `${path}.conditions.serving`),
    terminating: flagOf(conditions.terminating, `${path}.conditions.terminating`),
    nodeName:
      nodeName === undefined || nodeName === null
        ? null
        : pool.text(nameOf(nodeName, `${path}.nodeName`)),
    zone: zone === undefined || zone === null ? null : pool.text(textOf(zone, `${path}.zone`, "")),
    targetRef: checkTargetRef(fields.targetRef, `${path}.targetRef`, pool),
    forNodes: checkHints(hints.forNodes, `${path}.hints.forNodes`, pool),
    forZones: checkHints(hints.forZones, `${path}.hints.forZones`, pool),
  };
}

/** Only the first is read: "consumers should only use the first" (KEP-752). */
function checkAddress(
  value: unknown,
  path: string,
  addressType: EndpointSlice["addressType"],
): string {
  const [first] = Array.isArray(value) ? value : refuse(path, value, "a list of addresses");
  const at = `${path}[0]`;
  return addressType === "FQDN" ? nameOf(first, at) : addressOf(first, at, addressType);
}

function checkTargetRef(value: unknown, path: string, pool: Pool): TargetRef | null {
  if (value === undefined || value === null) return null;
  const { kind, name, uid } = fieldsOf(value, path);
  return {
    kind: pool.text(textOf(kind, `${path}.kind`, "")),
    name: textOf(name, `${path}.name`, ""),
    uid: textOf(uid, `${path}.uid`, ""),
  };
}

function checkHints(value: unknown, path: string, pool: Pool): readonly string[] {
  const hints = listOf(value, path, HINTS_MAX).map((hint, i) => {
    const at = `${path}[${i}]`;
    const { name } = fieldsOf(hint, at);
    return textOf(name, `${at}.name`, null) ?? refuse(`${at}.name`, null, "a name");
  });
  return pool.list(hints);
}

/** Equal strings and lists of one slice as one: its endpoints share few nodes and zones. */
class Pool {
  readonly #texts = new Map<string, string>();
  readonly #lists = new Map<string, readonly string[]>();

  text(text: string): string {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return known ?? text;
  }

  list(list: readonly string[]): readonly string[] {
    if (list.length === 0) return NONE;
    const key = list.join("\n");
    const known = this.#lists.get(key);
    if (known === undefined) this.#lists.set(key, list);
    return known ?? list;
  }
}
