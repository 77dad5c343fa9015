/**
 * What changed from one sample to the next, and its way back to a sample: the lab sends only that,
 * ten times a second.
 *
 * Pure, and without anything of Node's: the page applies what the lab has made here.
 */
import type { LabEvent } from "../view.ts";
import type { Column, LaneSample, PodSample, Sample } from "./page-feed.ts";

type Plain = Omit<Sample, "pods" | "events" | "lanes">;

/** Changes of a sample. What is absent stays as it was. */
export interface SampleDelta extends Partial<Plain> {
  /** All of them, where there are others or more of them. */
  readonly pods?: readonly PodSample[];
  /** Single rows of them. */
  readonly podsChanged?: Readonly<Record<number, PodSample>>;
  /** All of them, where it is not enough to add some. */
  readonly events?: readonly LabEvent[];
  /** How many of the oldest go, and what comes at the end. */
  readonly eventsMoved?: { readonly gone: number; readonly added: readonly LabEvent[] };
  /** All of them, where there are others. */
  readonly lanes?: readonly LaneSample[];
  /** What changed of each, in their order. */
  readonly lanesChanged?: readonly Partial<LaneSample>[];
}

/** An event `delta`: what changed since the one before, and the columns that were closed since. */
export interface Delta {
  readonly now: SampleDelta;
  readonly columns: readonly Column[];
}

/** What changed, or null when nothing did but the time. */
export function deltaOf(before: Sample, after: Sample): SampleDelta | null {
  const { pods, events, lanes, ...plain } = after;
  const { pods: _pods, events: _events, lanes: _lanes, ...plainBefore } = before;
  const delta = {
    ...changesOf(plainBefore, plain),
    ...podsDelta(before.pods, pods),
    ...eventsDelta(before.events, events),
    ...lanesDelta(before.lanes, lanes),
  };
  const hasMore = Object.keys(delta).some((key) => key !== "elapsedMs");
  return hasMore ? delta : null;
}

/** The sample after a change. What did not change is the same object as before. */
export function applied(before: Sample, delta: SampleDelta): Sample {
  const { pods, podsChanged, events, eventsMoved, lanes, lanesChanged, ...plain } = delta;
  return {
    ...before,
    ...plain,
    pods: pods ?? podsAfter(before.pods, podsChanged),
    events: events ?? eventsAfter(before.events, eventsMoved),
    lanes: lanes ?? lanesAfter(before.lanes, lanesChanged),
  };
}

function podsAfter(
  before: readonly PodSample[],
  changed: SampleDelta["podsChanged"],
): readonly PodSample[] {
  return changed === undefined ? before : before.map((pod, row) => changed[row] ?? pod);
}

function eventsAfter(
  before: readonly LabEvent[],
  moved: SampleDelta["eventsMoved"],
): readonly LabEvent[] {
  return moved === undefined ? before : [...before.slice(moved.gone), ...moved.added];
}

function lanesAfter(
  before: readonly LaneSample[],
  changed: SampleDelta["lanesChanged"],
): readonly LaneSample[] {
  return changed === undefined ? before : before.map((lane, at) => ({ ...lane, ...changed[at] }));
}

function podsDelta(
  before: readonly PodSample[],
  after: readonly PodSample[],
): Pick<SampleDelta, "pods" | "podsChanged"> {
  if (before.length !== after.length) return { pods: after };
  const changed = after.flatMap((pod, row) =>
    isEqual(pod, before[row]) ? [] : [[row, pod] as const],
  );
  return changed.length === 0 ? {} : { podsChanged: Object.fromEntries(changed) };
}

/** Events come at the end and go at the beginning; anything else is told whole. */
function eventsDelta(
  before: readonly LabEvent[],
  after: readonly LabEvent[],
): Pick<SampleDelta, "events" | "eventsMoved"> {
  if (isEqual(before, after)) return {};
  const first = after[0];
  const gone = first === undefined ? 0 : before.findIndex((event) => isEqual(event, first));
  const kept = before.slice(gone);
  if (gone < 0 || !isEqual(kept, after.slice(0, kept.length))) return { events: after };
  return { eventsMoved: { gone, added: after.slice(kept.length) } };
}

function lanesDelta(
  before: readonly LaneSample[],
  after: readonly LaneSample[],
): Pick<SampleDelta, "lanes" | "lanesChanged"> {
  const isSame = isEqual(
    before.map(({ name }) => name),
    after.map(({ name }) => name),
  );
  if (!isSame) return { lanes: after };
  const changed = after.map((lane, at) => changesOf(before[at]!, lane));
  return changed.every((each) => Object.keys(each).length === 0) ? {} : { lanesChanged: changed };
}

/** The fields whose values differ. */
function changesOf<T extends object>(before: T, after: T): Partial<T> {
  const differing = Object.entries(after).filter(
    ([key, value]) => !isEqual(value, before[key as keyof T]),
  );
  return Object.fromEntries(differing) as Partial<T>;
}

/** Both are plain JSON whose keys come in one order. */
function isEqual(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
