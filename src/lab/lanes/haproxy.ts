/**
 * The lane `haproxy`: HAProxy in front of the pods, with HTTP/2 on both sides and a list of them.
 * It balances call by call.
 */
import type { Lane } from "./lane.ts";
import { type ListedPlan, openListed } from "./listed-proxy.ts";
import { whyNoPeer } from "./peer-program.ts";

/** The lane. */
export const HAPROXY: Lane = {
  name: "haproxy",
  title: "HAProxy",
  how: "stock grpc-js, one connection to HAProxy: a list of servers, reloaded when it changes",
  whyNot: () => whyNoPeer("haproxy"),
  open: (env) =>
    openListed(
      {
        name: "haproxy",
        config: configOf,
        // A master that starts a new worker for each reload, while the old one ends in order.
        args: (file) => ["-W", "-db", "-f", file],
        reloadSignal: "SIGUSR2",
      },
      env,
    ),
};

/**
 * A call whose pod takes no connection goes to another at once, as in most configurations that are
 * in use: the old worker of a reload still has the old list.
 */
function configOf({ listen, pods }: ListedPlan): string {
  const servers = pods.map((address, index) => `  server pod-${index + 1} ${address} proto h2\n`);
  return `global
  maxconn 1000
  nbthread 1
  hard-stop-after 5s
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  retries 3
  option redispatch 1
frontend in
  bind ${listen} proto h2
  default_backend pods
backend pods
  balance roundrobin
${servers.join("")}`;
}
