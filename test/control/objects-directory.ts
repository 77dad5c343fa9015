/**
 * The objects of a test as files, one object a file, written whole by a rename: what `--objects`
 * reads.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const GATEWAY_GROUP = "gateway.networking.k8s.io";

/** One endpoint of a slice. */
export interface SliceEndpoint {
  readonly ip: string;
  readonly zone?: string;
  /** "leaving": serving and terminating. "ready" unless given. */
  readonly state?: "ready" | "leaving" | "unready";
}

const CONDITIONS = {
  ready: { ready: true, serving: true, terminating: false },
  leaving: { ready: false, serving: true, terminating: true },
  unready: { ready: false, serving: false, terminating: false },
};

/** Fields of a Service beside its name. */
export interface ServiceFields {
  readonly clusterIP?: string;
  /** Of the other family. */
  readonly secondIP?: string;
  readonly port?: number;
  /** Of the annotation, before it is made text. */
  readonly config?: unknown;
}

/** See the head of this file. */
export class ObjectsDirectory {
  readonly path = mkdtempSync(join(tmpdir(), "fairlead-objects-"));

  /** Puts an object of any kind, in namespace prod. */
  put(kind: string, apiVersion: string, name: string, fields: object, metadata: object = {}): void {
    const object = {
      apiVersion,
      kind,
      metadata: { name, namespace: "prod", ...metadata },
      ...fields,
    };
    const file = this.#fileOf(kind, name);
    writeFileSync(`${file}.new`, JSON.stringify(object));
    renameSync(`${file}.new`, `${file}.json`);
  }

  remove(kind: string, name: string): void {
    rmSync(`${this.#fileOf(kind, name)}.json`);
  }

  service(name: string, fields: ServiceFields = {}): void {
    const { clusterIP = "None", secondIP, port = 50051, config } = fields;
    const annotations =
      config === undefined ? {} : { "fairlead.dev/service-config": JSON.stringify(config) };
    const ports = [{ name: "grpc", port, targetPort: port }];
    const clusterIPs = secondIP === undefined ? undefined : [clusterIP, secondIP];
    this.put("Service", "v1", name, { spec: { clusterIP, clusterIPs, ports } }, { annotations });
  }

  /** The one slice of a Service. */
  slice(service: string, podPort: number, endpoints: readonly SliceEndpoint[]): void {
    const labels = { "kubernetes.io/service-name": service };
    const fields = {
      addressType: "IPv4",
      ports: [{ name: "grpc", port: podPort, protocol: "TCP" }],
      endpoints: endpoints.map(({ ip, zone, state = "ready" }, i) => ({
        addresses: [ip],
        conditions: CONDITIONS[state],
        ...(zone !== undefined && { zone }),
        targetRef: { kind: "Pod", name: `${service}-${i}`, uid: `${service}-${ip}` },
      })),
    };
    this.put("EndpointSlice", "discovery.k8s.io/v1", `${service}-1`, fields, { labels });
  }

  /** A GRPCRoute of a Service (GAMMA), or of a Gateway. */
  route(
    name: string,
    parent: { readonly kind: "Service" | "Gateway"; readonly name: string },
    rules: readonly object[],
    hostnames: readonly string[] = [],
  ): void {
    const group = parent.kind === "Service" ? "" : GATEWAY_GROUP;
    const spec = { parentRefs: [{ group, ...parent }], rules, hostnames };
    this.put("GRPCRoute", `${GATEWAY_GROUP}/v1`, name, { spec });
  }

  /** A Gateway of our class, and the class. */
  gateway(name: string, listeners: readonly object[]): void {
    const controllerName = "fairlead.dev/gateway-controller";
    this.put("GatewayClass", `${GATEWAY_GROUP}/v1`, "fairlead", { spec: { controllerName } });
    const spec = { gatewayClassName: "fairlead", listeners };
    this.put("Gateway", `${GATEWAY_GROUP}/v1`, name, { spec });
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #fileOf(kind: string, name: string): string {
    return join(this.path, `${kind.toLowerCase()}-${name}`);
  }
}
