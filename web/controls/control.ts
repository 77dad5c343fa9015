/**
 * What can be done to pods and lanes by a button or a key, as data, by what the lab is like now.
 */
import { loadAfter } from "../../src/lab/actions.ts";
import type { PodSample, Sample } from "../../src/lab/page/page-feed.ts";

/** One button. */
export interface Control {
  /** The key that does the same. */
  readonly key: string;
  readonly label: string;
  /** The action, as `src/lab/actions.ts` reads it. */
  readonly action: string;
  readonly isDisabled: boolean;
}

/** One pod less, and one more. */
export function scaleControls(wanted: number, max: number): readonly [Control, Control] {
  return [
    {
      ...{ key: "-", label: "one pod less", action: `scale=${wanted - 1}` },
      isDisabled: wanted <= 1,
    },
    {
      ...{ key: "+", label: "one pod more", action: `scale=${wanted + 1}` },
      isDisabled: wanted >= max,
    },
  ];
}

/** Half the load, and twice as much: keys alone, beside the slider. */
export function loadControls({ callsPerSecond }: Sample["load"]): readonly Control[] {
  const control = (key: string, label: string, change: 1 | -1): Control => {
    const load = loadAfter(callsPerSecond, change);
    return { key, label, action: `load=${load}`, isDisabled: load === callsPerSecond };
  };
  return [control("[", "half the load", -1), control("]", "double the load", 1)];
}

/** Pods that something can be done to. */
export function alivePods({ pods }: Sample): readonly PodSample[] {
  return pods.filter(({ state }) => state === "ready" || state === "not-ready");
}

/**
 * What can be done to `pod`, or to one that the lab chooses. What was done is undone by the same
 * key: of that pod, or of all.
 */
export function podControls(
  alive: readonly PodSample[],
  pod: PodSample | null,
): readonly Control[] {
  const concerned = pod === null ? alive : [pod];
  const control = (key: string, label: string, word: string): Control => ({
    ...{ key, label, isDisabled: alive.length === 0 },
    action: pod === null ? word : `${word}=${pod.name}`,
  });
  const isAny = (is: (one: PodSample) => boolean): boolean => concerned.some(is);
  return [
    isAny(({ isSlow }) => isSlow)
      ? control("s", "as fast as before", "heal")
      : control("s", "slow ×10", "slow"),
    isAny(({ isSick }) => isSick)
      ? control("x", "well again", "well")
      : control("x", "sick", "sick"),
    isAny(({ isNotServing }) => isNotServing)
      ? control("n", "SERVING again", "serving")
      : control("n", "NOT_SERVING", "not-serving"),
    control("d", "drain", "drain"),
    control("k", "kill", "kill"),
  ];
}

/** What is done to all pods, to proxies, and to the lab. */
export function labControls({ lanes, events }: Sample, command: string): readonly Control[] {
  const replicas = lanes.find(({ name }) => name === "nested")?.replicas ?? null;
  const cure = events.findLast(({ event }) => event.startsWith("peers="))?.event;
  const isCured = cure ? cure === "peers=on" : / --peers\b/.test(command);
  const ejection = events.findLast(({ event }) => event.startsWith("outliers="))?.event;
  const isEjecting = ejection === "outliers=on";
  const isNotNested = replicas === null;
  return [
    { key: "r", label: "roll all pods", action: "roll", isDisabled: false },
    {
      ...{ key: "p", label: "second proxy replica", action: "replica" },
      isDisabled: replicas?.length !== 1,
    },
    {
      ...{ key: "e", label: isCured ? "peers’ cure off" : "peers’ cure on" },
      ...{ action: isCured ? "peers=off" : "peers=on", isDisabled: isNotNested },
    },
    {
      ...{ key: "o", label: isEjecting ? "no ejection" : "eject failing" },
      ...{ action: isEjecting ? "outliers=off" : "outliers=on", isDisabled: false },
    },
    { key: "0", label: "reset", action: "reset", isDisabled: false },
  ];
}
