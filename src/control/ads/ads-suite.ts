/**
 * What tests of the discovery service share: a source of snapshots that a test writes, and a client
 * that sends raw requests over a real connection and keeps what came.
 */
import assert from "node:assert/strict";
import { create, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { eventually } from "../../../test/support/raw-http2.ts";
import { realClock, silentLogger } from "../../base/index.ts";
import { GrpcServer } from "../../server/index.ts";
import { Registry } from "../../telemetry/index.ts";
import type { ListenAddress } from "../../transport/index.ts";
import {
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  RESOURCE_TYPES,
  type ResourceType,
} from "../../xds/index.ts";
import type { NodeInfo, Resource, SnapshotListener, SnapshotSource, View } from "../resources.ts";
import { csdsMethods } from "./csds.ts";
import { AdsService } from "./service.ts";

/** "LDS" and its like. */
export type ShortType = keyof typeof RESOURCE_TYPES;

/** Resources that a test writes: `set` is a change, `publish` a generation. */
export class WrittenSource implements SnapshotSource {
  isSynced = true;
  generation = 1;
  /** Namespaces to which "owner/..." is exported, by name. */
  readonly exports = new Map<string, readonly string[]>();
  readonly #resources = new Map<ResourceType, Map<string, Resource>>();
  readonly #listeners: SnapshotListener[] = [];
  #changed = new Map<ResourceType, Set<string>>();
  #view: View | null = null;

  /** @param content text, or bytes of a message for who reads it; null: there is none any more. */
  set(short: ShortType, name: string, content: string | Uint8Array | null): void {
    const type = RESOURCE_TYPES[short];
    const known = this.#resources.get(type) ?? new Map<string, Resource>();
    this.#resources.set(type, known);
    if (content === null) known.delete(name);
    else {
      const value = Buffer.from(content);
      const any = toBinary(AnySchema, create(AnySchema, { typeUrl: type, value }));
      const text = typeof content === "string" ? content : value.toString("base64");
      known.set(name, { name, version: `v-${text}`, any, problems: [] });
    }
    const changed = this.#changed.get(type) ?? new Set<string>();
    changed.add(name);
    this.#changed.set(type, changed);
  }

  /** What was written last, in a generation or not. */
  written(type: ResourceType, name: string): Resource | null {
    return this.#resources.get(type)?.get(name) ?? null;
  }

  publish(): void {
    const names = this.#changed;
    this.#changed = new Map();
    this.generation += 1;
    this.#view = this.#freeze();
    for (const one of this.#listeners) one.onSnapshot({ generation: this.generation, names });
  }

  viewKeyOf(_node: NodeInfo): string {
    return "all";
  }

  zoneOf({ zone, nodeName }: NodeInfo): string | null {
    return zone ?? (nodeName === null ? null : `zone of ${nodeName}`);
  }

  /** What was written until the last generation; before that, all that was. */
  viewOf(): View {
    this.#view ??= this.#freeze();
    return this.#view;
  }

  #freeze(): View {
    const types = new Map([...this.#resources].map(([type, known]) => [type, new Map(known)]));
    return {
      generation: this.generation,
      get: (type, name) => types.get(type)?.get(name) ?? null,
      all: (type) => [...(types.get(type)?.values() ?? [])],
      listed: (type, name) => types.get(type)?.get(name) ?? null,
      namespaceOf: (_type, name) => (name.includes("/") ? name.split("/")[0]! : null),
      isExportedTo: (_type, name, to) => this.exports.get(name)?.includes(to) ?? false,
    };
  }

  subscribe(listener: SnapshotListener): void {
    this.#listeners.push(listener);
  }
}

/** One answer, with names in the order in which they came. */
export interface Answer {
  readonly type: ShortType;
  readonly version: string;
  readonly nonce: string;
  /** "NAME" of delta, and the contents of both. */
  readonly resources: readonly string[];
  readonly removed: readonly string[];
}

/** What a test says in a request; the node goes with the first. */
export interface Asked {
  readonly type: ShortType;
  readonly names?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly nonce?: string;
  readonly version?: string;
  readonly error?: string;
  readonly initial?: Readonly<Record<string, string>>;
}

const RAW = { serialize: (bytes: Buffer) => bytes, deserialize: (bytes: Buffer) => bytes };
const SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";
/** Long enough for what comes to have come, on a busy machine, after a later answer was seen. */
const SILENCE_MS = 150;

/** A node that says nothing by itself. */
export class RawNode {
  readonly answers: Answer[] = [];
  readonly #isDelta: boolean;
  readonly #call: grpc.ClientDuplexStream<Buffer, Buffer>;
  readonly #node: object;
  #isIntroduced = false;
  #taken = 0;
  readonly ended: Promise<grpc.StatusObject>;

  constructor(client: grpc.Client, isDelta: boolean, node: object = { id: "node" }) {
    this.#isDelta = isDelta;
    this.#node = node;
    const method = isDelta ? "DeltaAggregatedResources" : "StreamAggregatedResources";
    const { serialize, deserialize } = RAW;
    this.#call = client.makeBidiStreamRequest(SERVICE + method, serialize, deserialize);
    this.ended = new Promise((resolve) => this.#call.on("status", resolve));
    this.#call.on("error", () => {});
    this.#call.on("data", (bytes: Buffer) => this.answers.push(this.#parse(bytes)));
  }

  #parse(bytes: Buffer): Answer {
    const short = (url: string) =>
      Object.entries(RESOURCE_TYPES).find(([, one]) => one === url)![0] as ShortType;
    const text = (any: { value: Uint8Array } | undefined) => Buffer.from(any!.value).toString();
    if (this.#isDelta) {
      const { typeUrl, systemVersionInfo, nonce, resources, removedResources } = fromBinary(
        DeltaDiscoveryResponseSchema,
        bytes,
      );
      const shown = resources.map(({ name, resource }) => `${name}=${text(resource)}`);
      const type = short(typeUrl);
      return {
        type,
        version: systemVersionInfo,
        nonce,
        resources: shown,
        removed: removedResources,
      };
    }
    const { typeUrl, versionInfo, nonce, resources } = fromBinary(DiscoveryResponseSchema, bytes);
    const shown = resources.map(text);
    return { type: short(typeUrl), version: versionInfo, nonce, resources: shown, removed: [] };
  }

  ask(asked: Asked): void {
    const typeUrl = RESOURCE_TYPES[asked.type];
    const node = this.#isIntroduced ? {} : { node: this.#node };
    this.#isIntroduced = true;
    const errorDetail =
      asked.error === undefined ? {} : { errorDetail: { code: 3, message: asked.error } };
    const common = { ...node, typeUrl, responseNonce: asked.nonce ?? "", ...errorDetail };
    const bytes = this.#isDelta
      ? toBinary(
          DeltaDiscoveryRequestSchema,
          create(DeltaDiscoveryRequestSchema, {
            ...common,
            resourceNamesSubscribe: [...(asked.names ?? [])],
            resourceNamesUnsubscribe: [...(asked.unsubscribe ?? [])],
            initialResourceVersions: { ...asked.initial },
          }),
        )
      : toBinary(
          DiscoveryRequestSchema,
          create(DiscoveryRequestSchema, {
            ...common,
            versionInfo: asked.version ?? "",
            resourceNames: [...(asked.names ?? [])],
          }),
        );
    this.write(bytes);
  }

  write(bytes: Uint8Array): void {
    this.#call.write(Buffer.from(bytes));
  }

  /** The next answer that was not looked at. */
  async next(): Promise<Answer> {
    const answer = await eventually("an answer", () => this.answers[this.#taken], 5_000);
    this.#taken += 1;
    return answer;
  }

  /** Acknowledges; names as they are to be from now on (state of the world). */
  ack(answer: Answer, names: readonly string[] = []): void {
    const { type, nonce, version } = answer;
    this.ask(this.#isDelta ? { type, nonce } : { type, nonce, version, names });
  }

  /** No further answer comes. */
  async silence(): Promise<void> {
    await new Promise((resolve) => realClock().setTimer(SILENCE_MS, () => resolve(null)));
    const more = this.answers.slice(this.#taken);
    assert.deepEqual(more, [], "nothing more was to come");
  }

  end(): void {
    this.#call.cancel();
  }
}

const FETCH_STATUS = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";

/** What CSDS tells of the node of that id. */
export function statusOf(
  client: grpc.Client,
  id: string,
): Promise<MessageShape<typeof ClientStatusResponseSchema>> {
  const request = create(ClientStatusRequestSchema, {
    nodeMatchers: [{ nodeId: { matchPattern: { case: "exact", value: id } } }],
  });
  const bytes = Buffer.from(toBinary(ClientStatusRequestSchema, request));
  const { serialize, deserialize } = RAW;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(FETCH_STATUS, serialize, deserialize, bytes, (error, answer) => {
      if (error === null) resolve(fromBinary(ClientStatusResponseSchema, answer!));
      else reject(error);
    });
  });
}

/** A discovery service on a real port. */
export class ServedAds {
  readonly source = new WrittenSource();
  readonly registry = new Registry();
  readonly ads: AdsService;
  readonly #server: GrpcServer;
  readonly #clients: grpc.Client[] = [];
  #address = "";

  constructor(
    isAuthorized = false,
    tls: ConstructorParameters<typeof GrpcServer>[0]["tls"] = null,
    address: ListenAddress = { host: "127.0.0.1", port: 0 },
    namesBytesMax?: number,
  ) {
    const [clock, log] = [realClock(), silentLogger];
    const { source, registry } = this;
    this.ads = new AdsService({ clock, log, registry, source, isAuthorized, namesBytesMax });
    const methods = [...this.ads.methods(), ...csdsMethods(this.ads, clock)];
    this.#server = new GrpcServer({ addresses: [address], tls }, methods, { clock, log });
  }

  async start(): Promise<this> {
    [this.#address] = (await this.#server.listen()) as [string];
    return this;
  }

  get address(): string {
    return this.#address;
  }

  client(credentials = grpc.credentials.createInsecure(), options: object = {}): grpc.Client {
    const client = new grpc.Client(this.#address, credentials, options);
    this.#clients.push(client);
    return client;
  }

  node(isDelta: boolean, node?: object): RawNode {
    return new RawNode(this.client(), isDelta, node);
  }

  /** Waits until the last node that came asks for that many names: its request has arrived. */
  async subscribed(type: ShortType, count: number): Promise<void> {
    const last = () => this.ads.nodes().nodes.at(-1)?.types[type]?.subscribed;
    await eventually(`${count} names of ${type}`, () => last() === count, 5_000);
  }

  close(): void {
    for (const client of this.#clients) client.close();
    this.#server.close();
    this.ads.close();
  }
}
