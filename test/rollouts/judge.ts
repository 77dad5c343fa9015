/**
 * Whether what callers, proxy and pods wrote down agrees, and whether what failed was allowed to.
 * Pure: records in, complaints and figures out.
 */
import type { AttemptCount } from "./attempts.ts";
import type { CallBegun, CallEnded, Execution } from "./echo.ts";

/** What one way wrote down. */
export interface WayRecord {
  readonly way: string;
  /** False for a stock client on its own: what fails there is shown, and nobody's fault here. */
  readonly isOurs: boolean;
  readonly calls: readonly (CallBegun | CallEnded)[];
  /** Attempts that fairlead started, by uid; null for a stock client on its own. */
  readonly attempts: Readonly<Record<string, AttemptCount>> | null;
  /** Calls that it sent again elsewhere. */
  readonly replays: number;
}

/** A pod, and what its processes executed. */
export interface PodRecord {
  readonly name: string;
  readonly uid: string;
  readonly address: string;
  /** By process; each is what its answers name. */
  readonly executions: ReadonlyMap<string, readonly Execution[]>;
}

/** Why a call may have failed; null: it may not. */
export type Explain = (call: FailedCall) => string | null;

/** A call that did not end with OK. */
export interface FailedCall {
  readonly id: string;
  readonly kind: "unary" | "stream";
  readonly fromMs: number;
  readonly untilMs: number;
  readonly code: number;
  readonly details: string;
  readonly pod: string | null;
  readonly isCancelled: boolean;
  /** The pod that executed it; null when none did. */
  readonly executedBy: string | null;
}

/** The figures of one way. */
export interface WayFigures {
  readonly way: string;
  /** Calls that ended. */
  readonly calls: number;
  /** Calls that did not: their caller was killed. */
  readonly unended: number;
  readonly unary: number;
  readonly streams: number;
  readonly ok: number;
  /** Calls by status, OK among them. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly failures: readonly FailedCall[];
  /** Ids that were executed more than once. */
  readonly twice: readonly string[];
  readonly replays: number;
  readonly perPod: readonly PodCounts[];
  /** What may not be. */
  readonly complaints: readonly string[];
}

/** The calls of one way on one pod, as each side counts them. */
export interface PodCounts {
  readonly pod: string;
  /** Answers that named it. */
  readonly caller: number;
  /** Attempts that fairlead started there; null for a stock client on its own. */
  readonly attempts: AttemptCount | null;
  /** Calls that it executed. */
  readonly executed: number;
}

/** Judges one way. */
export function judge(record: WayRecord, pods: readonly PodRecord[], explain: Explain): WayFigures {
  const complaints: string[] = [];
  const executedBy = executionsOf(record.way, pods);
  const { ended, unended, statuses } = readCalls(record, complaints);
  const failures: FailedCall[] = [];
  for (const { begun, end } of ended) {
    const by = executedBy.get(begun.id) ?? [];
    if (end.code === 0) judgeGood(end, by, complaints);
    else failures.push(failedCall(begun, end, by[0] ?? null));
  }
  const twice = [...executedBy].filter(([, by]) => by.length > 1).map(([id]) => id);
  const known = new Set(ended.map(({ begun }) => begun.id));
  for (const id of executedBy.keys()) {
    if (!known.has(id)) complaints.push(`${id} was executed and is no call that ended`);
  }
  if (record.isOurs) {
    for (const id of twice) complaints.push(`${id} was executed by ${executedBy.get(id)}`);
    for (const failure of failures) {
      if (explain(failure) === null) complaints.push(`not to be explained: ${show(failure)}`);
    }
  }
  const perPod = countPods(record, pods, ended);
  if (record.attempts !== null) {
    judgeAttempts(record, perPod, ended.length, failures.length, complaints);
  }
  const count = (kind: string) => ended.filter(({ begun }) => begun.kind === kind).length;
  return {
    ...{ way: record.way, calls: ended.length, unary: count("unary"), streams: count("stream") },
    ...{
      unended,
      ok: statuses[0] ?? 0,
      statuses,
      failures,
      twice,
      replays: record.replays,
      perPod,
    },
    complaints,
  };
}

interface Ended {
  readonly begun: CallBegun;
  readonly end: CallEnded;
}

