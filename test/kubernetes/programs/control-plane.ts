/**
 * What a control plane knows and writes of a cluster, without serving anything: runs inside the
 * cluster's network, says as a line of JSON how it stands whenever that is another, and ends as a
 * control plane does on SIGTERM.
 *
 * Arguments: a kubeconfig, and `PlaneOptions` as JSON.
 */
import { type Logger, realClock, realRng } from "../../../src/base/index.ts";
import { ControlObjects, RoutePlanning, StatusControl } from "../../../src/control/index.ts";
import { openObjects } from "../../../src/discovery/index.ts";
import { CONTROLLER_NAME } from "../../../src/routes/index.ts";
import type { PlaneOptions, PlaneReport } from "../plane.ts";

/** How often it looks whether something is other than before. */
const LOOK_MS = 20;

const [kubeconfig, text] = process.argv.slice(2);
const options = JSON.parse(text) as PlaneOptions;
const log = loggerOf({});
const clock = realClock();
const rng = realRng();

const opened = await openObjects({ kubeconfig }, { clock, rng, log, env: {} }, options.writes);
const state = new ControlObjects(opened.source, { clock, log, namespaces: options.namespaces });
const { leaseNamespace, replica } = options;
const control = new StatusControl({
  ...{ clock, rng, log, writer: opened.writer, state, controllerName: CONTROLLER_NAME },
  ...{ leaseNamespace, replica },
});
const planning = new RoutePlanning();
state.subscribe({ onObjects: () => control.setWanted(planning.judge(state)) });
state.start();
control.start();

let told = "";
look();

function look(): void {
  const line = JSON.stringify(reportOf());
  if (line !== told) console.log(line);
  told = line;
  clock.setTimer(LOOK_MS, look).unref();
}

function reportOf(): PlaneReport {
  const { objects, isSynced, problems, staleSinceMs } = state;
  const kinds = Object.entries(objects).map(([kind, map]) => [kind, [...map.keys()].sort()]);
  const { role, leader, problem } = control.report;
  return {
    ...{ isSynced, isStale: staleSinceMs !== null, role, leader, problem },
    objects: Object.fromEntries(kinds),
    problems: problems.map(({ of, kind }) => `${of} ${kind}`).sort(),
  };
}

process.once("SIGTERM", () => {
  state.close();
  control.stop(() => {
    opened.close();
    process.exit(0);
  });
});

function loggerOf(more: Record<string, unknown>): Logger {
  const write =
    (level: string) =>
    (msg: string, fields: Record<string, unknown> = {}): void =>
      console.error(JSON.stringify({ level, msg, ...more, ...fields }));
  return {
    ...{ trace: () => {}, debug: write("debug"), info: write("info"), warn: write("warn") },
    ...{ error: write("error"), child: (fields) => loggerOf({ ...more, ...fields }) },
  };
}
