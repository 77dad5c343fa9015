/**
 * The real things of a process, made once and passed on: clock, chance, logger, signals, stdout.
 */
import { type Clock, type Logger, type Rng, realClock, realRng } from "../base/index.ts";
import { createLogger, type LogOptions, logOptionsFor } from "./log.ts";
import type { CommonOptions } from "./verb.ts";

/** What verbs pass on to the rooms. */
export interface System {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** How `log` was made, for processes that log in the same way. */
  readonly logOptions: LogOptions;
}

/** Made once per process, by the verb that runs. */
export async function createSystem(options: CommonOptions): Promise<System> {
  return systemWithLog(logOptionsFor(options.logLevel, options.color));
}

/** The same with a logger that was decided elsewhere. */
export async function systemWithLog(logOptions: LogOptions): Promise<System> {
  const clock = realClock();
  return { clock, rng: realRng(), log: await createLogger(logOptions, clock), logOptions };
}

/** A Ctrl-C under npm comes twice, from the terminal and from npm, a few milliseconds apart. */
const SAME_CTRL_C_MS = 200;

/** What asks a process to end in order: Ctrl-C, a supervisor, a terminal that closes. */
export const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Aborted by the first of `STOP_SIGNALS`, with its name as the reason; a second one ends the
 * process at once.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const clock = realClock();
  let interruptedMs = Number.NEGATIVE_INFINITY;
  const onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = clock.nowMs();
    const isEcho = signal === "SIGINT" && nowMs - interruptedMs < SAME_CTRL_C_MS;
    if (signal === "SIGINT") interruptedMs = nowMs;
    if (isEcho) return;
    if (stop.signal.aborted) process.exit(1);
    stop.abort(signal);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  return stop.signal;
}

/** Aborted when what was written cannot be delivered: whoever read it (`| head`) has gone. */
export function stdoutGone(): AbortSignal {
  const gone = new AbortController();
  process.stdout.once("error", () => gone.abort("stdout is closed"));
  return gone.signal;
}

/**
 * Makes an error that nobody caught, which is a bug, a line of the log like any other before the
 * process ends with 1.
 */
export function logCrash(log: Logger): void {
  process.on("uncaughtException", (error) => {
    log.error("crash", { err: error });
    process.exit(1);
  });
}

/** How long last bytes may take: those of sockets that were just closed, and of the log. */
const LAST_WORDS_MS = 100;

/**
 * Ends the process with `code` once all that was closed has sent its last bytes and the log is
 * written; what is still open then is not waited for.
 */
export function endProcess(code: number): void {
  process.exitCode = code;
  process.channel?.unref(); // a worker's line to its primary is no reason to stay
  realClock()
    .setTimer(LAST_WORDS_MS, () => process.exit())
    .unref();
}

/** Resolves when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Writes a result; resolves when it is on its way, so that the process may exit. */
export function writeOut(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}
