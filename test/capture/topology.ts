/**
 * A pod's network and a node's: two namespaces joined by a pair of interfaces. In the node's there
 * are the pods of a Service, other servers, and what kube-proxy does, in real rules of nftables.
 *
 * Everything ends with `close`, or with this process.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { joinNamespaces, NetworkNamespace, runIpIn, whyNoNamespace } from "../kubernetes/netns.ts";
import { requirePeer, type SkippableTest } from "../peers/find.ts";
import { rootDir } from "../peers/paths.ts";
import { type RunningProcess, runProcess } from "../peers/processes.ts";
import { writeCertificates } from "../support/certificates.ts";
import { PORTS } from "./ports.ts";

/** The client's pod, and its gateway in the node. */
export const CLIENT = { ipv4: "10.245.1.2", ipv6: "fd00:10:245::2" };
const GATEWAY = { ipv4: "10.245.1.1", ipv6: "fd00:10:245::1" };
/** The pods of the Service. */
export const PODS = ["10.244.0.11", "10.244.0.12", "10.244.0.13"];
/** All that is not gRPC listens here. */
const OTHERS = "10.244.0.20";
/** ClusterIPs: a Service that speaks gRPC, one that does not, one that says so and does not. */
export const CLUSTER_IPS = {
  echo: "10.96.0.7",
  echoIPv6: "fd00:10:96::7",
  others: "10.96.0.8",
  odd: "10.96.0.9",
};
/** The user that the proxy runs as. */
const PROXY_UID = 15_001;

const OBJECTS = `
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: prod }
spec:
  clusterIP: ${CLUSTER_IPS.echo}
  clusterIPs: ["${CLUSTER_IPS.echo}", "${CLUSTER_IPS.echoIPv6}"]
  ports: [{ name: grpc, port: ${PORTS.grpc} }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: echo-1
  namespace: prod
  labels: { kubernetes.io/service-name: echo }
addressType: IPv4
ports: [{ name: grpc, port: ${PORTS.grpc} }]
endpoints:
${PODS.map((ip) => `  - { addresses: ["${ip}"], conditions: { ready: true } }`).join("\n")}
---
apiVersion: v1
kind: Service
metadata: { name: others, namespace: prod }
spec:
  clusterIP: ${CLUSTER_IPS.others}
  ports: [{ name: mysql, port: ${PORTS.serverFirst} }, { name: http, port: ${PORTS.http} }]
---
apiVersion: v1
kind: Service
metadata: { name: odd, namespace: prod }
spec:
  clusterIP: ${CLUSTER_IPS.odd}
  ports:
    - { name: grpc-db, port: ${PORTS.serverFirst} }
    - { name: grpc-http, port: ${PORTS.http} }
    - { name: tls, port: ${PORTS.tls}, appProtocol: grpc }
`;

/** As kube-proxy has it in its mode nftables: a pod by chance for each connection. */
const NUMBERED = PODS.map((ip, i) => `${i} : ${ip}`).join(", ");
const POD_OF_CHANCE = `numgen random mod ${PODS.length} map { ${NUMBERED} }`;
const KUBE_PROXY = `
table inet kube-proxy {
  chain services {
    ip daddr ${CLUSTER_IPS.echo} tcp dport ${PORTS.grpc} dnat ip to ${POD_OF_CHANCE}
    ip daddr { ${CLUSTER_IPS.others}, ${CLUSTER_IPS.odd} } dnat ip to ${OTHERS}
  }
  chain nat-prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }
  chain nat-output {
    type nat hook output priority -100; policy accept;
    jump services
  }
}
`;

/** Programs that the topology needs; null: the test is skipped, or fails where none may be. */
export function requireCapture(t: SkippableTest): { readonly echoServer: string } | null {
  const reason = whyNoNamespace();
  if (reason !== null) {
    if (process.env.FAIRLEAD_REQUIRE_PEERS === "1") throw new Error(reason);
    t.skip(reason);
    return null;
  }
  const echoServer = requirePeer(t, "echo-server");
  const nft = echoServer && requirePeer(t, "nft");
  return nft && echoServer ? { echoServer } : null;
}

/** See the head of this file. */
export class Topology {
  readonly pod: NetworkNamespace;
  readonly node: NetworkNamespace;

  private constructor(pod: NetworkNamespace, node: NetworkNamespace) {
    this.pod = pod;
    this.node = node;
  }