/** Pairs of begin and end; complains of what did not end once. */
function readCalls({ calls }: WayRecord, complaints: string[]) {
  const begun = new Map<string, CallBegun>();
  const ended = new Map<string, Ended>();
  const statuses: Record<number, number> = {};
  for (const line of calls) {
    if (line.at === "begin") {
      begun.set(line.id, line);
      continue;
    }
    const began = begun.get(line.id);
    if (began === undefined) complaints.push(`${line.id} ended and never began`);
    else if (ended.has(line.id)) complaints.push(`${line.id} ended twice`);
    else {
      ended.set(line.id, { begun: began, end: line });
      statuses[line.code] = (statuses[line.code] ?? 0) + 1;
    }
  }
  for (const id of begun.keys()) if (!ended.has(id)) complaints.push(`${id} never ended`);
  return { ended: [...ended.values()], unended: begun.size - ended.size, statuses };
}

/** Which processes entered which of a way's calls. */
function executionsOf(way: string, pods: readonly PodRecord[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { executions } of pods) {
    for (const [own, lines] of executions) {
      for (const { at, id } of lines) {
        if (at !== "enter" || wayOf(id) !== way) continue;
        const by = found.get(id);
        if (by === undefined) found.set(id, [own]);
        else by.push(own);
      }
    }
  }
  return found;
}

/** Ids are "WAY-NUMBER". */
function wayOf(id: string): string {
  return id.slice(0, id.lastIndexOf("-"));
}

function judgeGood(end: CallEnded, by: readonly string[], complaints: string[]): void {
  if (by.length === 0) complaints.push(`${end.id} was answered with OK and executed nowhere`);
  else if (end.pod === null || !by.includes(end.pod)) {
    complaints.push(`${end.id} was answered by ${end.pod} and executed by ${by}`);
  }
}

function failedCall(begun: CallBegun, end: CallEnded, executedBy: string | null): FailedCall {
  const { id, kind } = begun;
  const { code, details, pod, isCancelled } = end;
  return {
    ...{ id, kind, fromMs: begun.ms, untilMs: end.ms },
    ...{ code, details, pod, isCancelled, executedBy },
  };
}

/** A failed call in one line. */
export function show(call: FailedCall): string {
  const { id, kind, code, details, fromMs, untilMs, executedBy } = call;
  const on = executedBy === null ? "not executed" : `executed by ${executedBy}`;
  return `${id} (${kind}, ${untilMs - fromMs} ms, ${on}): status ${code}: ${details}`;
}

function countPods(
  { way, attempts }: WayRecord,
  pods: readonly PodRecord[],
  ended: readonly Ended[],
): PodCounts[] {
  return pods.map(({ name, uid, executions }) => {
    const owns = [...executions.keys()];
    const caller = ended.filter(({ end }) => end.pod !== null && owns.includes(end.pod)).length;
    let executed = 0;
    for (const lines of executions.values()) {
      executed += lines.filter(({ at, id }) => at === "enter" && wayOf(id) === way).length;
    }
    const none = { calls: 0, isExact: true };
    return { pod: name, caller, attempts: attempts && (attempts[uid] ?? none), executed };
  });
}

/**
 * Every attempt was executed by its pod, or is one of those that failed or were sent again. So pod
 * by pod there are at least as many attempts as executions, and the surplus of all pods together is
 * at most the failures and replays; without failures it is the replays. Only exact counts are held
 * against a pod.
 */
function judgeAttempts(
  { replays }: WayRecord,
  perPod: readonly PodCounts[],
  calls: number,
  failed: number,
  complaints: string[],
): void {
  let started = 0;
  let executed = 0;
  let isExact = true;
  for (const each of perPod) {
    const count = each.attempts!;
    started += count.calls;
    executed += each.executed;
    isExact &&= count.isExact;
    if (!count.isExact || count.calls >= each.executed) continue;
    complaints.push(`${each.pod} executed ${each.executed} of ${count.calls} attempts there`);
  }
  const surplus = started - executed;
  // A call is executed once at most, so those that are missing were executed nowhere.
  const missing = calls - executed;
  const isTooMany = surplus > missing + replays;
  const isTooFew = isExact && (surplus < 0 || (failed === 0 && surplus !== replays));
  if (isTooMany || isTooFew) {
    const seen = `${started} attempts, ${executed} executed, ${calls} calls, ${replays} replays`;
    complaints.push(`the counts do not agree: ${seen}`);
  }
}
