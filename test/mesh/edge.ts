/**
 * The Gateway's example as processes: pods, `fairlead proxy --gateway` that reads the example's own
 * manifests from files, and a stock client behind TLS.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { ask, FAIRLEAD, logLines, until } from "../cli/harness.ts";
import { rootDir } from "../peers/paths.ts";
import { freePort, type RunningProcess, startProcess } from "../peers/processes.ts";
import { type Authority, createAuthority } from "../support/certificates.ts";

/** What clients ask for. */
export const HOSTNAME = "echo.example.com";
const POD = new URL("./programs/api-pod.ts", import.meta.url);
const bytes = (value: Buffer): Buffer => value;

/** What one call got. */
export interface Answer {
  readonly code: number;
  readonly details: string;
  readonly text: string;
  readonly hostname: string;
  readonly headers: Metadata;
}

/** A pod. */
export interface ApiPod {
  readonly name: string;
  readonly host: string;
  readonly process: ChildProcess;
}

/** See the head of this file. */
export class Edge {
  readonly dir = mkdtempSync(join(tmpdir(), "fairlead-edge-"));
  readonly pods: ApiPod[] = [];
  readonly #clients: Client[] = [];
  authority!: Authority;
  podPort = 0;
  proxy!: RunningProcess;
  address = "";
  admin = "";

  /** Starts pods on addresses of their own, which share a port. */
  async startPods(count: number): Promise<void> {
    this.podPort = await freePort();
    for (let i = 0; i < count; i += 1) {
      const name = `pod-${i + 1}`;
      const host = `127.0.0.${i + 2}`;
      const process = fork(POD, [name, host, String(this.podPort)]);
      await once(process, "message");
      this.pods.push({ name, host, process });
    }
  }

  /** The example's manifests, the slices of its Services, and a certificate. */
  async writeObjects(): Promise<void> {
    const example = join(rootDir, "examples", "gateway");
    for (const file of ["gateway.yaml", "services.yaml"]) {
      cpSync(join(example, file), join(this.dir, file));
    }
    this.authority = await createAuthority("edge");
    await this.rotate("first");
    this.#putSlices(this.pods);
  }

  /** The last pod leaves the slices; its process stays until the end. */
  removePod(): void {
    this.publish(this.pods.length - 1);
  }

  /** Only the first pods are in the slices from now on. */
  publish(count: number): void {
    this.#putSlices(this.pods.slice(0, count));
  }

  #putSlices(pods: readonly ApiPod[]): void {
    const items = ["echo", "reverse"].map((service) => this.#slice(service, pods));
    this.put("slices.json", { apiVersion: "v1", kind: "List", items });
  }

  #slice(service: string, pods: readonly ApiPod[]): object {
    return {
      ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
      metadata: {
        ...{ name: `${service}-1`, namespace: "prod" },
        labels: { "kubernetes.io/service-name": service },
      },
      ports: [{ name: "grpc", port: this.podPort, protocol: "TCP" }],
      endpoints: pods.map(({ name, host }) => ({
        addresses: [host],
        conditions: { ready: true },
        targetRef: { kind: "Pod", name, uid: name },
      })),
    };
  }

  /** A new certificate in the Secret. */
  async rotate(commonName: string): Promise<void> {
    const { cert, key } = await this.authority.issue({ names: [HOSTNAME], commonName });
    const data = { "tls.crt": btoa(cert), "tls.key": btoa(key) };
    const metadata = { name: "edge-tls", namespace: "prod" };
    this.put("secret.json", { apiVersion: "v1", kind: "Secret", type: TLS, metadata, data });
  }

  /** Writes objects to a file, at once. */
  put(file: string, objects: object): void {
    const path = join(this.dir, file);
    writeFileSync(`${path}.new`, JSON.stringify(objects));
    renameSync(`${path}.new`, path);
  }

  /** Starts the proxy on the objects; resolves when it is ready. */
  startProxy(...args: string[]): Promise<void> {
    return this.startProxyOf(["--gateway", "prod/edge", "--objects", this.dir, ...args]);
  }

  /** The same on whatever flags say. */
  async startProxyOf(flags: readonly string[]): Promise<void> {
    const listen = ["--listen", "443=127.0.0.1:0", "--admin", "127.0.0.1:0"];
    this.proxy = startProcess(FAIRLEAD, ["proxy", ...flags, ...listen]);
    await this.proxy.waitFor(/"msg":"listening"/);
    await this.proxy.waitFor(/"msg":"admin"/);
    const lines = logLines(this.proxy);
    const addressOf = (msg: string) => String(lines.find((line) => line.msg === msg)?.address);
    this.address = addressOf("listening");
    this.admin = addressOf("admin");
    await until("the proxy is ready", async () => (await ask(this.admin, "/ready")).status === 200);
  }

  /** A stock client with one connection. */
  client(options: object = {}): Client {
    const client = new Client(
      this.address,
      credentials.createSsl(Buffer.from(this.authority.cert)),
      {
        "grpc.ssl_target_name_override": HOSTNAME,
        "grpc.default_authority": HOSTNAME,
        "grpc.use_local_subchannel_pool": 1,
        ...options,
      },
    );
    this.#clients.push(client);
    return client;
  }

  /** Resolves when pods, proxy and files are gone. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.proxy?.stop();
    for (const { process } of this.pods) {
      const gone = once(process, "exit");
      process.kill();
      await gone;
    }
    rmSync(this.dir, { recursive: true });
  }
}

const TLS = "kubernetes.io/tls";

/** One call. Never rejects. */
export function callApi(
  client: Client,
  path: string,
  text: string,
  metadata = new Metadata(),
): Promise<Answer> {
  return new Promise((resolve) => {
    let headers = new Metadata();
    const deadline = { deadline: Date.now() + 10_000 };
    const done = (error: ServiceError | null, value?: Buffer): void => {
      const { code = 0, details = "" } = error ?? {};
      const hostname = String(headers.get("hostname")[0] ?? "");
      resolve({ code, details, text: String(value ?? ""), hostname, headers });
    };
    client
      .makeUnaryRequest(path, bytes, bytes, Buffer.from(text), metadata, deadline, done)
      .on("metadata", (got: Metadata) => {
        headers = got;
      });
  });
}
