/** For tests: a gRPC server that takes ADS streams and says on them what it is told to. */
import { realClock, silentLogger } from "../../src/base/index.ts";
import {
  type GrpcMethod,
  GrpcServer,
  type ServerCall,
  type ServerCallEvents,
} from "../../src/server/index.ts";

/** State of the world. */
export const ADS_PATH =
  "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

/** By difference. */
const DELTA_PATH =
  "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

/** See the head of this file. */
export class AdsServer implements GrpcMethod {
  readonly path: string;
  readonly messageBytesMax = 1_000_000;
  /** Streams that are open. */
  readonly calls = new Set<ServerCall>();
  /** Requests that came. */
  readonly asked: Uint8Array[] = [];
  readonly #server: GrpcServer;
  #address = "";

  private constructor(path: string, port: number) {
    this.path = path;
    const addresses = [{ host: "127.0.0.1", port }];
    const system = { clock: realClock(), log: silentLogger };
    this.#server = new GrpcServer({ addresses, tls: null }, [this], system);
  }

  /** State of the world unless told otherwise, on any port. */
  static async start({ isDelta = false, port = 0 } = {}): Promise<AdsServer> {
    const server = new AdsServer(isDelta ? DELTA_PATH : ADS_PATH, port);
    server.#address = (await server.#server.listen())[0]!;
    return server;
  }

  get address(): string {
    return this.#address;
  }

  open(call: ServerCall): ServerCallEvents {
    this.calls.add(call);
    return {
      onMessage: (message) => this.asked.push(message.slice()),
      onHalfClosed: () => {},
      onDrained: () => {},
      onClosed: () => this.calls.delete(call),
    };
  }

  /** Says this on every stream. */
  say(message: Uint8Array): void {
    for (const call of this.calls) call.send([message]);
  }

  close(): void {
    this.#server.close();
  }
}
