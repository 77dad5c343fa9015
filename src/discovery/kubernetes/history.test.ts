/**
 * Property: whatever happens to pods, slices and the Service, in whatever order a watch tells it,
 * with watches cut and lists repeated at any point, the last set is the one of the last objects;
 * and no set on the way has an endpoint that no object mentions at that time.
 *
 * The expected set is computed twice: by the model from the final objects alone, and by a few
 * lines here that know nothing of it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ScriptedSource } from "../../../test/support/object-source.ts";
import { type Rng, seededRng, silentLogger, VirtualClock } from "../../base/index.ts";
import { FakeDns, settled } from "../dns/fake-dns-suite.ts";
import { createResolver, DnsNames, type EndpointSet, shareWatches } from "../index.ts";
import { ServiceModel } from "./model/model.ts";
import type { EndpointSlice, SliceEndpoint } from "./objects.ts";

const PLACE = { node: "node-0", zone: "zone-0" };
const TARGET = "kubernetes:///echo:grpc";

type Phase = "none" | "starting" | "ready" | "draining" | "dying";

interface Pod {
  phase: Phase;
  /** Slices that name it: while it moves, two. */
  slices: number[];
  uid: number;
}

type Step =
  | {
      readonly what: "pod";
      readonly pod: number;
      readonly phase: Phase;
      readonly written: number[];
    }
  | {
      readonly what: "move";
      readonly pod: number;
      readonly slices: number[];
      readonly written: number[];
    }
  | { readonly what: "slice gone"; readonly slice: number }
  | { readonly what: "service"; readonly variant: number }
  | { readonly what: "tell" | "cut" | "recover" | "list"; readonly seed: number };

const SLICES = 3;
const index = fc.nat({ max: 5 });
const seed = fc.nat({ max: 1e6 });
/** Slices that are written after a step; others keep what they said before, true or not. */
const written = fc.shuffledSubarray([0, 1, 2], { minLength: 1 });
const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant("pod" as const),
      pod: index,
      phase: fc.constantFrom<Phase>("none", "starting", "ready", "draining", "dying"),
      written,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("move" as const),
      pod: index,
      slices: fc.uniqueArray(fc.nat({ max: SLICES - 1 }), { minLength: 1, maxLength: 2 }),
      written,
    }),
  },
  fc.record({ what: fc.constant("slice gone" as const), slice: fc.nat({ max: SLICES - 1 }) }),
  fc.record({ what: fc.constant("service" as const), variant: fc.nat({ max: 4 }) }),
  {
    weight: 6,
    arbitrary: fc.record({ what: fc.constantFrom("tell", "cut", "recover", "list"), seed }),
  },
) as fc.Arbitrary<Step>;

/** A cluster in small: pods, and the slices in which they are named. */
class World {
  readonly clock = new VirtualClock();
  readonly source = new ScriptedSource(this.clock);
  readonly #pods: Pod[] = Array.from({ length: 6 }, (_, i) => ({
    phase: "none",
    slices: [i % SLICES],
    uid: i,
  }));

  play(step: Step): void {
    if (step.what === "pod") this.#setPhase(this.#pods[step.pod], step.phase);
    else if (step.what === "move") this.#pods[step.pod].slices = step.slices;
    else if (step.what === "slice gone") this.source.delete("EndpointSlice", `echo-${step.slice}`);
    else if (step.what === "service") this.#setService(step.variant);
    else this.#tell(step.what, seededRng(step.seed));
    if (step.what === "pod" || step.what === "move") {
      for (const slice of step.written) this.#write(slice);
    }
  }

  #setPhase(pod: Pod, phase: Phase): void {
    // An address that is used again belongs to another pod.
    if (pod.phase === "none") pod.uid += 100;
    pod.phase = phase;
  }

  #write(slice: number): void {
    const named = [...this.#pods.entries()].filter(
      ([, { phase, slices }]) => phase !== "none" && slices.includes(slice),
    );
    this.source.put("EndpointSlice", {
      metadata: { name: `echo-${slice}`, labels: { "kubernetes.io/service-name": "echo" } },
      addressType: slice === 2 ? "IPv6" : "IPv4",
      ports: [{ name: "grpc", port: 50051 }],
      endpoints: named.map(([i, { phase, uid }]) => ({
        addresses: [slice === 2 ? `fd00::${i + 1}` : `10.0.0.${i + 1}`],
        conditions: {
          ready: phase === "ready",
          serving: phase === "ready" || phase === "draining",
          terminating: phase === "draining" || phase === "dying",
        },
        nodeName: `node-${i % 2}`,
        zone: `zone-${i % 2}`,
        ...(i !== 3 && { hints: { forZones: [{ name: `zone-${i % 2}` }] } }),
        targetRef: { kind: "Pod", name: `echo-${i}`, uid: `${uid}` },
      })),
    } as { metadata: object });
  }

  #setService(variant: number): void {
    if (variant === 0) {
      this.source.delete("Service", "echo");
      return;
    }
    const spec = {
      publishNotReadyAddresses: variant === 2,
      internalTrafficPolicy: variant === 3 ? "Local" : "Cluster",
      ports: variant === 4 ? [] : [{ name: "grpc", port: 80 }],
    };
    this.source.put("Service", { metadata: { name: "echo" }, spec } as { metadata: object });
  }

  #tell(what: "tell" | "cut" | "recover" | "list", rng: Rng): void {
    const { watches } = this.source;
    if (watches.length === 0) return;
    const watch = watches[rng.int(watches.length)];
    if (what === "tell") this.source.tellSome(watch, rng);
    else if (what === "cut") this.source.fail(watch, "unreachable", `away ${rng.int(2)}`);
    else if (what === "recover") this.source.recover(watch);
    else if (watch.isListed && !watch.isAway) this.source.list(watch);
    if (rng.int(2) === 0) this.clock.advance(0);
  }
}

