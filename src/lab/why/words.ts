/**
 * Numbers and pods in words, the same in every story.
 */
import type { PodFact } from "./pod-facts.ts";

/** "0.1 s", "34.2 s", "412 s": a duration. */
export function seconds(ms: number): string {
  const value = Math.max(0, ms) / 1000;
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} s`;
}

/** "7,200" */
export function count(value: number): string {
  return value.toLocaleString("en");
}

/** A clause as a sentence. A name at its beginning stays as it is written: "echo-1", "grpc-js". */
export function sentence(text: string): string {
  const isWord = /^[a-z]+(?![\w-])/.test(text);
  return `${isWord ? text.charAt(0).toUpperCase() : text.charAt(0)}${text.slice(1)}.`;
}

/** Where the API server has a pod: "in EndpointSlice lab/echo-1 for 12.3 s". */
export function whereText({ inSlice }: PodFact): string {
  if (inSlice === null) return "in no EndpointSlice";
  const { slice, isTerminating, isReady, forMs } = inSlice;
  const as = isTerminating ? " as terminating" : isReady ? "" : " as not ready";
  return `in EndpointSlice ${slice}${as} for ${seconds(forMs)}`;
}

/** What is wrong with a pod, or null when nothing is. */
export function troubleOf({ state, isSlow, isSick, inSlice }: PodFact): string | null {
  if (state === "starting") return "its process does not serve yet";
  if (state === "killed") return "it was killed, and its replacement is on the way";
  if (state === "terminating") return "it is terminating: open calls end, new ones should not come";
  if (state === "gone") return "it is gone";
  if (state === "not-ready" || inSlice?.isReady === false) {
    return "its health service says NOT_SERVING, so its readiness probe fails";
  }
  if (isSick) return "it answers every call with UNAVAILABLE";
  return isSlow ? "it was made slow: its calls take many times their usual time" : null;
}
