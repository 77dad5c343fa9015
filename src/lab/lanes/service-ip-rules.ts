/**
 * A Service's virtual IP by rules of the kernel, as kube-proxy in its nftables mode makes them: who
 * connects to it is led to one of the endpoints by chance (DNAT), and stays there: the kernel
 * remembers the connection and asks the rules no more. So a connection to a pod that is gone from
 * the rules lives until the pod ends it, as in a cluster, where kube-proxy clears what it remembers
 * of UDP alone. Where there is no endpoint, there is no rule, and nobody listens: it is refused.
 */

import { runNft } from "../system/netns-inside.ts";
import { connectionsTo } from "./kernel-connections.ts";
import type { LaneEnv } from "./lane.ts";
import type { ServiceIp, ServicePort } from "./service-ip.ts";

/**
 * Makes the rules. Throws `LabError` with what nft said.
 *
 * @param label of it, as part of a sentence.
 * @param addresses behind it at first.
 */
export async function startRules(
  label: string,
  at: ServicePort,
  addresses: readonly string[],
  { children, onBroken }: Pick<LaneEnv, "children" | "onBroken">,
): Promise<ServiceIp> {
  const rules = new ServiceRules(at);
  await rules.set(addresses);
  return {
    address: `${at.host}:${at.port}`,
    follow: (now) => {
      rules.set(now).catch((error: Error) => {
        if (!children.isClosed) onBroken(`${label}: ${error.message}`);
      });
    },
    carried: () => connectionsTo(`${at.host}:${at.port}`),
    close: () => rules.remove().catch(() => {}),
  };
}

/** The rules of one Service, in a table of its own; changes are carried out one after the other. */
class ServiceRules {
  readonly #at: ServicePort;
  readonly #table: string;
  #last: Promise<void> = Promise.resolve();

  constructor(at: ServicePort) {
    this.#at = at;
    this.#table = `fairlead-lab-${at.host.replaceAll(".", "-")}-${at.port}`;
  }

  set(addresses: readonly string[]): Promise<void> {
    return this.#run(`${this.#emptied()}${rulesText(this.#table, this.#at, addresses)}`);
  }

  remove(): Promise<void> {
    return this.#run(this.#emptied());
  }

  /** Adding what is there is no error, deleting what is not would be. */
  #emptied(): string {
    return `add table ip ${this.#table}\ndelete table ip ${this.#table}\n`;
  }

  #run(script: string): Promise<void> {
    const run = this.#last.then(() => runNft(script));
    this.#last = run.catch(() => {});
    return run;
  }
}

/**
 * A table for nft(8): what programs of this network send goes through `output`, what comes from
 * another through `prerouting`.
 *
 * @param addresses ip:port of each endpoint; without any there are no rules.
 */
function rulesText(table: string, at: ServicePort, addresses: readonly string[]): string {
  if (addresses.length === 0) return `table ip ${table} {\n}\n`;
  const turns = addresses.map((_, index) => `${index} : goto endpoint-${index}`);
  const endpoints = addresses.map(
    (address, index) => `  chain endpoint-${index} {
    meta l4proto tcp dnat to ${address}
  }
`,
  );
  const hooks = ["output", "prerouting"].map(
    (hook) => `  chain ${hook} {
    type nat hook ${hook} priority -100
    ip daddr ${at.host} tcp dport ${at.port} goto service
  }
`,
  );
  return `table ip ${table} {
${endpoints.join("")}  chain service {
    numgen random mod ${addresses.length} vmap { ${turns.join(", ")} }
  }
${hooks.join("")}}
`;
}
