/**
 * One run of the lab from options to exit code: the composition of lab, page and output.
 */
import type { Clock, Logger } from "../base/index.ts";
import { type Action, actionText, loadAfter, newAction, pressed } from "./actions.ts";
import { commandText, newLabText } from "./command-text.ts";
import { Lab } from "./core/lab.ts";
import { LabError } from "./error.ts";
import { INTERVAL_MS } from "./figures/history.ts";
import { type LabOptions, PODS_MAX } from "./options.ts";
import { type NoPage, openPage, type Page } from "./page/page.ts";
import { fairleadCommand } from "./places.ts";
import { labReport } from "./report.ts";
import { nextDueMs, OUTCOME_SECONDS_MAX, RunEnd, Schedule, scheduleOf } from "./schedule.ts";
import { runInNetns, whyNoNetns, whyNoRules } from "./system/netns.ts";
import { enterNetns, type InsideNetns } from "./system/netns-inside.ts";
import { KEYS_HELP, KEYS_HINT, type KeyInput, readKeys } from "./terminal/keys.ts";
import {
  finalOutput,
  type LabStdout,
  liveOutput,
  type Output,
  onceOutput,
  scrollingOutput,
  tableText,
} from "./terminal/output.ts";
import type { OutputStyle } from "./terminal/table-pen.ts";
import type { LabView } from "./view.ts";

/** What a run needs from its process. */
export interface LabDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly stdout: LabStdout;
  /** Where keys come from while the lab is drawn in a terminal; none when absent. */
  readonly stdin?: KeyInput;
  readonly style: OutputStyle;
  /** Aborted when the user wants it to end. */
  readonly stop: AbortSignal;
  /** The `fairlead` command for lanes that need it; `bin/fairlead` unless given. */
  readonly fairlead?: readonly string[];
}

/**
 * Runs the lab until its time is over or `stop` is aborted, and prints. Resolves with the exit
 * code: 1 when one of the lanes could not run or something that was asked for could not be done,
 * else 0.
 * Throws `LabError` when the lab as a whole cannot run. No process is left in any case.
 */
export async function runLab(options: LabOptions, deps: LabDeps): Promise<number> {
  if (!options.hasNetns) return new Run(options, deps, NO_NETNS).toEnd();
  const inside = await enterNetns();
  if (inside !== null) {
    const stop = AbortSignal.any([deps.stop, inside.stop]);
    return new Run(options, { ...deps, stop }, null, inside).toEnd();
  }
  const reason = whyNoNetns();
  if (reason === null) return runInNetns(deps.stop);
  // The other lanes run without, and this one says why it cannot.
  if (options.lanes.includes("sidecar")) return new Run(options, deps, reason).toEnd();
  throw new LabError(reason);
}

/** Why the lane `sidecar` cannot run on loopback. */
const NO_NETNS =
  "needs --netns (root, Linux): rules of the kernel in a network namespace of its own";

/** How often a picture is drawn while the lab starts. */
const PROGRESS_MS = 100;

class Run {
  readonly #options: LabOptions;
  readonly #deps: LabDeps;
  readonly #whyNoNetns: string | null;
  readonly #inside: InsideNetns | null;
  /** Why the ClusterIP is a relay in a network namespace, too; null: it is not. */
  readonly #whyRelay: string | null;
  readonly #isLive: boolean;
  readonly #hasKeys: boolean;
  readonly #end: RunEnd;
  readonly #schedule: Schedule;
  /** All keys are told, not only the most used ones. */
  #hasHelp = false;
  /** Something that was asked for could not be done. */
  #isRefused = false;
  #lab!: Lab;
  #page!: Page | NoPage;

