/**
 * The lab's DNS server for a test: as CoreDNS answers for the objects of an API server, until it is
 * told to fail or to lie.
 *
 * A lie is a headless Service with other endpoints than those of its slices, as a resolver serves
 * it that caches too long, or whose cache was poisoned.
 */
import { isIP, isIPv6 } from "node:net";
import type { Clock } from "../base/index.ts";
import { type DnsZone, LabDns } from "../lab/index.ts";
import { checkKeys, checkText, checkWhole, checkWord, show } from "./check.ts";
import type { DnsFault, TestDns } from "./types.ts";

const FAULT_KINDS = ["servfail", "refused", "timeout", "slow", "truncate"];
const FAULT_OPTIONS = ["kind", "name", "type", "delayMs"];
/** What clients ask, and the lab's server can tell apart. */
const TYPES = ["A", "AAAA", "ANY", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"];
const DELAY_MS_MAX = 600_000;

type Service = NonNullable<ReturnType<DnsZone["service"]>>;
type EndpointSlice = ReturnType<DnsZone["slices"]>[number];

/** Starts one that answers from a zone. */
export async function newDns(zone: DnsZone, clock: Clock): Promise<TestDns> {
  const lies = new Map<string, readonly string[]>();
  const server = new LabDns({ clock, zone: new LyingZone(zone, lies) });
  const address = await server.listen();
  const close = (): Promise<void> => server.close();
  return {
    address,
    target: (name, port) => {
      checkWhole("port", port, 1, 65_535);
      return `dns://${address}/${checkText("target", name)}:${port}`;
    },
    lie: (service, addresses) => {
      checkAddresses(addresses);
      checkService("lie", service, zone);
      lies.set(service, [...addresses]);
    },
    tellTruth: (service) => {
      if (service === undefined) lies.clear();
      // One that is gone by now may have been lied about.
      else if (!lies.delete(service)) checkService("tellTruth", service, zone);
    },
    setFault: (fault) => {
      server.faults = [...server.faults, checkedFault(fault)];
    },
    clearFaults: () => {
      server.faults = [];
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function checkAddresses(given: unknown): void {
  if (!Array.isArray(given)) {
    throw new RangeError(`lie: ${show(given)}, must be a list of IP addresses`);
  }
  const wrong = given.findIndex((each) => typeof each !== "string" || isIP(each) === 0);
  if (wrong >= 0) throw new RangeError(`lie: ${show(given[wrong])}, must be an IP address`);
}

/** A lie about a Service that is not there would be heard by nobody. */
function checkService(what: string, given: unknown, zone: DnsZone): void {
  const [, name, namespace] =
    /^([^.]+)\.([^.]+)$/.exec(typeof given === "string" ? given : "") ?? [];
  if (name === undefined || namespace === undefined) {
    throw new RangeError(`${what}: ${show(given)}, must be SERVICE.NAMESPACE`);
  }
  if (zone.service(namespace, name) !== null) return;
  throw new RangeError(`${what}: ${show(given)}, no such Service`);
}

function checkedFault(fault: DnsFault): DnsFault {
  checkKeys("setFault", fault, FAULT_OPTIONS);
  const { kind, name, type, delayMs = 0 } = fault;
  if (!FAULT_KINDS.includes(kind)) {
    throw new RangeError(`fault ${show(kind)}: must be one of ${FAULT_KINDS.join(", ")}`);
  }
  if (type !== undefined) checkWord("type", type, TYPES);
  checkWhole("delayMs", delayMs, 0, DELAY_MS_MAX);
  if (name === undefined) return { ...fault };
  return { ...fault, name: checkText("name", name).toLowerCase().replace(/\.$/, "") };
}

/** The true zone, but for Services that lies are told of. */
class LyingZone implements DnsZone {
  readonly domain: string;
  readonly #truth: DnsZone;
  readonly #lies: ReadonlyMap<string, readonly string[]>;

  constructor(truth: DnsZone, lies: ReadonlyMap<string, readonly string[]>) {
    this.domain = truth.domain;
    this.#truth = truth;
    this.#lies = lies;
  }

  hasNamespace(namespace: string): boolean {
    return this.#truth.hasNamespace(namespace);
  }

  service(namespace: string, name: string): Service | null {
    const service = this.#truth.service(namespace, name);
    const isLie = this.#lies.has(`${name}.${namespace}`);
    return service !== null && isLie ? { ...service, clusterIp: "None" } : service;
  }

  slices(namespace: string, name: string): readonly EndpointSlice[] {
    const lie = this.#lies.get(`${name}.${namespace}`);
    const service = this.#truth.service(namespace, name);
    if (lie === undefined || service === null) return this.#truth.slices(namespace, name);
    const { metadata, ports } = service;
    return lie.map((address) => ({
      ...{ kind: "EndpointSlice", metadata, endpoints: [endpointAt(address)] },
      addressType: isIPv6(address) ? "IPv6" : "IPv4",
      ports: ports.map(({ name: port, port: number, protocol }) => ({
        ...{ name: port, port: number, protocol },
      })),
    }));
  }
}

function endpointAt(address: string): EndpointSlice["endpoints"][number] {
  return {
    ...{ addresses: [address], ready: true, serving: true, terminating: false },
    ...{ nodeName: null, zone: null, targetRef: null, forNodes: [], forZones: [] },
  };
}
