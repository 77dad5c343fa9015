/**
 * Random changes in virtual time, with nodes that lag, reject, die and come back: in the end every
 * live node has what the view says, and no route was ever ahead of the cluster that it names.
 * Answers take time, so that pushes are cut into slices between which all of that happens too.
 * `FUZZ_SEED` replays a run, `FUZZ_ROUNDS` makes it longer. Five seeds more are shorter.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { WorkClock } from "../../../test/support/work-clock.ts";
import { type Rng, seededRng, silentLogger } from "../../base/index.ts";
import type { Status } from "../../grpc/index.ts";
import { HeaderList } from "../../http2/index.ts";
import type { ServerCall, ServerCallEvents } from "../../server/index.ts";
import { Registry } from "../../telemetry/index.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  RESOURCE_TYPES,
  type ResourceType,
} from "../../xds/index.ts";
import { WrittenSource } from "./ads-suite.ts";
import { AdsService } from "./service.ts";

const { CDS, EDS, LDS, RDS } = RESOURCE_TYPES;
const SHORT = { CDS, EDS, LDS, RDS };
const TYPES = Object.values(SHORT);
const CHANGES = 10_000 * Number(process.env.FUZZ_ROUNDS ?? 1);
const SEED = Number(process.env.FUZZ_SEED ?? 7);
const MORE_SEEDS = [11, 23, 101, 1_009, 65_537];
const MORE_CHANGES = 1_500;
const NODES = 12;
/** An answer takes less: a push to all nodes is three slices or so. */
const WORK_MS = 10;
const NAMES = Array.from({ length: 12 }, (_, i) => `n${i}`);
/** Types that a wildcard of these nodes asks for. */
const WILD: ReadonlySet<ResourceType> = new Set([CDS, LDS]);
/** A content with this in it is rejected by whoever gets it. */
const POISON = "poison";

/** A node with a wire that takes its time, and what it has been told. */
class RandomNode implements ServerCall {
  readonly remote: string;
  readonly connection = {};
  readonly peerNames = null;
  readonly headers = new HeaderList();
  readonly isDelta: boolean;
  /** Names of EDS and RDS that it asks for. */
  readonly names = new Map<ResourceType, Set<string>>();
  /** What it was told, by type and name; rejected or not: it keeps no two versions apart. */
  readonly told = new Map<ResourceType, Map<string, string>>();
  readonly #clock: WorkClock;
  readonly #rng: Rng;
  readonly #id: number;
  #events: ServerCallEvents | null = null;
  #queue: Uint8Array[] = [];
  #isDead = false;
  queuedBytes = 0;
  readonly unreadBytes = 0;
  worst = "";

  constructor(id: number, clock: WorkClock, rng: Rng) {
    this.#id = id;
    this.remote = `127.0.0.1:${1000 + id}`;
    this.#clock = clock;
    this.#rng = rng;
    this.isDelta = id % 2 === 0;
    for (const type of TYPES) this.told.set(type, new Map());
    for (const type of [EDS, RDS]) this.names.set(type, new Set(NAMES.slice(0, 1 + rng.int(12))));
  }

  connect(service: AdsService): void {
    const [sotw, delta] = service.methods();
    this.#events = (this.isDelta ? delta : sotw)!.open(this);
    for (const type of TYPES) {
      const node = { id: `node-${this.#id}`, userAgentName: "envoy" };
      const names = WILD.has(type) ? [] : [...this.names.get(type)!];
      this.#ask({ node, typeUrl: type }, names);
    }
  }

  /** Asks for a name, or for one no more. */
  toggle(type: ResourceType, name: string): void {
    const names = this.names.get(type)!;
    const isNew = !names.delete(name);
    if (isNew) names.add(name);
    else this.told.get(type)!.delete(name);
    if (this.isDelta) {
      const change = isNew
        ? { resourceNamesSubscribe: [name] }
        : { resourceNamesUnsubscribe: [name] };
      this.#send(DeltaDiscoveryRequestSchema, { typeUrl: type, ...change });
    } else this.#ask({ typeUrl: type, responseNonce: this.#nonces.get(type) ?? "" }, [...names]);
  }

  readonly #nonces = new Map<ResourceType, string>();