  constructor(
    options: LabOptions,
    deps: LabDeps,
    whyNoNetns: string | null,
    inside: InsideNetns | null = null,
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#whyNoNetns = whyNoNetns;
    this.#inside = inside;
    this.#whyRelay = inside === null ? null : whyNoRules();
    this.#isLive = !options.once && options.output === "table" && deps.stdout.isTTY === true;
    this.#end = new RunEnd(options);
    this.#schedule = new Schedule(deps.clock, scheduleOf(options));
    this.#hasKeys = this.#isLive && deps.stdin?.isTTY === true;
  }

  async toEnd(): Promise<number> {
    const { page: address } = this.#options;
    // The port first: if the named one cannot be had, nothing else has been started.
    const newLab = (): string => {
      const { events, elapsedMs } = this.#lab;
      return newLabText(this.#options, events, this.#schedule.toCome(elapsedMs));
    };
    const commands = { command: commandText(this.#options), newLab };
    const lab = (): Lab => this.#lab;
    const { clock } = this.#deps;
    this.#page = await openPage(address, lab, commands, clock, this.#inside?.listen);
    this.#lab = this.#newLab();
    const output = this.#newOutput();
    const closeKeys = this.#openKeys();
    try {
      await this.#start(output);
      if (this.#lab.elapsedMs > 0) {
        await this.#watch(output);
        await this.#lab.stop();
        if (this.#page.url) this.#page.update(this.#lab.closeInterval(), true);
        // Page and API server go with the lab, so their addresses are of no use in what remains.
        const gone = { pageUrl: null, access: null, hint: null, notice: null };
        output.finish({ ...this.#view(), ...gone });
      }
    } finally {
      closeKeys();
      output.close();
      await Promise.all([this.#lab.close(), this.#page.url ? this.#page.close() : null]);
    }
    const hasFailed = this.#lab.views().some(({ failure }) => failure !== null);
    return hasFailed || this.#isRefused ? 1 : 0;
  }

  #newLab(): Lab {
    const { scale, lanes, callsPerSecond, inFlight, policy, hasPeers, podLanguage } = this.#options;
    const { clock, fairlead = fairleadCommand() } = this.#deps;
    return new Lab({
      ...{ pods: scale[0]!, podLanguage, lanes, policy, hasPeers, fairlead, clock },
      load: { callsPerSecond, inFlightMax: inFlight },
      whyNoNetns: this.#whyNoNetns,
      onProblem: (reason) => this.#refused(reason),
    });
  }

  /** Starts the lab, and shows what it waits for meanwhile. */
  async #start(output: Output): Promise<void> {
    const { clock, stop } = this.#deps;
    const over = new AbortController();
    const started = Promise.race([this.#lab.start(), aborted(stop)]);
    const end = (): void => over.abort();
    started.then(end, end);
    while (!over.signal.aborted) {
      output.update(this.#view());
      await pause(clock, PROGRESS_MS, over.signal);
    }
    await started;
  }

  #openKeys(): () => void {
    if (!this.#hasKeys) return () => {};
    return readKeys(this.#deps.stdin!, {
      scaleBy: (change) => {
        const pods = Math.max(1, Math.min(PODS_MAX, this.#lab.wantedPods + change));
        this.#lab.act(newAction("scale", { count: pods }));
      },
      loadBy: (change) => {
        const { callsPerSecond } = this.#lab.load;
        const count = loadAfter(callsPerSecond, change);
        this.#lab.act(newAction("load", { count }));
      },
      press: (word) => {
        const { slowPods, notServingPods, sickPods, hasPeers, hasOutliers } = this.#lab;
        const [slow, notServing] = [slowPods.length, notServingPods.length];
        const done = { slow, notServing, sick: sickPods.length, hasPeers, hasOutliers };
        this.#lab.act(pressed(word, done));
      },
      toggleHelp: () => {
        this.#hasHelp = !this.#hasHelp;
      },
      signal: (name) => process.kill(process.pid, name),
    });
  }

  /** Shows the lab every half second until its time is over or it is told to stop. */
  async #watch(output: Output): Promise<void> {
    const { clock, stop } = this.#deps;
    // By a clock of its own: the lab's may begin anew.
    const beganMs = clock.nowMs();
    this.#announce();
    let dueMs = clock.nowMs();
    const callOff = this.#schedule.start((action) => this.#act(action));
    while (!stop.aborted) {
      this.#end.look(clock.nowMs() - beganMs, this.#lab.isSettled);
      const endMs = beganMs + this.#end.endMs;
      if (clock.nowMs() >= endMs) break;
      output.update(this.#view());
      // At fixed times, or columns would be as much wider as drawing takes.
      dueMs = nextDueMs(dueMs, clock.nowMs(), INTERVAL_MS);
      await pause(clock, Math.max(0, Math.min(dueMs, endMs) - clock.nowMs()), stop);
      const columns = this.#lab.closeInterval();
      if (this.#page.url) this.#page.update(columns, false);
    }
    callOff();
    if (this.#end.isGivenUp) {
      this.#refused(`--events: what was begun is not over after ${OUTCOME_SECONDS_MAX} s`);
    }
  }

  /** What the schedule asks for. */
  #act(action: Action): void {
    const refusal = this.#lab.act(action);
    if (refusal !== null) this.#refused(`${actionText(action)}: ${refusal}`);
  }

  /** Something could not be done, at once or after it had begun; a script hears of it. */
  #refused(reason: string): void {
    this.#isRefused = true;
    if (!this.#isLive) this.#deps.log.warn(reason);
  }

  /** A terminal shows these above the table; elsewhere they are log lines. */
  #announce(): void {
    if (this.#isLive) return;
    const { url, notice } = this.#page;
    if (notice) this.#deps.log.warn(notice);
    if (this.#whyRelay !== null) this.#deps.log.warn(this.#whyRelay);
    const { access } = this.#lab;
    if (access) this.#deps.log.info("API server", { ...access });
    if (url) this.#deps.log.info("page", { address: url });
  }

  #newOutput(): Output {
    const { stdout, style, clock } = this.#deps;
    const { output, once } = this.#options;
    if (output === "json") {
      return finalOutput(stdout, ({ podStates, elapsedMs, events, load, lanes }) => {
        const pods = podStates.filter((state) => state === "ready").length;
        const report = labReport({ pods, seconds: elapsedMs / 1000, events, load, lanes });
        return `${JSON.stringify(report, null, 2)}\n`;
      });
    }
    const table = (view: LabView): string => tableText(stdout, style, view);
    if (once && stdout.isTTY) return onceOutput(stdout, style, () => this.#end.knownMs, table);
    if (once) return finalOutput(stdout, table);
    return this.#isLive ? liveOutput(stdout, style) : scrollingOutput(stdout, style, clock);
  }

  #view(): LabView {
    return {
      pods: this.#lab.pods,
      podStates: this.#lab.podStates,
      slowPods: this.#lab.slowPods,
      sickPods: this.#lab.sickPods,
      events: this.#lab.events,
      elapsedMs: this.#lab.elapsedMs,
      pageUrl: this.#page.url,
      access: this.#lab.access,
      hint: this.#hasKeys ? (this.#hasHelp ? KEYS_HELP : KEYS_HINT) : null,
      progress: this.#lab.progress,
      laneChoices: this.#lab.laneChoices,
      load: this.#lab.load,
      clusterIpBy: this.#lab.clusterIpBy,
      notice: this.#lab.problem ?? this.#page.notice ?? this.#whyRelay,
      histories: this.#lab.histories(),
      columnCount: this.#lab.columnCount,
      intervalMs: INTERVAL_MS,
      lanes: this.#lab.views(),
    };
  }
}

/** Waits for `delayMs`, or until `stop` is aborted; of a wait that is over nothing is kept. */
function pause(clock: Clock, delayMs: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      stop.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.setTimer(delayMs, end);
    if (stop.aborted) end();
    else stop.addEventListener("abort", end);
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
