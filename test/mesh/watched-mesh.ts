/** A mesh source of an xDS server as a proxy has it, and what it told last. */
import { type Logger, realClock, realRng, silentLogger } from "../../src/base/index.ts";
import type { DnsNames, Endpoint, EndpointSet, XdsProtocol } from "../../src/discovery/index.ts";
import { type MeshConfig, type MeshSource, openXds } from "../../src/mesh/index.ts";
import { TransportLoop } from "../../src/transport/index.ts";
import { eventually } from "../kubernetes/wait.ts";

/** Who asks, and for what. */
export interface WatchedOptions {
  readonly server: string;
  readonly protocol: XdsProtocol;
  /** null: every listener. */
  readonly target: string | null;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** An entry of `channel_creds`; plaintext unless given. */
  readonly credentials?: Readonly<Record<string, unknown>>;
  /** Names that clusters are looked up by; the machine's unless given. */
  readonly dns?: DnsNames;
  readonly log?: Logger;
}

/** See the head of this file. */
export class WatchedMesh {
  readonly configs: MeshConfig[] = [];
  readonly errors: string[] = [];
  readonly #source: MeshSource;
  readonly #closers: (() => void)[] = [];

  private constructor(source: MeshSource) {
    this.#source = source;
    source.start({
      onConfig: (config) => this.configs.push(config),
      onError: (reason) => this.errors.push(reason),
    });
  }

  static async open(options: WatchedOptions): Promise<WatchedMesh> {
    const { server, protocol, target, metadata = {}, dns, log = silentLogger } = options;
    const clock = realClock();
    const bootstrap = {
      xds_servers: [
        {
          server_uri: server,
          channel_creds: [options.credentials ?? { type: "insecure" }],
          server_features: ["xds_v3", "fail_on_data_errors"],
        },
      ],
      node: { id: "watched", metadata },
    };
    const loop = new TransportLoop(clock);
    const system = { clock, rng: realRng(), log, loop, dns, version: "0" };
    const given = { bootstrap, env: {}, target, protocol };
    return new WatchedMesh(await openXds(given, { ...system, isUnref: true }));
  }

  /** The last that was told. */
  get config(): MeshConfig | undefined {
    return this.configs.at(-1);
  }

  /** Waits for a configuration. */
  async until(what: string, isIt: (config: MeshConfig) => boolean): Promise<MeshConfig> {
    await eventually(what, async () => this.config !== undefined && isIt(this.config));
    return this.config!;
  }

  /** Endpoints of a cluster, as they are told. */
  endpointsOf(name: string): { now: readonly Endpoint[]; serviceConfig: unknown } {
    const found: { now: readonly Endpoint[]; serviceConfig: unknown } = {
      ...{ now: [], serviceConfig: null },
    };
    const resolver = this.config!.clusters.get(name)!.newResolver();
    this.#closers.push(() => resolver.close());
    resolver.start({
      onEndpoints: (set: EndpointSet) => {
        found.now = set.endpoints;
        found.serviceConfig = set.serviceConfig;
      },
      onError: (reason) => this.errors.push(reason),
    });
    return found;
  }

  close(): void {
    for (const close of this.#closers) close();
    this.#source.close();
  }
}
