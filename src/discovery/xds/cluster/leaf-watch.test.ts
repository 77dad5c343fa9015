/** Clusters whose names are looked up: which of the addresses are used (dns_lookup_family). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newEndpoint, newEndpointSet } from "../../endpoint.ts";
import type { Resolver, ResolverListener } from "../../resolver.ts";
import type { XdsClient } from "../client.ts";
import type { ClusterResource, DnsFamily } from "../decode/cluster.ts";
import { LeafWatch } from "./leaf-watch.ts";

/** What a lookup finds, told when it begins. */
class Found implements Resolver {
  readonly target = "dns:///echo:1";
  readonly #addresses: readonly string[];

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
  }

  start(listener: ResolverListener): void {
    const endpoints = this.#addresses.map((each) => newEndpoint(each, "dns"));
    listener.onEndpoints(newEndpointSet(endpoints, "none"));
  }

  resolveNow(): void {}
  close(): void {}
}

const V4 = "127.0.0.1:1";
const V6 = "[::1]:1";
const CASES: readonly (readonly [family: DnsFamily, found: string[], used: string[]])[] = [
  ["any", [V4, V6], [V4, V6]],
  ["v4", [V4, V6], [V4]],
  ["v4", [V6], []],
  ["v6", [V4, V6], [V6]],
  ["v4-preferred", [V4, V6], [V4]],
  ["v4-preferred", [V6], [V6]],
];

for (const [family, found, used] of CASES) {
  test(`${family} of ${found.join(" and ")}: ${used.join(" and ") || "nothing"}`, () => {
    const discovery = { kind: "dns", hosts: ["echo:1"], family } as const;
    const cluster = { name: "c", discovery } as unknown as ClusterResource;
    const client = null as unknown as XdsClient; // a cluster by names asks it for nothing
    const leaf = new LeafWatch(cluster, client, () => new Found(found), { onLeaf: () => {} });
    const addresses = leaf.assignment!.localities[0]!.endpoints.flatMap((each) => each.addresses);
    assert.deepEqual(addresses.sort(), [...used].sort());
  });
}
