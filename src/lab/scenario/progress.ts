/**
 * What is seen while scenarios run: on a terminal one line that is drawn again and again, elsewhere
 * a line of the log for each that begins and ends. It goes to stderr: stdout has the report.
 */
import { type Clock, cut, type Logger } from "../../base/index.ts";
import type { ScenarioResult } from "./result.ts";
import type { Scenario } from "./scenario.ts";

/** Somebody who is told. */
export interface Progress {
  /** @param of seconds of load in all. */
  at(scenario: Scenario, text: string, seconds: number, of: number): void;
  ended(result: ScenarioResult): void;
  close(): void;
}

/** Where it is told. */
interface ProgressDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly stderr: { readonly isTTY?: boolean; write(text: string): unknown };
}

/** Drawn no more often than this. */
const DRAW_MS = 100;
const LINE_CHARS_MAX = 78;
/** To the line's begin, and what was there is gone. */
const CLEAR = "\r\u001b[2K";

/** @param count of all scenarios. */
export function progressOf({ clock, log, stderr }: ProgressDeps, count: number): Progress {
  return stderr.isTTY === true ? drawn(clock, stderr, count) : logged(log, count);
}

function logged(log: Logger, count: number): Progress {
  let done = 0;
  const begun = new Set<Scenario>();
  return {
    at: (scenario, _text, _seconds, of) => {
      if (begun.has(scenario)) return;
      begun.add(scenario);
      const { name } = scenario;
      log.info("scenario", { scenario: name, number: begun.size, of: count, seconds: of });
    },
    ended: ({ scenario: { name }, outcome, reason, seconds }) => {
      done += 1;
      const tookMs = Math.round(seconds * 1000);
      const why = reason === null ? {} : { reason };
      log.info("scenario ended", { scenario: name, outcome, ...why, tookMs, done, of: count });
    },
    close: () => {},
  };
}

function drawn(clock: Clock, stderr: ProgressDeps["stderr"], count: number): Progress {
  let done = 0;
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    at: ({ name, title }, text, seconds, of) => {
      const nowMs = clock.nowMs();
      if (nowMs - drawnMs < DRAW_MS) return;
      drawnMs = nowMs;
      const time = text === "starting" ? "starts" : `${seconds.toFixed(1)} of ${of} s`;
      const doing = text === "starting" || text === "load" ? title : text;
      const line = `${done + 1}/${count} ${name}: ${time}: ${doing}`;
      stderr.write(`${CLEAR}${cut(line, LINE_CHARS_MAX)}`);
    },
    ended: () => {
      done += 1;
    },
    close: () => stderr.write(CLEAR),
  };
}
