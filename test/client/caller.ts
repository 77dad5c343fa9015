/**
 * Starts `programs/caller.ts` for a test, and reads what it tells.
 */
import { join } from "node:path";
import type { ChannelName } from "../peers/node/channel-options.ts";
import { type RunningProcess, startProcess } from "../peers/processes.ts";

const PROGRAM = join(import.meta.dirname, "programs", "caller.ts");

/** How it is started; see the program. */
export interface CallerOptions {
  readonly channel: ChannelName;
  readonly target: string;
  readonly calls?: number;
  readonly concurrency?: number;
  readonly deadlineMs?: number;
  readonly pauseMs?: number;
  readonly isWaiting?: boolean;
  /** Channel arguments. */
  readonly options?: Readonly<Record<string, string | number>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Its last line. */
export interface Summary {
  readonly ok: number;
  /** Calls by the name of their status. */
  readonly failed: Readonly<Record<string, number>>;
  /** Whether the last call that ended was a failure. */
  readonly isFailing: boolean;
  readonly seconds: number;
}

/** Starts one, which ends with the test. */
export function startCaller(
  t: { after(fn: () => Promise<unknown>): void },
  given: CallerOptions,
): RunningProcess {
  const { channel, target, calls = 1, concurrency = 1, deadlineMs = 0, pauseMs = 0 } = given;
  const flags: readonly (readonly [string, string | number])[] = [
    ["--channel", channel],
    ["--target", target],
    ["--calls", calls],
    ["--concurrency", concurrency],
    ["--deadline-ms", deadlineMs],
    ["--pause-ms", pauseMs],
    ["--options", JSON.stringify(given.options ?? {})],
  ];
  const args = flags.flatMap(([flag, value]) => [flag, String(value)]);
  if (given.isWaiting) args.push("--wait");
  const caller = startProcess(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", PROGRAM, ...args],
    { name: `caller (${channel})`, env: given.env ?? {} },
  );
  t.after(() => caller.stop());
  return caller;
}

/** Its summary once it has ended, which it must do in order. */
export async function summaryOf(caller: RunningProcess, timeoutMs = 60_000): Promise<Summary> {
  const [line] = await caller.waitFor(/^\{"event":"done".*$/m, timeoutMs);
  const { code, signal } = await caller.exited;
  if (code !== 0) throw new Error(`${caller.name} ended by ${signal ?? code}: ${caller.output}`);
  return JSON.parse(line) as Summary;
}
