/**
 * Stand-in for a ClusterIP Service: an L4 relay that treats connections as kube-proxy does. Each
 * *connection* goes to one of the endpoints, by chance (iptables `statistic mode random`, nftables
 * `numgen random`); one that is made stays where it is, also when its pod takes no new ones, until
 * the pod ends it; and where there is no endpoint, it is refused. The relay looks at no byte, so it
 * cannot see that one connection carries many calls.
 *
 *     clusterip.ts HOST PORT [ADDRESS,ADDRESS...]
 *
 * A process of its own, so that drawing tables does not slow the relayed calls.
 */
import "./leash.ts";
import net from "node:net";
import { realRng } from "../../base/index.ts";
import type { ChildMessage, PodsMessage } from "../messages.ts";
import type { Carried, WhyMessage } from "../why/messages.ts";

const [host, port, list = ""] = process.argv.slice(2) as [string, string, string | undefined];
process.title = "fairlead-lab clusterip";
let endpoints = list === "" ? [] : list.split(",").map(parse);
const rng = realRng();
/** The connections that are open, the oldest first. */
const carried = new Map<net.Socket, Carried>();

function parse(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

const say = (message: ChildMessage): void => {
  process.send?.(message);
};

const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const endpoint = endpoints.length === 0 ? null : endpoints[rng.int(endpoints.length)]!;
  // A rule of the kernel refuses it before it is made; from here a reset comes nearest.
  if (endpoint === null) return void client.resetAndDestroy();
  const upstream = net.connect({ ...endpoint, allowHalfOpen: true, noDelay: true });
  client.pipe(upstream).pipe(client);
  carried.set(client, {
    from: `${client.remoteAddress}:${client.remotePort}`,
    to: `${endpoint.host}:${endpoint.port}`,
  });
  client.once("close", () => carried.delete(client));
  client.on("error", () => upstream.resetAndDestroy());
  upstream.on("error", () => client.resetAndDestroy());
});
process.on("message", (message: PodsMessage | WhyMessage) => {
  if (message.type === "pods") endpoints = message.addresses.map(parse);
  else say({ type: "carried", id: message.id, connections: [...carried.values()] });
});
process.channel?.unref();
server.on("error", (error: NodeJS.ErrnoException) => {
  say({ type: "failed", code: error.code ?? "", reason: error.message });
});
server.listen(Number(port), host, () => {
  say({ type: "listening", port: (server.address() as net.AddressInfo).port });
});
