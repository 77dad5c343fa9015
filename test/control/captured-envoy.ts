/**
 * Envoy as a sidecar in a network namespace whose connections to cluster IPs are captured, driven
 * by a `fairlead control` inside.
 */
import { execFileSync } from "node:child_process";
import type { Socket } from "node:net";
import type { NetworkNamespace } from "../kubernetes/netns.ts";
import { eventually } from "../kubernetes/wait.ts";
import type { RunningProcess } from "../peers/processes.ts";
import { envoyArgs } from "./envoy.ts";

/** Where its control plane is, inside. */
export const CONTROL = "127.0.0.1:18000";
const PROXY_UID = 1337;

/** Everything to cluster IPs is redirected, but what the proxy itself sends. */
const RULES = `
table ip fairlead {
  chain output {
    type nat hook output priority -100;
    meta skuid ${PROXY_UID} return
    ip daddr 10.96.0.0/16 meta l4proto tcp redirect to :15001
  }
}
table ip6 fairlead {
  chain output {
    type nat hook output priority -100;
    meta skuid ${PROXY_UID} return
    ip6 daddr fd00:10:96::/112 meta l4proto tcp redirect to :15001
  }
}`;

/** From now on. @param nft path of the program. */
export function capture(netns: NetworkNamespace, nft: string): void {
  execFileSync("ip", ["netns", "exec", netns.name, nft, "-f", "-"], { input: RULES });
}

/** Envoy as the user that is not captured, once it knows the Service prod/echo. */
export async function startEnvoy(
  netns: NetworkNamespace,
  envoy: string,
  isDelta: boolean,
): Promise<RunningProcess> {
  const uid = ["--reuid", String(PROXY_UID), "--regid", String(PROXY_UID), "--clear-groups"];
  const args = envoyArgs({ control: CONTROL, adminPort: 15000, isDelta });
  const proxy = netns.start("setpriv", [...uid, envoy, ...args], { name: "envoy" });
  await eventually("Envoy's listeners", async () => {
    if (proxy.exit !== null) throw new Error(`envoy ended: ${proxy.output}`);
    return (await get(netns, 15000, "/listeners")).includes("prod/echo:50051");
  });
  return proxy;
}

/** The answer of a server inside; "" when there is none. */
export function get(netns: NetworkNamespace, port: number, path: string): Promise<string> {
  const socket = netns.dial("127.0.0.1", port);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  return readAll(socket);
}

/** All that comes until the end, however it ends. */
export async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes;
  });
  socket.on("end", () => socket.destroy());
  socket.on("error", () => {});
  await new Promise((done) => socket.once("close", done));
  return text;
}
