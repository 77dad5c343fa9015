/** For tests: a gRPC server that takes ADS streams and says on them what it is told to. */
import { realClock, silentLogger } from "../../src/base/index.ts";
import { Status } from "../../src/grpc/index.ts";
import {
  type GrpcMethod,
  GrpcServer,
  type ServerCall,
  type ServerCallEvents,
} from "../../src/server/index.ts";
import type { ServerTls } from "../../src/transport/index.ts";

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

  private constructor(path: string, port: number, tls: ServerTls | null) {
    this.path = path;
    const addresses = [{ host: "127.0.0.1", port }];
    const system = { clock: realClock(), log: silentLogger };
    this.#server = new GrpcServer({ addresses, tls }, [this], system);
  }

  /**
   * State of the world unless told otherwise, on any port, in plaintext.
   *
   * @param tls whoever loaded it closes it.
   */
  static async start({
    isDelta = false,
    port = 0,
    tls = null,
  }: {
    isDelta?: boolean;
    port?: number;
    tls?: ServerTls | null;
  } = {}): Promise<AdsServer> {
    const server = new AdsServer(isDelta ? DELTA_PATH : ADS_PATH, port, tls);
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

  /** Ends every stream. */
  endStreams(): void {
    for (const call of this.calls) call.end(Status.UNAVAILABLE, "the server goes");
  }

  close(): void {
    this.#server.close();
  }
}
