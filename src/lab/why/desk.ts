/**
 * Where questions come in: `why` and `calls` of a lane, answered from all that is known.
 */
import type { Clock } from "../../base/index.ts";
import type { EndpointSlice } from "../../discovery/index.ts";
import { LabError } from "../error.ts";
import { LAB_TARGET } from "../pods/pod-objects.ts";
import type { LaneView, PodState } from "../view.ts";
import type { CallsAnswer, WhyAnswer, WhyCommand, WhyRow, WhyStep } from "./answer.ts";
import { callStory } from "./call-story.ts";
import type { Evidence } from "./evidence.ts";
import type { LaneWhy } from "./lane-why.ts";
import { type PodFact, SliceJournal } from "./pod-facts.ts";
import { envoyRows, listRows, otherRows, serviceRows, serviceSteps } from "./stock-rows.ts";
import { laneStory, podStory } from "./story.ts";
import { viewRows, viewSteps } from "./view-rows.ts";

/** A question about what there is not. Its message is a sentence for whoever asked. */
export class UnknownError extends LabError {
  override readonly name = "UnknownError";
}

/** A lane that can be asked; `LaneRun` is one. */
export interface AskableLane {
  readonly name: string;
  /** Null while its client is not open. */
  readonly why: LaneWhy | null;
  view(): LaneView;
}

/** As much of the API server's store as is followed. */
interface SliceStore {
  onEvent(listener: (event: { readonly kind: string }) => void): void;
}

/** What the desk needs of the lab. */
export interface AskableLab {
  readonly pods: readonly string[];
  readonly podStates: readonly PodState[];
  readonly slowPods: readonly string[];
  readonly sickPods: readonly string[];
  readonly elapsedMs: number;
  /** For commands in a shell; null where no shell reaches the lab. */
  readonly access: { readonly kubeconfig: string } | null;
}

/** Answers questions. */
export class WhyDesk {
  readonly #lab: AskableLab;
  readonly #lanes: () => readonly AskableLane[];
  readonly #clock: Clock;
  #slices: SliceJournal | null = null;

  /** @param lanes that are on now. */
  constructor(lab: AskableLab, lanes: () => readonly AskableLane[], clock: Clock) {
    this.#lab = lab;
    this.#lanes = lanes;
    this.#clock = clock;
  }

