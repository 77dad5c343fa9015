/** go-control-plane as a process: what it serves, and what it was asked. */
import { freePort, type RunningProcess, startProcess } from "../peers/processes.ts";
import type { Json } from "./resources.ts";

/** One request that came. */
export interface AskedOf {
  readonly request: string;
  readonly names: readonly string[] | null;
  readonly nonce: string;
  readonly problem: string;
}

const KINDS: Readonly<Record<string, string>> = {
  Listener: "envoy.config.listener.v3.Listener",
  RouteConfiguration: "envoy.config.route.v3.RouteConfiguration",
  Cluster: "envoy.config.cluster.v3.Cluster",
  ClusterLoadAssignment: "envoy.config.endpoint.v3.ClusterLoadAssignment",
};

/** See the head of this file. */
export class XdsServer {
  readonly address: string;
  readonly #program: string;
  #process: RunningProcess | null = null;
  #version = 0;

  private constructor(program: string, port: number) {
    this.#program = program;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(program: string): Promise<XdsServer> {
    const server = new XdsServer(program, await freePort());
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const args = ["-listen", this.address];
    this.#process = startProcess(this.#program, args, { hasOpenStdin: true });
    await this.#process.waitFor(/"listening"/);
  }

  /** Serves these from now on, and nothing else. */
  async serve(resources: readonly Json[], version = String(++this.#version)): Promise<void> {
    const byType: Record<string, Json[]> = {};
    for (const resource of resources) {
      const type = String(resource["@type"]);
      const short = type.slice(type.lastIndexOf(".") + 1);
      const url = `type.googleapis.com/${KINDS[short]}`;
      byType[url] = [...(byType[url] ?? []), resource];
    }
    const known = this.#process!.stdout.length;
    this.#process!.write(`${JSON.stringify({ version, resources: byType })}\n`);
    await this.#process!.waitFor(
      new RegExp(`^[^]{${known}}[^]*("serving":"${version}"|"failed":.*)`),
    );
    const said = this.#process!.stdout.slice(known);
    if (said.includes('"failed"')) throw new Error(said);
  }

  /** All requests so far, oldest first. */
  get asked(): AskedOf[] {
    return this.#process!.stdout.split("\n")
      .filter((line) => line.includes('"request"'))
      .map((line) => JSON.parse(line) as AskedOf);
  }

  /** What NACKs said. */
  get problems(): string[] {
    return this.asked.map(({ problem }) => problem).filter((problem) => problem !== "");
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#process?.kill();
    await this.#process?.exited;
    this.#process = null;
  }
}
