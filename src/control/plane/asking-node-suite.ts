/**
 * For tests: a node of discovery in virtual time that asks as real ones do. An Envoy follows
 * wildcards of listeners and clusters, and what these name; a gRPC client goes from its targets to
 * routes, clusters and endpoints. What it sends arrives in order and late; some answers it refuses.
 */
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import type { Rng, VirtualClock } from "../../base/index.ts";
import type { Status } from "../../grpc/index.ts";
import { HeaderList } from "../../http2/index.ts";
import type { ServerCall, ServerCallEvents } from "../../server/index.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  RESOURCE_TYPES,
  type ResourceType,
} from "../../xds/index.ts";
import type { AdsService } from "../ads/service.ts";
import type { NodeInfo } from "../resources.ts";
import { read } from "../snapshot/world-suite.ts";

const { LDS, RDS, CDS, EDS } = RESOURCE_TYPES;
const TYPES: readonly ResourceType[] = [CDS, EDS, LDS, RDS];

/** Who asks, and how. */
export interface NodeWay {
  readonly node: NodeInfo;
  readonly isDelta: boolean;
  /** Of a gRPC client; null: an Envoy, which has wildcards. */
  readonly targets: readonly string[] | null;
}

/** A resource as text, by the bytes of its `Any`. */
export function textOf(any: Uint8Array): string {
  return JSON.stringify(read({ name: "", version: "", any, problems: [] }));
}

/** What an answer says. */
interface Told {
  readonly type: ResourceType;
  readonly nonce: string;
  /** By name. */
  readonly texts: ReadonlyMap<string, string>;
  readonly removed: readonly string[];
}

/** See the head of this file. */
export class AskingNode implements ServerCall {
  readonly remote: string;
  readonly connection = {};
  readonly peerNames = null;
  readonly headers = new HeaderList();
  queuedBytes = 0;
  readonly unreadBytes = 0;
  /** What should never be, in words. */
  worst = "";
  readonly #way: NodeWay;
  readonly #clock: VirtualClock;
  readonly #rng: Rng;
  readonly #has = new Map(TYPES.map((type) => [type, new Map<string, string>()]));
  readonly #asked = new Map<ResourceType, ReadonlySet<string>>();
  readonly #nonces = new Map<ResourceType, string>();
  readonly #line: (() => void)[] = [];
  #queue: Uint8Array[] = [];
  #events: ServerCallEvents | null = null;
  #isIntroduced = false;
  #isDead = false;

  constructor(way: NodeWay, id: number, clock: VirtualClock, rng: Rng) {
    this.#way = way;
    this.#clock = clock;
    this.#rng = rng;
    this.remote = `127.0.0.1:${1000 + id}`;
  }

  /** Names of tables that a listener refers to. */
  static routesOf(listener: string): string[] {
    return [...listener.matchAll(/"routeConfigName":"([^"]+)"/g)].map(([, name]) => name!);
  }