  /** From now on it keeps what the slices of the Service say of each pod, and since when. */
  follow(store: SliceStore, slices: () => readonly EndpointSlice[]): void {
    const journal = new SliceJournal(this.#clock, slices);
    this.#slices = journal;
    store.onEvent(({ kind }) => {
      if (kind === "EndpointSlice") journal.onChange();
    });
  }

  /**
   * Why a pod gets calls of a lane or none; of the lane as a whole when `pod` is null. Rejects with
   * `UnknownError` for a lane or pod that is not there, and with `LabError` when who knows does not
   * answer.
   */
  async why(laneName: string, podName: string | null): Promise<WhyAnswer> {
    const lane = this.#lane(laneName);
    if (podName !== null) podOf(this.#pods(), podName);
    const evidence = await this.#evidence(lane);
    // It may have gone meanwhile.
    const pod = podName === null ? null : podOf(evidence.pods, podName);
    const rows = rowsOf(evidence);
    const { title } = lane.view();
    return {
      ...{ lane: laneName, title, pod: podName, policy: policyOf(evidence) },
      asOfMs: Math.round(this.#lab.elapsedMs),
      rows,
      decision: pod === null ? [] : stepsOf(evidence, pod, rows),
      story: pod === null ? laneStory(rows, evidence) : podStory(pod, rows, evidence),
      command: commandOf(evidence, this.#lab.access?.kubeconfig ?? null),
    };
  }

  /** The latest calls of a lane. Rejects as `why`. */
  async calls(laneName: string): Promise<CallsAnswer> {
    const lane = this.#lane(laneName);
    const evidence = await this.#evidence(lane);
    const beganMs = evidence.wallMs - this.#lab.elapsedMs;
    return {
      calls: evidence.known.calls.map((call) => ({
        atMs: Math.round(call.atMs - beganMs),
        pod: call.pod,
        latencyMs: Math.round(call.latencyMs * 1000) / 1000,
        status: call.failure === "" ? "OK" : call.failure,
        why: callStory(call, evidence),
      })),
    };
  }

  #lane(name: string): AskableLane {
    const lanes = this.#lanes();
    const lane = lanes.find((each) => each.name === name);
    if (lane !== undefined) return lane;
    const on = lanes.map((each) => each.name).join(", ");
    throw new UnknownError(`lane "${shown(name)}" is not on; those that are: ${on}`);
  }

  #pods(): readonly PodFact[] {
    const { pods, podStates, slowPods, sickPods } = this.#lab;
    return pods.map((name, row) => ({
      name,
      state: podStates[row]!,
      isSlow: slowPods.includes(name),
      isSick: sickPods.includes(name),
      inSlice: this.#slices?.factOf(name) ?? null,
    }));
  }

  async #evidence(lane: AskableLane): Promise<Evidence> {
    const { phase, failure } = lane.view();
    if (lane.why === null) throw new LabError(failure ?? `lane ${lane.name} is still ${phase}`);
    const gathered = await lane.why.gather();
    const { figures, replicas } = lane.view();
    const { current, perPod } = figures;
    return {
      ...gathered,
      pods: this.#pods(),
      answered: current,
      answeredInAll: perPod,
      replicas: replicas ?? [],
      hasChanged: Object.entries(perPod).some(([pod, calls]) => calls !== (current[pod] ?? 0)),
      wallMs: this.#clock.wallMs(),
    };
  }
}

function podOf(pods: readonly PodFact[], name: string): PodFact {
  const pod = pods.find((each) => each.name === name);
  if (pod !== undefined) return pod;
  throw new UnknownError(`there is no pod "${shown(name)}" now; it may have been replaced`);
}

/** Of what somebody sent. */
function shown(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

const SHOWN_MAX = 60;

/** The rows of a lane. */
export function rowsOf(evidence: Evidence): readonly WhyRow[] {
  const { chooser, views, pods } = evidence;
  switch (chooser.by) {
    case "service":
      return serviceRows(evidence);
    case "list":
      return listRows(evidence);
    case "channel":
    case "proxies":
      return viewRows(views, pods);
    case "envoy":
      return envoyRows(evidence);
    case "other":
      return otherRows(evidence);
  }
}

/** Who knows more tells its own steps; of the others, what their rows say. */
function stepsOf(
  { chooser, views }: Evidence,
  pod: PodFact,
  rows: readonly WhyRow[],
): readonly WhyStep[] {
  if (views.length > 0) return viewSteps(views, pod.name);
  const own = rows.filter((row) => row.pod === pod.name);
  if (chooser.by === "service") return own.flatMap((row) => serviceSteps(row, pod));
  return own.flatMap(({ source, state, reason, usable }) => [
    { rule: "known to who chooses", effect: state === "unknown" ? "no" : `yes, from ${source}` },
    { rule: "connection", effect: state },
    { rule: "next call", effect: `${usable ? "may go there" : "does not go there"}: ${reason}` },
  ]);
}

function policyOf({ chooser, views }: Evidence): string | null {
  if (chooser.by === "list" && chooser.from !== "xds") return "round_robin";
  return views[0]?.view.policy ?? null;
}

function commandOf({ chooser }: Evidence, kubeconfig: string | null): WhyCommand | null {
  // In a network of the lab's own, no shell reaches its proxies either.
  if (kubeconfig === null) return null;
  if (chooser.by === "proxies") {
    const [first] = chooser.all();
    if (first === undefined) return null;
    return { text: `fairlead why --admin ${first.admin}`, says: `asks ${first.name} the same` };
  }
  const says =
    chooser.by === "channel"
      ? "asks the API server as this lane's client does, and connects anew"
      : "asks the API server, which this lane's client does not, and connects to all pods";
  return { text: `fairlead why ${LAB_TARGET} --kubeconfig ${kubeconfig}`, says };
}
