/** The lab's API server as a process, filled over HTTP with Services and slices by hand. */
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { rootDir } from "../../test/peers/paths.ts";
import { type RunningProcess, startProcess } from "../../test/peers/processes.ts";
import { kubeconfigText } from "../../test/support/lab-cluster.ts";

const NODE = join(rootDir, "node_modules", ".bin", "node");
const PROGRAM = join(rootDir, "src", "lab", "programs", "apiserver.ts");
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices";

/** See the head of this file. */
export class LabApi {
  readonly kubeconfig: string;
  readonly #process: RunningProcess;
  readonly #url: string;
  readonly #agent = new http.Agent({ keepAlive: true });

  private constructor(process: RunningProcess, url: string, kubeconfig: string) {
    this.#process = process;
    this.#url = url;
    this.kubeconfig = kubeconfig;
  }

  /** Starts it without a controller: slices are what is written here. */
  static async start(directory: string): Promise<LabApi> {
    const process = startProcess(NODE, [PROGRAM, "--no-controller"], { name: "apiserver" });
    const [line] = await process.waitFor(/^\{"url".*\}$/m);
    const { url } = JSON.parse(line) as { url: string };
    const kubeconfig = join(directory, "kubeconfig.json");
    writeFileSync(kubeconfig, kubeconfigText(url));
    const api = new LabApi(process, url, kubeconfig);
    await api.#send("POST", "/api/v1/namespaces", { metadata: { name: "prod" } });
    return api;
  }

  /** Makes a Service without selector. */
  async service(name: string): Promise<void> {
    const spec = { ports: [{ name: "grpc", port: 50_051 }] };
    await this.#send("POST", "/api/v1/namespaces/prod/services", { metadata: { name }, spec });
  }

  /** Makes slice number `n` of a Service with `count` ready endpoints. */
  async slice(service: string, n: number, count: number): Promise<void> {
    const labels = { "kubernetes.io/service-name": service };
    await this.#send("POST", SLICES, {
      metadata: { name: `${service}-${n}`, labels },
      addressType: "IPv4",
      ports: [{ name: "grpc", port: 50_051, protocol: "TCP" }],
      endpoints: Array.from({ length: count }, (_, i) => endpointOf(n, i, true, service)),
    });
    this.#counts.set(`${service}-${n}`, count);
  }

  readonly #counts = new Map<string, number>();

  /** Writes a slice again with one endpoint ready or not; all others are ready. */
  async setReady(service: string, n: number, i: number, isReady: boolean): Promise<void> {
    const count = this.#counts.get(`${service}-${n}`) ?? 0;
    const endpoints = Array.from({ length: count }, (_, at) =>
      endpointOf(n, at, at !== i || isReady, service),
    );
    await this.#send("PATCH", `${SLICES}/${service}-${n}`, { endpoints });
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.#agent.destroy();
    await this.#process.stop();
  }

  #send(method: string, path: string, body: object): Promise<void> {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    return new Promise((done, failed) => {
      const request = http.request(
        `${this.#url}${path}`,
        { method, agent: this.#agent, headers: { "content-type": type } },
        (response) => {
          response.resume();
          response.on("end", () => {
            if ((response.statusCode ?? 500) < 300) done();
            else failed(new Error(`${method} ${path}: ${response.statusCode}`));
          });
        },
      );
      request.on("error", failed);
      request.end(JSON.stringify(body));
    });
  }
}

function endpointOf(n: number, i: number, ready: boolean, service: string) {
  const pod = `${service}-${n}-${i}`;
  return {
    addresses: [`10.${100 + (n >> 8)}.${n & 255}.${i + 1}`],
    conditions: { ready, serving: ready, terminating: false },
    nodeName: `node-${i % 50}`,
    zone: `zone-${i % 3}`,
    targetRef: { kind: "Pod", namespace: "prod", name: pod, uid: `uid-${pod}` },
  };
}