/** Addresses that the slices, as they were told so far, mention. */
function mentioned(source: ScriptedSource): Set<string> {
  const told = source.watches.flatMap(({ told }) => [...told.values()]);
  const slices = told.filter(({ kind }) => kind === "EndpointSlice") as EndpointSlice[];
  return new Set(slices.flatMap(({ endpoints }) => endpoints.map(({ addresses }) => addresses[0])));
}

/** What kube-proxy would use, straight from its rules: all usable addresses, sorted. */
function usedByRules(source: ScriptedSource): string[] {
  const [service] = source.truth("Service");
  const best = new Map<string, { item: SliceEndpoint; rank: number }>();
  for (const { endpoints } of source.truth("EndpointSlice")) {
    for (const item of endpoints) {
      const ready = item.ready !== false || service?.publishNotReadyAddresses === true;
      const rank = ready ? 2 : item.serving !== false && item.terminating === true ? 1 : 0;
      const known = best.get(item.addresses[0]);
      if (known === undefined || known.rank < rank) best.set(item.addresses[0], { item, rank });
    }
  }
  const isLocal = service?.internalTrafficPolicy === "Local";
  const candidates = [...best].filter(([, { item }]) => !isLocal || item.nodeName === PLACE.node);
  const rank = Math.max(0, ...candidates.map(([, each]) => each.rank));
  let used = rank === 0 ? [] : candidates.filter(([, each]) => each.rank === rank);
  const isHinted = rank === 2 && !isLocal && used.every(([, { item }]) => item.forZones.length > 0);
  const hinted = used.filter(([, { item }]) => item.forZones.includes(PLACE.zone));
  if (isHinted && hinted.length > 0) used = hinted;
  return used.map(([address]) => address).sort();
}

function usedBy(set: EndpointSet): string[] {
  const addresses = set.endpoints.flatMap((endpoint) => endpoint.addresses);
  return addresses.map((each) => each.replace(/^\[?(.*?)\]?:50051$/, "$1")).sort();
}

async function check(steps: readonly Step[], isShared: boolean): Promise<void> {
  const world = new World();
  const { clock, source } = world;
  const objects = isShared ? shareWatches(source, clock) : source;
  const rng = seededRng(1);
  const dns = new DnsNames({ clock, rng, system: new FakeDns() });
  const deps = { clock, rng, dns, log: silentLogger, place: PLACE };
  const resolver = createResolver(TARGET, { ...deps, objects: () => objects });
  const sets: EndpointSet[] = [];
  const third = Math.floor(steps.length / 3);
  for (const step of steps.slice(0, third)) world.play(step); // Before anybody looks.
  resolver.start({
    onEndpoints(set) {
      const known = mentioned(source);
      for (const address of usedBy(set))
        assert.ok(known.has(address), `${address} is of no object`);
      assert.equal(set.endpoints.length === 0, set.reason !== undefined);
      sets.push(set);
    },
    onError() {},
  });
  for (const step of steps.slice(third, 2 * third)) world.play(step);
  await settled();
  const late = createResolver(TARGET, { ...deps, objects: () => objects });
  const lateSets: EndpointSet[] = [];
  late.start({ onEndpoints: (set) => lateSets.push(set), onError() {} });
  for (const step of steps.slice(2 * third)) world.play(step);
  clock.advance(0);
  for (const watch of [...source.watches]) source.recover(watch);
  source.tellAll();
  clock.advance(0);
  await settled(); // Of a pod with two addresses, routes are asked for.
  clock.advance(0);

  const model = new ServiceModel("prod/echo", { kind: "name", name: "grpc" }, PLACE);
  const [service] = source.truth("Service");
  model.setService(service === undefined ? { kind: "absent" } : { kind: "known", service });
  for (const slice of source.truth("EndpointSlice").reverse()) model.setSlice(slice);
  assert.deepEqual(sets.at(-1), model.compute());
  assert.deepEqual(usedBy(sets.at(-1)!), usedByRules(source));
  assert.deepEqual(lateSets.at(-1), sets.at(-1));
  resolver.close();
  late.close();
  assert.equal(source.watches.length, 0);
  assert.equal(clock.pendingCount, 0);
}

for (const isShared of [false, true]) {
  const how = isShared ? "through shared watches" : "from the source itself";
  test(`every history ends in the set of its last objects, ${how}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { maxLength: 60, size: "max" }), (steps) =>
        check(steps, isShared),
      ),
      { numRuns: 300 },
    );
  });
}
