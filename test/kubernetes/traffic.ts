/**
 * Calls without end from a stock gRPC client (grpc-js) through `fairlead proxy`, which runs inside
 * the cluster's network: who answered, and what failed.
 */
import { join } from "node:path";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { FAIRLEAD, logLines } from "../cli/harness.ts";
import type { RunningProcess } from "../peers/processes.ts";
import type { TestCluster } from "./cluster.ts";
import { getJson } from "./http.ts";

/** An endpoint as the admin endpoint tells it. */
export interface AdminEndpoint {
  readonly address: string;
  readonly pod: string | null;
  readonly state: string;
  readonly usable: boolean;
  readonly reason: string;
  readonly source: string;
}

/** A cluster as the admin endpoint tells it. */
export interface AdminCluster {
  readonly target: string;
  readonly stale: boolean;
  readonly staleMs: number;
  readonly endpoints: readonly AdminEndpoint[];
}

/** A proxy inside, which listens on a Unix socket: that is reached from outside too. */
export class InsideProxy {
  readonly process: RunningProcess;
  /** What a gRPC client connects to. */
  readonly target: string;
  readonly #cluster: TestCluster;

  private constructor(cluster: TestCluster, process: RunningProcess, target: string) {
    this.#cluster = cluster;
    this.process = process;
    this.target = target;
  }

  /** Starts it and waits until it listens. `directory` is for its socket. */
  static async start(
    cluster: TestCluster,
    directory: string,
    flags: readonly string[],
  ): Promise<InsideProxy> {
    const listen = `unix:${join(directory, "proxy.sock")}`;
    const args = ["proxy", "--listen", listen, "--admin", "127.0.0.1:0", ...flags];
    const process = cluster.launch(FAIRLEAD, args, { name: "fairlead proxy" });
    await process.waitFor(/"msg":"listening"/);
    await process.waitFor(/"msg":"admin"/);
    return new InsideProxy(cluster, process, listen);
  }

  /** GET /clusters: the first one. */
  async view(): Promise<AdminCluster> {
    const answer = await this.#ask("/clusters?format=json");
    return (answer as { clusters: AdminCluster[] }).clusters[0];
  }

  /** GET /why of the same. */
  async why(): Promise<unknown> {
    return this.#ask("/why?format=json");
  }

  #ask(path: string): Promise<unknown> {
    const address = logLines(this.process).find(({ msg }) => msg === "admin")?.address as string;
    const [host, port] = address.split(":");
    return getJson(() => this.#cluster.dial(host, Number(port)), path);
  }

  /** Ends it; its exit code. */
  async stop(): Promise<number | null> {
    return (await this.process.stop(10_000)).code;
  }
}

const METHOD = "/echo.Echo/Say";
/** Light load: what fails here fails anywhere. */
const CONCURRENCY = 8;
const PAUSE_MS = 4;
const DEADLINE_MS = 10_000;

/** See the head of this file. */
export class Traffic {
  /** Calls by the name of the server that answered. */
  readonly servers = new Map<string, number>();
  /** What failed: status and message. */
  readonly failures: string[] = [];
  calls = 0;
  readonly #client: Client;
  readonly #callers: Promise<void>[];
  #isOver = false;

  constructor(target: string) {
    this.#client = new Client(target, credentials.createInsecure());
    this.#callers = Array.from({ length: CONCURRENCY }, () => this.#callOn());
  }

  async #callOn(): Promise<void> {
    while (!this.#isOver) {
      await this.#call();
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }

  #call(): Promise<void> {
    const same = (bytes: Buffer) => bytes;
    this.calls += 1;
    return new Promise((done) => {
      const call = this.#client.makeUnaryRequest(
        METHOD,
        same,
        same,
        Buffer.from("hello"),
        new Metadata(),
        { deadline: Date.now() + DEADLINE_MS },
        (error) => {
          if (error !== null) this.failures.push(`${error.code} ${error.details}`);
          done();
        },
      );
      call.on("metadata", (header) => {
        const name = String(header.get("x-served-by")[0]);
        this.servers.set(name, (this.servers.get(name) ?? 0) + 1);
      });
    });
  }

  /** Waits until a server has answered a call that was made after this. */
  async untilServedBy(name: string, waitMs = 10_000): Promise<void> {
    const before = this.servers.get(name) ?? 0;
    const deadline = Date.now() + waitMs;
    while ((this.servers.get(name) ?? 0) <= before) {
      if (Date.now() > deadline) {
        throw new Error(`${name} serves no call: ${this.failures.slice(0, 3).join("; ")}`);
      }
      await new Promise((done) => setTimeout(done, 5));
    }
  }

  /** Ends it; calls in flight are waited for. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#callers);
    this.#client.close();
  }
}
