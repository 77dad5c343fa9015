/**
 * Stand-in for a ClusterIP Service: an L4 relay that picks a pod at random for each *connection*,
 * as kube-proxy does (iptables `statistic mode random`, IPVS per connection). It looks at no byte,
 * so it cannot see that one connection carries many calls.
 *
 *     clusterip.ts HOST PORT POD_ADDRESS[,POD_ADDRESS...]
 *
 * A process of its own, so that drawing tables does not slow the relayed calls.
 */
import "./leash.ts";
import net from "node:net";
import { realRng } from "../../base/index.ts";
import type { ChildMessage, PodsMessage } from "../messages.ts";

const [host, port, list] = process.argv.slice(2) as [string, string, string];
process.title = "fairlead-lab clusterip";
let pods = list.split(",").map(parse);
const rng = realRng();

function parse(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

const say = (message: ChildMessage): void => {
  process.send?.(message);
};

const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const pod = pods[rng.int(pods.length)];
  // A Service without endpoints refuses connections.
  if (!pod) return void client.resetAndDestroy();
  const upstream = net.connect({ ...pod, allowHalfOpen: true, noDelay: true });
  client.pipe(upstream).pipe(client);
  client.on("error", () => upstream.destroy());
  upstream.on("error", () => client.resetAndDestroy());
});
// As kube-proxy does: what is connected stays where it is, whatever pods come.
process.on("message", ({ addresses }: PodsMessage) => {
  pods = addresses.map(parse);
});
process.channel?.unref();
server.on("error", (error: NodeJS.ErrnoException) => {
  say({ type: "failed", code: error.code ?? "", reason: error.message });
});
server.listen(Number(port), host, () => {
  say({ type: "listening", port: (server.address() as net.AddressInfo).port });
});
