/**
 * How each kind of fault is made and undone again. Each resolves when all is as it was.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { seededRng } from "../../src/base/index.ts";
import { SERVICE_NAME_LABEL } from "../../src/discovery/index.ts";
import type { Arena, ArenaPod } from "./arena.ts";
import type { FaultKind, PlannedFault } from "./fault-plan.ts";

/** What a fault writes down of itself while it lasts. */
export interface FaultNotes {
  readonly cutsMs: number[];
  readonly goAwaysMs: number[];
}

type PodFault = (pod: ArenaPod, plan: PlannedFault, notes: FaultNotes) => Promise<void>;
type OtherFault = (arena: Arena, plan: PlannedFault) => Promise<void>;

/** A container dies; the kubelet notices later, and starts it again. */
const kill: PodFault = async ({ pod }, { forMs, seed }, notes) => {
  const noticeMs = seededRng(seed).int(forMs);
  notes.cutsMs.push(Date.now());
  await pod.kill();
  notes.cutsMs.push(Date.now());
  await sleep(noticeMs);
  pod.setReady(false);
  await sleep(forMs - noticeMs);
  await pod.start();
  pod.setReady(true);
};

const stop: PodFault = async ({ pod }, { forMs }) => {
  pod.signal("SIGSTOP");
  await sleep(forMs);
  pod.signal("SIGCONT");
};

const hold: PodFault = async ({ gate }, { forMs }) => {
  gate.delay("held");
  await sleep(forMs);
  gate.delay(0);
};

const slow: PodFault = async ({ gate }, { forMs, seed }) => {
  gate.delay(20 + seededRng(seed).int(200));
  await sleep(forMs);
  gate.delay(0);
};

const refuse: PodFault = async ({ gate }, { forMs }, notes) => {
  gate.refuse();
  notes.cutsMs.push(Date.now());
  gate.reset();
  await sleep(forMs);
  await gate.open();
};

const reset: PodFault = async ({ gate }, { forMs, seed }, notes) => {
  const rng = seededRng(seed);
  for (let left = 1 + rng.int(4); left > 0; left -= 1) {
    notes.cutsMs.push(Date.now());
    gate.reset();
    await sleep(rng.int(forMs));
  }
};

const goAwayStorm: PodFault = async ({ pod }, { forMs, seed }, notes) => {
  const rng = seededRng(seed);
  for (let left = 1 + rng.int(5); left > 0; left -= 1) {
    notes.goAwaysMs.push(Date.now());
    pod.signal("SIGUSR2");
    await sleep(rng.int(forMs / 2));
  }
};

const flap: PodFault = async ({ pod }, { forMs, seed }) => {
  const rng = seededRng(seed);
  for (let left = 1 + rng.int(4); left > 0; left -= 1) {
    pod.setReady(false);
    await sleep(rng.int(forMs));
    pod.setReady(true);
    await sleep(rng.int(200));
  }
};

/** The slice forgets a pod that serves. */
const lieDrop: PodFault = async ({ pod, arena }, { forMs }) => {
  await arena.lying(async () => {
    const { objects } = arena.stage.cluster;
    for (const slice of arena.slices()) {
      const { namespace = "", name } = slice.metadata;
      const endpoints = (slice.endpoints as { addresses: string[] }[]).filter(
        ({ addresses }) => !pod.address.startsWith(`${addresses[0]}:`),
      );
      objects.patch({ kind: "EndpointSlice", namespace, name }, { endpoints });
    }
    await sleep(forMs);
  });
};

/** Terminating for longer than anybody would think, and serving all the time. */
const serveOn: PodFault = async (place, { forMs }) => {
  place.pod.terminate();
  await sleep(forMs);
  await place.pod.stop();
  place.pod.remove();
  await place.replace();
};

/** As a StatefulSet rolls: gone in order, and back as another pod under the same address. */
const roll: PodFault = async (place) => {
  place.pod.terminate();
  await sleep(300);
  await place.pod.stop();
  place.pod.remove();
  await place.replace();
};

/** A slice of somebody else names an address where nobody is. */
const lieDead: OtherFault = async ({ stage, slices }, { forMs, seed }) => {
  const { objects } = stage.cluster;
  const [{ metadata, ports }] = slices();
  const { namespace = "" } = metadata;
  const name = `liar-${seed}`;
  const endpoint = { addresses: [stage.nextHost()], conditions: { ready: true, serving: true } };
  objects.create("EndpointSlice", namespace, {
    metadata: { name, labels: { [SERVICE_NAME_LABEL]: metadata.labels?.[SERVICE_NAME_LABEL] } },
    ...{ addressType: "IPv4", endpoints: [endpoint], ports },
  });
  await sleep(forMs);
  objects.delete({ kind: "EndpointSlice", namespace, name });
};

const lieTwice: OtherFault = async (arena, { forMs }) => {
  const { namespace = "", labels = {} } = arena.slices()[0].metadata;
  const service = labels[SERVICE_NAME_LABEL];
  arena.stage.cluster.duplicateEndpoints(namespace, service);
  await sleep(forMs);
  arena.stage.cluster.mergeDuplicates(namespace, service);
};

const proxyKill: OtherFault = (arena) => arena.restartProxy();

const proxyStop: OtherFault = async (arena, { forMs, target }) => {
  const { process } = arena.proxies[target].started;
  process.signal("SIGSTOP");
  await sleep(forMs);
  process.signal("SIGCONT");
};

const callerKill: OtherFault = (arena) => arena.restartVictim();

const callerStop: OtherFault = async (arena, { forMs, target }) => {
  const { process } = arena.callers[target];
  process.signal("SIGSTOP");
  await sleep(forMs);
  process.signal("SIGCONT");
};

const OF_PODS: Readonly<Partial<Record<FaultKind, PodFault>>> = {
  ...{ kill, stop, hold, slow, refuse, reset, flap, roll },
  ...{ "goaway-storm": goAwayStorm, "lie-drop": lieDrop, "serve-on": serveOn },
};
const OTHERS: Readonly<Partial<Record<FaultKind, OtherFault>>> = {
  ...{ "lie-dead": lieDead, "lie-twice": lieTwice },
  ...{ "proxy-kill": proxyKill, "proxy-stop": proxyStop },
  ...{ "caller-kill": callerKill, "caller-stop": callerStop },
};

/** Makes a fault, and undoes it. */
export async function makeFault(arena: Arena, plan: PlannedFault, notes: FaultNotes) {
  const ofPod = OF_PODS[plan.kind];
  if (ofPod !== undefined) await ofPod(arena.pods[plan.target], plan, notes);
  else await OTHERS[plan.kind]!(arena, plan);
}
