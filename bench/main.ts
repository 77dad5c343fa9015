/**
 * `npm run bench -- relay ...`: what a call costs through fairlead and through other proxies;
 * `npm run bench -- reaction ...`: how soon a new pod gets calls; `npm run bench -- discovery ...`:
 * what discovery costs with many endpoints and many Services; `npm run bench -- client ...`: what a
 * call costs the process that makes it, through fairlead's clients and through others;
 * `npm run bench -- control`: what a control plane costs with thousands of nodes;
 * `npm run bench -- picks`: what the choice of an endpoint costs, by policy;
 * `npm run bench -- mesh`: how soon a new pod gets calls of those that a control plane drives.
 */
import { CLIENT_USAGE, runClient } from "./client/index.ts";
import { CONTROL_USAGE, runControl } from "./control/index.ts";
import { DISCOVERY_USAGE, runDiscovery } from "./discovery/index.ts";
import { LOADS, selectLoads } from "./loads/index.ts";
import { MESH_USAGE, runMesh } from "./mesh/index.ts";
import { openFilesLimit } from "./open-files.ts";
import { parseRelayArgs, RELAY_USAGE, type RelayOptions, UsageError } from "./options.ts";
import { PICKS_USAGE, runPicks } from "./picks/index.ts";
import { type BenchProxy, custom, fairlead, PEER_PROXIES } from "./proxies/index.ts";
import { REACTION_USAGE, runReaction } from "./reaction/index.ts";
import { runLoad } from "./relay.ts";
import { describeRound, loadTable, verdicts, verdictTable } from "./report.ts";
import { currentSetting, type KeptLoad, keepResults } from "./results.ts";

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...args] = argv;
  try {
    if (command === "reaction") return await other(args, REACTION_USAGE, runReaction);
    if (command === "discovery") return await other(args, DISCOVERY_USAGE, runDiscovery);
    if (command === "client") return await other(args, CLIENT_USAGE, runClient);
    if (command === "mesh") return await other(args, MESH_USAGE, runMesh);
    if (command === "control") return await other(args, CONTROL_USAGE, runControl);
    if (command === "picks") return await other(args, PICKS_USAGE, runPicks);
    if (command !== "relay") throw new UsageError(`unknown benchmark ${command ?? "(none)"}`);
    const options = parseRelayArgs(args);
    if (options === "help") console.log(RELAY_USAGE);
    else if (options === "list")
      for (const load of LOADS) console.log(`${load.name}: ${load.title}`);
    else await relay(options);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof RangeError)) throw error;
    console.error(`bench: ${error.message}\n${usageOf(command)}`);
    return 2;
  }
}

function usageOf(command: string | undefined): string {
  if (command === "reaction") return REACTION_USAGE;
  if (command === "client") return CLIENT_USAGE;
  if (command === "mesh") return MESH_USAGE;
  if (command === "control") return CONTROL_USAGE;
  if (command === "picks") return PICKS_USAGE;
  return command === "discovery" ? DISCOVERY_USAGE : RELAY_USAGE;
}

async function other(
  args: readonly string[],
  usage: string,
  run: (args: readonly string[]) => Promise<void>,
): Promise<number> {
  if (args.some((arg) => arg === "--help" || arg === "-h")) console.log(usage);
  else await run(args);
  return 0;
}

/** Two files a connection for 5,000 connections, and some more. */
const OPEN_FILES_NEEDED = 12_000;

function warnOfFewFiles(): void {
  const limit = openFilesLimit();
  if (limit >= OPEN_FILES_NEEDED) return;
  console.log(`bench: only ${limit} open files are allowed; loads with thousands of connections`);
  console.log(`bench: will be disqualified. Run \`ulimit -n ${OPEN_FILES_NEEDED}\` first.`);
}

async function relay(options: RelayOptions): Promise<void> {
  const loads = selectLoads(options.only);
  warnOfFewFiles();
  const proxies = findProxies(options);
  const setting = currentSetting(proxies, options.seconds);
  const measured: KeptLoad[] = [];
  for (const load of loads) {
    const result = await runLoad(load, proxies, options, {
      onLoad: ({ name, title }) => console.log(`\n${name}: ${title}`),
      onRound: (proxy, round, each) => console.log(describeRound(load, proxy, round, each)),
    });
    const { name, title, unit } = load;
    measured.push({ load: name, title, unit, rounds: Object.fromEntries(result.rounds), setting });
    console.log(`\n${loadTable(measured.at(-1) as KeptLoad)}`);
    // After each load: a run that is cut short keeps what it has measured.
    if (options.isWritten) keepResults(measured);
  }
  const judged = verdicts(measured).filter((verdict) => verdict.isMet !== null);
  if (judged.length > 0) console.log(`\n${verdictTable(judged)}`);
}

function findProxies(options: RelayOptions): readonly BenchProxy[] {
  const known = Object.keys(PEER_PROXIES);
  const proxies: BenchProxy[] = [];
  const own = fairlead(options.form);
  if (own === null) console.log(`bench: no fairlead to measure (--form ${options.form})`);
  else proxies.push(own);
  for (const name of options.peers ?? known) {
    const find = PEER_PROXIES[name];
    if (find === undefined) throw new UsageError(`--peers ${name}: known are ${known.join(", ")}`);
    const peer = find();
    if (peer === null) console.log(`bench: ${name} is missing: run npm run peers -- bench`);
    else proxies.push(peer);
  }
  proxies.push(...options.extras.map(custom));
  for (const { name, version } of proxies) console.log(`bench: ${name} ${version}`);
  return proxies;
}

process.exitCode = await main(process.argv.slice(2));
