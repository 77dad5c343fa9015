/**
 * A Service's virtual IP where there are no rules of the kernel: a process that gives each
 * connection to one of the addresses behind it (`programs/clusterip.ts`).
 */
import { LabError } from "../error.ts";
import { firstWord } from "../pods/pods.ts";
import { Asker } from "../why/index.ts";
import { breaksWithout } from "./broken.ts";
import type { LaneEnv } from "./lane.ts";
import type { ServiceIp, ServicePort } from "./service-ip.ts";

/**
 * Throws `LabError` when it cannot listen.
 *
 * @param label of its process, as part of a sentence.
 * @param at port 0: any.
 * @param addresses behind it at first.
 */
export async function startRelay(
  label: string,
  at: ServicePort,
  addresses: readonly string[],
  env: Pick<LaneEnv, "children" | "clock" | "onBroken">,
): Promise<ServiceIp> {
  const args = [at.host, String(at.port), addresses.join()];
  const relay = env.children.program(label, "clusterip", args);
  const word = await firstWord(relay);
  if (word.type !== "listening") {
    throw new LabError(word.type === "failed" ? word.reason : `${label} did not listen`);
  }
  breaksWithout(relay, env);
  const asker = new Asker(relay, "carried", env.clock);
  return {
    address: `${at.host}:${word.port}`,
    follow: (now) => relay.send({ type: "pods", addresses: now }),
    carried: async () => (await asker.ask()).connections,
    // Its process ends with the lane's others.
    close: async () => {},
  };
}
