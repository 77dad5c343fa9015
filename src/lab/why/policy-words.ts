/**
 * What each balancing policy does, in a sentence: as `src/balancing/` does it.
 */

const POLICIES: Readonly<Record<string, string>> = {
  least_request:
    "least_request compares two pods drawn by chance and takes the one with fewer calls in flight",
  round_robin: "round_robin gives each connected pod a call in turn, however long its calls take",
  weighted_round_robin:
    "weighted_round_robin gives each pod calls in turn, as many as the load that it reports allows",
  random: "random draws a pod for each call, all with the same chance",
  peak_ewma:
    "peak_ewma compares two pods drawn by chance and takes the one whose calls take less time",
  pick_first: "pick_first sends every call to the first pod that can be reached",
  ring_hash: "ring_hash gives calls with the same key to the same pod",
  maglev: "maglev gives calls with the same key to the same pod",
};

/** The sentence, without a dot; "" for a policy that is not known here. */
export function policyText(policy: string | null): string {
  return POLICIES[policy ?? ""] ?? "";
}