  /** Makes it, with all its servers. */
  static async create(echoServer: string): Promise<Topology> {
    const node = await NetworkNamespace.create("");
    const pod = await NetworkNamespace.create("", []).catch(async (error) => {
      await node.close();
      throw error;
    });
    const topology = new Topology(pod, node);
    try {
      topology.#connect();
      await topology.#serve(echoServer);
      return topology;
    } catch (error) {
      await topology.close();
      throw error;
    }
  }

  #connect(): void {
    const { pod, node } = this;
    joinNamespaces(node, pod, "eth0");
    for (const [namespace, own] of [
      [node, GATEWAY],
      [pod, CLIENT],
    ] as const) {
      runIpIn(namespace, "addr", "add", `${own.ipv4}/24`, "dev", "eth0");
      runIpIn(namespace, "addr", "add", `${own.ipv6}/64`, "dev", "eth0", "nodad");
      runIpIn(namespace, "link", "set", "eth0", "up");
    }
    runIpIn(pod, "route", "add", "default", "via", GATEWAY.ipv4);
    runIpIn(pod, "-6", "route", "add", "default", "via", GATEWAY.ipv6);
  }

  async #serve(echoServer: string): Promise<void> {
    const { node } = this;
    const pods = PODS.map((ip) =>
      node.start(echoServer, ["-listen", `${ip}:${PORTS.grpc}`, "-name", ip]),
    );
    await Promise.all(pods.map((each) => each.waitFor(/^ready/m)));
    const { certFile, keyFile } = await writeCertificates(node.directory, ["server.test"]);
    const servers = join(import.meta.dirname, "programs", "servers.ts");
    const others = node.start(process.execPath, [servers, OTHERS, certFile, keyFile]);
    await others.waitFor(/^ready$/m);
    await this.run(node, "nft", ["-f", "-"], KUBE_PROXY);
    const objects = join(node.directory, "objects");
    mkdirSync(objects, { mode: 0o755 });
    writeFileSync(join(objects, "objects.yaml"), OBJECTS);
  }

  /** Runs a program to its end in a namespace; what it wrote. @throws Error when it fails. */
  async run(
    namespace: NetworkNamespace,
    path: string,
    args: readonly string[],
    input = "",
  ): Promise<string> {
    const words = ["netns", "exec", namespace.name, path, ...args];
    const { code, stdout, stderr } = await runProcess("ip", words, { input, timeoutMs: 60_000 });
    if (code !== 0) throw new Error(`${path} ${args.join(" ")}: ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** `fairlead ...` in a namespace. */
  fairlead(namespace: NetworkNamespace, ...args: string[]): Promise<string> {
    return this.run(namespace, process.execPath, [join(rootDir, "src/cli/main.ts"), ...args]);
  }

  /**
   * Starts `fairlead proxy --mode ...` in a namespace and waits until it knows the Services.
   * @param isRoot TPROXY needs CAP_NET_ADMIN: then it is told by its group.
   */
  async startProxy(
    namespace: NetworkNamespace,
    args: readonly string[],
    isRoot = false,
  ): Promise<RunningProcess> {
    const objects = join(this.node.directory, "objects");
    // What runs as another user must be let in.
    await this.run(namespace, "chmod", ["0711", this.node.directory]);
    const who = [
      `--regid=${PROXY_UID}`,
      "--clear-groups",
      ...(isRoot ? [] : [`--reuid=${PROXY_UID}`]),
    ];
    const from = args.includes("--control") ? [] : ["--objects", objects];
    const main = [join(rootDir, "src/cli/main.ts"), "proxy", ...from, ...args];
    const proxy = namespace.start("setpriv", [...who, process.execPath, ...main], {
      name: "proxy",
    });
    await proxy.waitFor(/"msg":"Services known"/);
    return proxy;
  }

  /** `dial.ts` in the pod. */
  async dial(kind: string, host: string, port: number): Promise<Record<string, unknown>> {
    const program = join(import.meta.dirname, "programs", "dial.ts");
    const args = [program, kind, host, String(port)];
    return JSON.parse(await this.run(this.pod, process.execPath, args));
  }

  /** What runs a program in the pod. */
  get inPod(): readonly string[] {
    return ["ip", "netns", "exec", this.pod.name];
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.pod.close();
    await this.node.close();
  }
}