  #ask(request: object, names: readonly string[]): void {
    if (this.isDelta) {
      const subscribe = { resourceNamesSubscribe: [...names] };
      this.#send(DeltaDiscoveryRequestSchema, { ...request, ...subscribe });
    } else this.#send(DiscoveryRequestSchema, { ...request, resourceNames: [...names] });
  }

  // biome-ignore lint/suspicious/noExplicitAny: one of two schemas, and what it takes
  #send(schema: any, value: object): void {
    const bytes = toBinary(schema, create(schema, value));
    // What is sent arrives in order, after a while.
    this.#later(() => this.#events?.onMessage(bytes));
  }

  readonly #line: (() => void)[] = [];

  /** In order, each after a random time. */
  #later(step: () => void): void {
    this.#line.push(step);
    if (this.#line.length > 1) return;
    const first = (): void => {
      if (this.#isDead) return;
      const one = this.#line[0]!;
      one();
      this.#line.shift();
      if (this.#line.length > 0) this.#clock.setTimer(this.#rng.int(40), first);
    };
    this.#clock.setTimer(this.#rng.int(40), first);
  }

  send(parts: readonly Uint8Array[]): void {
    const message = Buffer.concat(parts);
    this.#clock.workedMs += this.#rng.int(WORK_MS);
    this.#queue.push(message);
    this.queuedBytes += message.length;
    this.#clock.setTimer(this.#rng.int(60), () => this.#take());
  }

  /** The connection takes what waits; the node reads it. */
  #take(): void {
    if (this.#isDead || this.#queue.length === 0) return;
    const messages = this.#queue;
    this.#queue = [];
    this.queuedBytes = 0;
    for (const message of messages) this.#read(message);
    this.#events!.onDrained();
  }

  #read(bytes: Uint8Array): void {
    const answer = this.isDelta
      ? this.#readDelta(bytes)
      : this.#readSotw(fromBinary(DiscoveryResponseSchema, bytes));
    const { type, nonce, contents } = answer;
    this.#nonces.set(type, nonce);
    if (type === RDS) this.#checkRoutes(contents);
    const isBad = contents.some((content) => content.includes(POISON));
    const error = isBad ? { errorDetail: { code: 3, message: "poison" } } : {};
    const request = { typeUrl: type, responseNonce: nonce, ...error };
    if (this.isDelta) this.#send(DeltaDiscoveryRequestSchema, request);
    else this.#ask(request, WILD.has(type) ? [] : [...this.names.get(type)!]);
  }

  #readDelta(bytes: Uint8Array) {
    const { typeUrl, nonce, resources, removedResources } = fromBinary(
      DeltaDiscoveryResponseSchema,
      bytes,
    );
    const told = this.told.get(typeUrl as ResourceType)!;
    const contents = resources.map(({ name, resource }) => {
      const content = Buffer.from(resource!.value).toString();
      if (this.#wants(typeUrl as ResourceType, name)) told.set(name, content);
      return content;
    });
    for (const name of removedResources) told.delete(name);
    return { type: typeUrl as ResourceType, nonce, contents };
  }

  #readSotw(answer: { typeUrl: string; nonce: string; resources: { value: Uint8Array }[] }) {
    const type = answer.typeUrl as ResourceType;
    const told = this.told.get(type)!;
    const contents = answer.resources.map(({ value }) => Buffer.from(value).toString());
    if (WILD.has(type)) told.clear();
    for (const content of contents) {
      const name = content.split(" ")[0]!;
      if (this.#wants(type, name)) told.set(name, content);
    }
    return { type, nonce: answer.nonce, contents };
  }

  #wants(type: ResourceType, name: string): boolean {
    return WILD.has(type) || this.names.get(type)!.has(name);
  }

  /** "NAME to CLUSTER ...": a route must not come before the cluster that it names. */
  #checkRoutes(contents: readonly string[]): void {
    for (const content of contents) {
      const cluster = /^\S+ to (\S+)/.exec(content)?.[1];
      if (cluster === undefined || this.told.get(CDS)!.has(cluster)) continue;
      this.worst = `${this.#id}: ${content} came before its cluster`;
    }
  }

  end(_status: Status, message?: string): void {
    assert.fail(`a good node was ended: ${message}`);
  }

  die(): void {
    this.#isDead = true;
    this.#events!.onClosed();
  }
}

