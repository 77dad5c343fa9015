/**
 * A process of lab pods: one, or several that can be slowed, drained and killed each alone.
 *
 *     pod.ts NAME...
 *
 * The names are for its title only: each pod is started by a message (`pod-start`). It imports as
 * little as it can, since a dozen of them start at once. It ends when the lab does. On SIGTERM all
 * its pods say GOAWAY and finish their calls, as a well-behaved pod does.
 */
import "./leash.ts";
import { realClock } from "../../base/index.ts";
import type { ChildMessage, PodOrder, PodStartMessage } from "../messages.ts";
import { PodServer } from "../pods/pod-server.ts";
import { ownPodSettings } from "../pods/pod-settings.ts";

const clock = realClock();
const pods = new Map<string, PodServer>();
const entitle = (names: readonly string[]): void => {
  process.title = `fairlead-lab ${names.join(" ")}`;
};
entitle(process.argv.slice(2));

const say = (message: ChildMessage): void => {
  // The lab may be gone already; the leash ends this process then.
  if (process.connected) process.send?.(message);
};

async function start({ pod, host, port }: PodStartMessage): Promise<void> {
  const server = new PodServer(pod, clock, ownPodSettings());
  try {
    const ports = await server.listen(host, port);
    pods.set(pod, server);
    entitle([...pods.keys()]);
    const addresses = { address: `${host}:${ports.grpc}`, http1Address: `${host}:${ports.http1}` };
    say({ type: "pod-serves", pod, ...addresses });
  } catch (error) {
    server.kill();
    const reason = error instanceof Error ? error.message : String(error);
    say({ type: "pod-failed", pod, code: /\bE[A-Z]+\b/.exec(reason)?.[0] ?? "", reason });
  }
}

async function go(server: PodServer, isKilled: boolean): Promise<void> {
  if (isKilled) server.kill();
  else await server.end();
  pods.delete(server.name);
  say({ type: "pod-gone", pod: server.name });
}

process.on("message", (order: PodOrder) => {
  if (order.type === "pod-start") void start(order);
  const server = pods.get(order.pod);
  if (!server) return;
  if (order.type === "behave") server.behave(order);
  else if (order.type !== "pod-start") void go(server, order.type === "pod-kill");
});
// It stays for orders, also while it has no pod.
process.channel?.ref();
process.once("SIGTERM", () => {
  Promise.all([...pods.values()].map((server) => server.end())).then(() => process.exit(0));
});
