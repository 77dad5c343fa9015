/**
 * `node plane.ts --objects DIR --listen HOST:PORT`: snapshots of objects in a directory over the
 * smallest ADS that works, by state of the world, on grpc-js. Prints "ready" when it listens.
 */
import { parseArgs } from "node:util";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { realClock, realRng, silentLogger } from "../../../src/base/index.ts";
import { ControlObjects, EMPTY_PLAN, ObjectSnapshots } from "../../../src/control/index.ts";
import { openObjects } from "../../../src/discovery/index.ts";
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../../../src/xds/generated/envoy/service/discovery/v3/discovery_pb.js";
import { RESOURCE_TYPES, type ResourceType } from "../../../src/xds/index.ts";

const PATH = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const { CDS, EDS, LDS, RDS, SDS } = RESOURCE_TYPES;

const { values } = parseArgs({
  options: {
    objects: { type: "string" },
    kubeconfig: { type: "string" },
    listen: { type: "string" },
  },
});
const [clock, log] = [realClock(), silentLogger];
const system = { clock, rng: realRng(), log, env: process.env };
const { objects: directory, kubeconfig } = values;
const { source } = await openObjects({ objects: directory, kubeconfig }, system, false);
const objects = new ControlObjects(source, { clock, log, namespaces: null });
const snapshots = new ObjectSnapshots(objects, { plan: () => EMPTY_PLAN });
const streams = new Set<Stream>();
let nonce = 0;

/** One client. */
class Stream {
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #names = new Map<ResourceType, readonly string[]>();
  readonly #sent = new Map<ResourceType, string>();
  #key: string | null = null;

  constructor(call: ServerDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    call.on("data", (bytes: Buffer) => this.#onRequest(fromBinary(DiscoveryRequestSchema, bytes)));
    const end = () => streams.delete(this);
    call.on("end", () => call.end());
    for (const event of ["end", "error", "cancelled"]) call.on(event, end);
  }

  push(): void {
    for (const type of [CDS, EDS, LDS, RDS, SDS])
      if (this.#names.has(type)) this.#send(type, false);
  }

  #onRequest({ node, typeUrl, resourceNames, errorDetail }: DiscoveryRequest): void {
    if (this.#key === null) {
      const isEnvoy = node?.userAgentName === "envoy";
      this.#key = snapshots.viewKeyOf({
        id: node?.id ?? "",
        kind: isEnvoy ? "sidecar" : "grpc",
        agent: isEnvoy ? "envoy" : "grpc",
        userAgent: node?.userAgentName ?? "",
        gateway: null,
        namespace: "",
        nodeName: null,
        zone: node?.locality?.zone || null,
      });
    }
    if (errorDetail !== undefined) console.error(`NACK ${typeUrl}: ${errorDetail.message}`);
    const type = typeUrl as ResourceType;
    const known = this.#names.get(type);
    this.#names.set(type, resourceNames);
    if (known?.join() !== resourceNames.join()) this.#send(type, true);
  }

  #send(type: ResourceType, isAsked: boolean): void {
    if (!snapshots.isSynced) return;
    const names = this.#names.get(type)!;
    const view = snapshots.viewOf(this.#key!);
    const isWildcard = names.length === 0 && (type === LDS || type === CDS);
    const found = isWildcard
      ? view.all(type)
      : names.map((name) => view.get(type, name)).filter((one) => one !== null);
    const sent = found.map(({ name, version }) => `${name} ${version}`).join();
    if (!isAsked && sent === this.#sent.get(type)) return;
    this.#sent.set(type, sent);
    nonce += 1;
    const response = create(DiscoveryResponseSchema, {
      versionInfo: String(view.generation),
      typeUrl: type,
      nonce: String(nonce),
      resources: found.map(({ any }) => fromBinary(AnySchema, any)),
    });
    this.#call.write(Buffer.from(toBinary(DiscoveryResponseSchema, response)));
  }
}

snapshots.subscribe({
  onSnapshot() {
    for (const stream of streams) stream.push();
  },
});
objects.start();
const asIs = (bytes: Buffer): Buffer => bytes;
const server = new Server();
server.addService(
  {
    Stream: {
      path: PATH,
      requestStream: true,
      responseStream: true,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  },
  { Stream: (call: ServerDuplexStream<Buffer, Buffer>) => streams.add(new Stream(call)) },
);
server.bindAsync(values.listen!, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  console.log("ready");
});