/** One change of the world; a route names a cluster that exists, and that stays while it does. */
function changeOne(source: WrittenSource, routes: Map<string, string>, rng: Rng, i: number): void {
  const name = NAMES[rng.int(NAMES.length)]!;
  const tail = rng.int(30) === 0 ? ` ${POISON}` : "";
  const kind = rng.int(10);
  if (kind < 4) source.set("EDS", name, rng.int(8) === 0 ? null : `${name} ${i}${tail}`);
  else if (kind < 6) source.set("CDS", name, `${name} ${i}${tail}`);
  else if (kind === 6) {
    if (![...routes.values()].includes(name)) source.set("CDS", name, null);
  } else if (kind === 7) source.set("LDS", name, rng.int(4) === 0 ? null : `${name} ${i}${tail}`);
  else {
    const cluster = NAMES[rng.int(NAMES.length)]!;
    if (source.written(CDS, cluster) === null) source.set("CDS", cluster, `${cluster} ${i}`);
    routes.set(name, cluster);
    source.set("RDS", name, `${name} to ${cluster} ${i}${tail}`);
  }
}

/** Changes, then silence, then everything is compared. */
function runHistory(seed: number, changes: number): void {
  const [clock, rng] = [new WorkClock(), seededRng(seed)];
  const source = new WrittenSource();
  const system = { clock, log: silentLogger, registry: new Registry() };
  const service = new AdsService({ ...system, source, isAuthorized: false });
  const routes = new Map<string, string>();
  const nodes: RandomNode[] = [];
  const start = (at: number): void => {
    nodes[at] = new RandomNode(at, clock, rng);
    nodes[at].connect(service);
  };
  for (let at = 0; at < NODES; at += 1) start(at);
  for (let i = 0; i < changes; i += 1) {
    changeOne(source, routes, rng, i);
    if (rng.int(3) === 0) source.publish();
    if (rng.int(20) === 0) {
      const type = rng.int(2) === 0 ? EDS : RDS;
      nodes[rng.int(NODES)]!.toggle(type, NAMES[rng.int(NAMES.length)]!);
    }
    if (rng.int(200) === 0) {
      const at = rng.int(NODES);
      nodes[at]!.die();
      start(at);
    }
    clock.advance(rng.int(30));
  }
  source.publish();
  clock.advance(120_000);
  checkNodes(nodes, source, `replay: FUZZ_SEED=${seed}`);
  for (const { types } of service.nodes().nodes) {
    for (const { state } of Object.values(types)) {
      assert.ok(state === "SYNCED" || state === "NACKED" || state === "NOT SENT", state);
    }
  }
  for (const node of nodes) node.die();
  service.close();
  assert.equal(service.streams.size, 0);
}

/** Each node has what it asks for, and no route ever came before its cluster. */
function checkNodes(nodes: readonly RandomNode[], source: WrittenSource, hint: string): void {
  for (const [at, node] of nodes.entries()) {
    assert.equal(node.worst, "", hint);
    for (const [short, type] of Object.entries(SHORT)) {
      const wanted = new Map<string, string>();
      const names = WILD.has(type)
        ? source
            .viewOf()
            .all(type)
            .map(({ name }) => name)
        : node.names.get(type)!;
      for (const name of names) {
        const version = source.written(type, name)?.version;
        if (version !== undefined) wanted.set(name, version.slice("v-".length));
      }
      const told = node.told.get(type)!;
      // The state of the world cannot say of EDS and RDS that something has gone.
      const known = node.isDelta || WILD.has(type) ? told.keys() : wanted.keys();
      const shown = [...known].sort().map((name) => [name, told.get(name)]);
      const expected = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(shown, expected, `node ${at}, ${short}; ${hint}`);
    }
  }
}

for (const seed of [SEED, ...MORE_SEEDS]) {
  const changes = seed === SEED ? CHANGES : MORE_CHANGES;
  test(`${changes} random changes of seed ${seed}: every live node ends with what there is`, () => {
    runHistory(seed, changes);
  });
}