  /** Names of clusters that a table leads to. */
  static clustersOf(table: string): string[] {
    const single = [...table.matchAll(/"cluster":"([^"]+)"/g)];
    const weighted = [...table.matchAll(/"weightedClusters":\{"clusters":(\[.*?\])\}/g)];
    const shares = weighted.flatMap(([, list]) => [...list!.matchAll(/"name":"([^"]+)"/g)]);
    return [...single, ...shares].map(([, name]) => name!);
  }

  /** Of a cluster that has its endpoints by EDS: its name. */
  static endpointsOf(name: string, cluster: string): string[] {
    return cluster.includes('"edsClusterConfig"') ? [name] : [];
  }

  connect(service: AdsService): this {
    const [sotw, delta] = service.methods();
    this.#events = (this.#way.isDelta ? delta : sotw)!.open(this);
    if (this.#way.targets === null) for (const type of [CDS, LDS]) this.#ask(type, new Set());
    else this.#ask(LDS, new Set(this.#way.targets));
    return this;
  }

  /** What it has. @param known names of which there is something, where nobody can say "gone". */
  has(type: ResourceType, known: Iterable<string>): [string, string][] {
    const has = this.#has.get(type)!;
    const isTold = this.#way.isDelta || type === LDS || type === CDS;
    if (isTold) return [...has];
    return [...known].map((name) => [name, has.get(name) ?? "nothing"]);
  }

  send(parts: readonly Uint8Array[]): void {
    const message = Buffer.concat(parts);
    this.#queue.push(message);
    this.queuedBytes += message.length;
    this.#clock.setTimer(this.#rng.int(60), () => {
      if (this.#isDead || this.#queue.length === 0) return;
      const messages = this.#queue;
      this.#queue = [];
      this.queuedBytes = 0;
      for (const each of messages) this.#take(this.#way.isDelta ? deltaOf(each) : sotwOf(each));
      this.#events!.onDrained();
    });
  }

  end(_status: Status, message?: string): void {
    assert.fail(`a good node was ended: ${message}`);
  }

  die(): void {
    this.#isDead = true;
    this.#events!.onClosed();
  }

  #take({ type, nonce, texts, removed }: Told): void {
    const has = this.#has.get(type)!;
    const isWhole = !this.#way.isDelta && (type === LDS || type === CDS);
    const gone = isWhole ? [...has.keys()].filter((name) => !texts.has(name)) : removed;
    for (const name of gone) has.delete(name);
    for (const [name, text] of texts) if (this.#wants(type, name)) has.set(name, text);
    this.#check(type, gone);
    this.#nonces.set(type, nonce);
    // A refusal: it has it all the same, for it is told nothing of this version again.
    const isBad = this.#rng.int(25) === 0;
    this.#send(type, isBad ? { errorDetail: { code: 3, message: "refused" } } : {}, [], []);
    this.#follow();
  }

  /** Envoy has every cluster that its routes name, while a listener has the table. */
  #check(type: ResourceType, gone: readonly string[]): void {
    if (this.#way.targets !== null || (type !== RDS && type !== CDS)) return;
    const tables = [...this.#has.get(LDS)!.values()].flatMap(AskingNode.routesOf);
    for (const table of tables) {
      for (const cluster of AskingNode.clustersOf(this.#has.get(RDS)!.get(table) ?? "")) {
        if (this.#has.get(CDS)!.has(cluster)) continue;
        this.worst ||= `${this.remote}: ${table} leads to ${cluster}, gone: ${gone.join()}`;
      }
    }
  }

  #wants(type: ResourceType, name: string): boolean {
    return this.#isWild(type) || (this.#asked.get(type)?.has(name) ?? false);
  }

  #isWild(type: ResourceType): boolean {
    return this.#way.targets === null && (type === LDS || type === CDS);
  }

  /** Asks for what is named now, and no more for what is not. */
  #follow(): void {
    const texts = (type: ResourceType) => [...this.#has.get(type)!];
    this.#ask(RDS, new Set(texts(LDS).flatMap(([, text]) => AskingNode.routesOf(text))));
    if (this.#way.targets !== null) {
      this.#ask(CDS, new Set(texts(RDS).flatMap(([, text]) => AskingNode.clustersOf(text))));
    }
    this.#ask(
      EDS,
      new Set(texts(CDS).flatMap(([name, text]) => AskingNode.endpointsOf(name, text))),
    );
  }

  #ask(type: ResourceType, names: ReadonlySet<string>): void {
    const before = this.#asked.get(type);
    const more = [...names].filter((name) => !before?.has(name));
    const less = [...(before ?? [])].filter((name) => !names.has(name));
    const isFirst = before === undefined && (names.size > 0 || this.#isWild(type));
    if (!isFirst && more.length === 0 && less.length === 0) return;
    this.#asked.set(type, names);
    for (const name of less) this.#has.get(type)!.delete(name);
    this.#send(type, {}, more, less);
  }

  #send(type: ResourceType, error: object, more: string[], less: string[]): void {
    const { isDelta, node } = this.#way;
    const { id, kind, gateway, zone } = node;
    const metadata = { "fairlead.kind": kind, "fairlead.namespace": "prod" };
    const isGateway = gateway !== null && { "fairlead.gateway": gateway };
    const said = {
      node: {
        ...{ id, userAgentName: node.agent, metadata: { ...metadata, ...isGateway } },
        locality: { zone: zone ?? "" },
      },
    };
    const responseNonce = more.length + less.length > 0 && isDelta ? "" : this.#nonces.get(type);
    const common = { typeUrl: type, responseNonce: responseNonce ?? "", ...error };
    const request = { ...common, ...(!this.#isIntroduced && said) };
    this.#isIntroduced = true;
    const names = { resourceNamesSubscribe: more, resourceNamesUnsubscribe: less };
    const bytes = isDelta
      ? toBinary(
          DeltaDiscoveryRequestSchema,
          create(DeltaDiscoveryRequestSchema, { ...request, ...names }),
        )
      : toBinary(
          DiscoveryRequestSchema,
          create(DiscoveryRequestSchema, {
            ...request,
            resourceNames: [...(this.#asked.get(type) ?? [])],
          }),
        );
    this.#later(() => this.#events?.onMessage(bytes));
  }

  /** In order, each after a random time. */
  #later(step: () => void): void {
    this.#line.push(step);
    if (this.#line.length > 1) return;
    const first = (): void => {
      if (this.#isDead) return;
      this.#line[0]!();
      this.#line.shift();
      if (this.#line.length > 0) this.#clock.setTimer(this.#rng.int(40), first);
    };
    this.#clock.setTimer(this.#rng.int(40), first);
  }
}

function deltaOf(bytes: Uint8Array): Told {
  const message = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  const { typeUrl, nonce, resources, removedResources: removed } = message;
  const texts = resources.map(({ name, resource }) => {
    return [name, textOf(toBinary(AnySchema, resource!))] as const;
  });
  return { type: typeUrl as ResourceType, nonce, texts: new Map(texts), removed };
}

function sotwOf(bytes: Uint8Array): Told {
  const { typeUrl, nonce, resources } = fromBinary(DiscoveryResponseSchema, bytes);
  const texts = resources.map((any) => {
    const text = textOf(toBinary(AnySchema, any));
    const { name, clusterName } = JSON.parse(text);
    return [String(name ?? clusterName), text] as const;
  });
  return { type: typeUrl as ResourceType, nonce, texts: new Map(texts), removed: [] };
}
