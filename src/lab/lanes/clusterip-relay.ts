/**
 * Starts the stand-in for a Service's ClusterIP: a process that gives each connection to one of the
 * addresses behind it (`programs/clusterip.ts`).
 */

import { LabError } from "../error.ts";
import { firstWord } from "../pods/pods.ts";
import type { LaneEnv } from "./lane.ts";

/** One that listens. */
export interface ClusterIp {
  /** ip:port */
  readonly address: string;
  /** Says what is behind it from now on: ip:port of each. */
  follow(addresses: readonly string[]): void;
}

/**
 * Throws `LabError` when it cannot listen.
 *
 * @param label of its process, as part of a sentence.
 * @param at port 0: any.
 * @param addresses behind it at first.
 */
export async function startClusterIp(
  label: string,
  at: { readonly host: string; readonly port: number },
  addresses: readonly string[],
  { children, onBroken }: Pick<LaneEnv, "children" | "onBroken">,
): Promise<ClusterIp> {
  const args = [at.host, String(at.port), addresses.join()];
  const relay = children.program(label, "clusterip", args);
  const word = await firstWord(relay);
  if (word.type !== "listening") {
    throw new LabError(word.type === "failed" ? word.reason : `${label} did not listen`);
  }
  relay.ended.then(() => onBroken(`${label} ${relay.endReason}`));
  return {
    address: `${at.host}:${word.port}`,
    follow: (now) => relay.send({ type: "pods", addresses: now }),
  };
}
