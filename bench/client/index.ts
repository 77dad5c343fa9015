/**
 * `npm run bench -- client`: what a call costs the process that makes it, through fairlead (under
 * grpc-js's stubs, and by its own API) and through other clients; and what fairlead weighs.
 *
 * A client that is not here is named and left out.
 */
import { firstLine, type Round } from "../measure.ts";
import { short, verdictTable } from "../report.ts";
import { machineSetting, writeResults } from "../results.ts";
import { type FoundClient, findClient } from "./clients.ts";
import { FIGURE_RUNS } from "./figures.ts";
import { CLIENT_LOADS, type ClientLoad, type LaneName } from "./loads.ts";
import { measureClients } from "./measure.ts";
import { type ClientOptions, LANES, parseClientArgs } from "./options.ts";
import { clientTable, clientVerdicts, figureTable, type Kept, keepClient } from "./results.ts";

export { CLIENT_USAGE } from "./options.ts";

/** Runs the benchmark. @throws UsageError */
export async function runClient(args: readonly string[]): Promise<void> {
  const options = parseClientArgs(args);
  if (options === "list") return list();
  const clients = find(options);
  const measured: Kept[] = [];
  const keep = (results: readonly Kept[]) => {
    measured.push(...results);
    // After each: a run that is cut short keeps what it has measured.
    if (!options.isWritten) return;
    keepClient(results);
    writeResults();
  };
  for (const load of options.loads) await runLoad(load, clients, options, keep);
  for (const name of options.figures) await runFigure(name, options, keep);
  const judged = clientVerdicts(measured).filter((verdict) => verdict.isMet !== null);
  if (judged.length > 0) console.log(`\n${verdictTable(judged)}`);
}

function list(): void {
  for (const { name, title } of CLIENT_LOADS) console.log(`${name}: ${title}`);
  for (const [name, { title }] of Object.entries(FIGURE_RUNS)) console.log(`${name}: ${title}`);
  console.log(`clients: ${LANES.join(", ")}`);
}

function find({ clients, form }: ClientOptions): ReadonlyMap<LaneName, FoundClient> {
  const found = new Map<LaneName, FoundClient>();
  for (const name of clients) {
    const client = findClient(name, form);
    if ("missing" in client) {
      console.log(`bench: ${name} is missing: ${client.missing}`);
      continue;
    }
    console.log(`bench: ${name} ${client.version}`);
    found.set(name, client);
  }
  return found;
}

async function runLoad(
  load: ClientLoad,
  found: ReadonlyMap<LaneName, FoundClient>,
  options: ClientOptions,
  keep: (results: readonly Kept[]) => void,
): Promise<void> {
  const clients = load.lanes.map((name) => found.get(name)).filter((each) => each !== undefined);
  if (clients.length === 0) return;
  console.log(`\n${load.name}: ${load.title}`);
  const versions = Object.fromEntries(clients.map(({ name, version }) => [name, version]));
  const setting = { ...machineSetting(), versions };
  const rounds = await measureClients(load, clients, options, (client, round, result) =>
    console.log(describe(load, client, round, result)),
  );
  const { name } = load;
  const kept = { kind: "load", name, seconds: options.seconds, rounds, setting } as const;
  console.log(`\n${clientTable(kept)}`);
  keep([kept]);
}

function describe(load: ClientLoad, client: string, round: number, result: Round): string {
  const head = `  round ${round}  ${client.padEnd(15)}`;
  if (result.disqualified !== null) return `${head} DISQUALIFIED: ${result.disqualified}`;
  const cost = `${short(result.cost).padStart(7)} us/${load.per}`;
  const speed = `${Math.round(result.callsPerSecond)} ${load.per}s/s`;
  return `${head} ${cost}  p99 ${short(result.p99Ms ?? 0)} ms  ${speed}`;
}

async function runFigure(
  name: string,
  options: ClientOptions,
  keep: (results: readonly Kept[]) => void,
): Promise<void> {
  const run = FIGURE_RUNS[name] as (typeof FIGURE_RUNS)[string];
  console.log(`\n${name}: ${run.title}`);
  const setting = { ...machineSetting(), versions: {} };
  const figures = await run
    .measure(options.form, options.processes)
    .catch((error: unknown) => ({ missing: firstLine(error) }));
  if ("missing" in figures) {
    console.log(`bench: ${name} cannot be measured: ${figures.missing}`);
    return;
  }
  console.log(`\n${figureTable(figures)}`);
  keep(figures.map((figure) => ({ kind: "figure", ...figure, setting })));
}
