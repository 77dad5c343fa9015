/**
 * Simulated nodes of the benchmark, many in a process: each has a connection and a stream of its
 * own, asks as its kind does and acknowledges what comes. Arguments: address, Services, the number
 * of the first node, how many gRPC nodes, how many Envoys. Says when every node has everything, and
 * from then on when and how many bytes came for which node.
 */
import { type ClientHttp2Stream, connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
  RESOURCE_TYPES,
} from "../../src/xds/index.ts";

const [address, ...numbers] = process.argv.slice(2) as [string, ...string[]];
const [services, first, grpcNodes, envoys] = numbers.map(Number) as [
  number,
  number,
  number,
  number,
];
/** Services that a gRPC node calls. */
const SERVICES_PER_NODE = 10;
/** As grpc-go and Envoy grow or set theirs; Node's own are 64 KiB. */
const WINDOW_BYTES = 4 * 1024 * 1024;
const SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";
let unready = grpcNodes + envoys;
let isSettled = false;

/** Fields 2 (resources, counted), 4 and 5 (text) of a response. */
interface Head {
  readonly resources: number;
  readonly typeUrl: string;
  readonly nonce: string;
}

function headOf(bytes: Buffer): Head {
  let [resources, typeUrl, nonce, at] = [0, "", "", 0];
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const field = varint() >> 3;
    const length = varint();
    if (field === 2) resources += 1;
    else if (field === 4) typeUrl = bytes.toString("utf8", at, at + length);
    else if (field === 5) nonce = bytes.toString("utf8", at, at + length);
    at += length;
  }
  return { resources, typeUrl, nonce };
}

/** One node. */
class SimulatedNode {
  readonly #id: number;
  readonly #isDelta: boolean;
  readonly #names: Readonly<Record<string, readonly string[]>>;
  readonly #stream: ClientHttp2Stream;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #left: number;

  constructor(id: number, isDelta: boolean) {
    this.#id = id;
    this.#isDelta = isDelta;
    const mine = isDelta
      ? Array.from({ length: services }, (_, i) => i)
      : Array.from(
          { length: SERVICES_PER_NODE },
          (_, j) => (id * SERVICES_PER_NODE + j) % services,
        );
    const targets = mine.map((i) => `svc-${i}.prod:50051`);
    const clusters = mine.map((i) => `prod/svc-${i}:50051`);
    const { LDS, RDS, CDS, EDS } = RESOURCE_TYPES;
    this.#names = isDelta
      ? { [CDS]: ["*"], [EDS]: clusters, [LDS]: ["*"], [RDS]: ["*"] }
      : { [LDS]: targets, [RDS]: targets, [CDS]: clusters, [EDS]: clusters };
    this.#left = mine.length * (isDelta ? 2 : 4);
    const settings = { initialWindowSize: WINDOW_BYTES };
    const session = connect(`http://${address}`, { settings });
    session.on("connect", () => session.setLocalWindowSize(WINDOW_BYTES));
    session.on("error", (error) => this.#fail(error));
    const method = isDelta ? "DeltaAggregatedResources" : "StreamAggregatedResources";
    this.#stream = session.request({
      ":method": "POST",
      ":path": SERVICE + method,
      "content-type": "application/grpc",
      te: "trailers",
    });
    this.#stream.on("error", (error) => this.#fail(error));
    this.#stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    const userAgentName = isDelta ? "envoy" : "grpc-go";
    const node = { id: `node-${id}`, userAgentName, locality: { zone: id % 2 === 0 ? "a" : "b" } };
    for (const [i, typeUrl] of Object.keys(this.#names).entries()) {
      this.#ask(i === 0 ? { typeUrl, node } : { typeUrl }, this.#names[typeUrl]!);
    }
  }

  #fail(error: Error): void {
    process.stderr.write(`node-${this.#id}: ${error.message}\n`);
    process.exit(1);
  }

  #ask(request: object, names: readonly string[]): void {
    const message = this.#isDelta
      ? toBinary(
          DeltaDiscoveryRequestSchema,
          create(DeltaDiscoveryRequestSchema, { ...request, resourceNamesSubscribe: [...names] }),
        )
      : toBinary(
          DiscoveryRequestSchema,
          create(DiscoveryRequestSchema, { ...request, resourceNames: [...names] }),
        );
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    this.#stream.write(Buffer.concat([prefix, message]));
  }

  #onData(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= 5) {
      if (this.#chunks[0]!.length < 5) this.#chunks = [Buffer.concat(this.#chunks)];
      const length = this.#chunks[0]!.readUInt32BE(1);
      if (this.#bytes < 5 + length) return;
      const joined = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      const rest = joined.subarray(5 + length);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#bytes = rest.length;
      this.#onMessage(joined.subarray(5, 5 + length));
    }
  }

  #onMessage(message: Buffer): void {
    const { resources, typeUrl, nonce } = headOf(message);
    const names = this.#isDelta ? [] : this.#names[typeUrl]!;
    this.#ask({ typeUrl, responseNonce: nonce }, names);
    if (isSettled) {
      const atMs = performance.timeOrigin + performance.now();
      say({ node: this.#id, type: typeUrl.split(".").at(-1), bytes: message.length, atMs });
    }
    const isCounted =
      !this.#isDelta || [RESOURCE_TYPES.CDS, RESOURCE_TYPES.EDS].includes(typeUrl as never);
    if (this.#left <= 0 || !isCounted) return;
    this.#left -= resources;
    if (this.#left > 0) return;
    unready -= 1;
    if (unready === 0) say({ ready: performance.timeOrigin + performance.now() });
  }
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

process.stdin.on("data", (text) => {
  if (text.toString().includes("settled")) isSettled = true;
  else process.exit();
});

/** A few in a turn, so that none is left waiting with its connection half open. */
const NODES_PER_TURN = 20;

function startFrom(begin: number): void {
  const end = Math.min(begin + NODES_PER_TURN, grpcNodes + envoys);
  for (let i = begin; i < end; i += 1) new SimulatedNode(first + i, i >= grpcNodes);
  if (end < grpcNodes + envoys) setTimeout(() => startFrom(end), 1);
}

startFrom(0);
