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
import { checkKeys, checkWhole, show } from "./check.ts";
import type { DnsFault, TestDns } from "./types.ts";

const FAULT_KINDS = ["servfail", "refused", "timeout", "slow", "truncate"];
const FAULT_OPTIONS = ["kind", "name", "type", "delayMs"];
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
    target: (name, port) => `dns://${address}/${name}:${checkWhole("port", port, 1, 65_535)}`,
    lie: (service, addresses) => {
      if (!/^[^.]+\.[^.]+$/.test(service)) {
        throw new RangeError(`lie: ${show(service)}, must be SERVICE.NAMESPACE`);
      }
      const wrong = addresses.find((each) => isIP(each) === 0);
      if (wrong !== undefined) throw new RangeError(`lie: ${show(wrong)}, must be an IP address`);
      lies.set(service, [...addresses]);
    },
    tellTruth: (service) => {
      if (service === undefined) lies.clear();
      else lies.delete(service);
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

function checkedFault(fault: DnsFault): DnsFault {
  checkKeys("setFault", fault, FAULT_OPTIONS);
  const { kind, name, delayMs = 0 } = fault;
  if (!FAULT_KINDS.includes(kind)) {
    throw new RangeError(`fault ${show(kind)}: must be one of ${FAULT_KINDS.join(", ")}`);
  }
  checkWhole("delayMs", delayMs, 0, DELAY_MS_MAX);
  return name === undefined ? fault : { ...fault, name: name.toLowerCase().replace(/\.$/, "") };
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
