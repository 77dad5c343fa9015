/**
 * Command line of `npm run bench -- relay`.
 */
import { parseArgs } from "node:util";
import type { FairleadForm } from "./proxies/index.ts";

/** What a run of the relay benchmark does. */
export interface RelayOptions {
  readonly rounds: number;
  /** Length of one measurement; warm-up comes on top. */
  readonly seconds: number;
  /** Names of loads; null for all. */
  readonly only: readonly string[] | null;
  /** Names of peer proxies; null for all that are here. */
  readonly peers: readonly string[] | null;
  readonly form: FairleadForm;
  /** `--extra NAME=COMMAND` texts. */
  readonly extras: readonly string[];
  /** Whether bench/results/relay.jsonl and bench/RESULTS.md are brought up to date. */
  readonly isWritten: boolean;
}

/** Help text. */
export const RELAY_USAGE = `usage: npm run bench -- relay [options]

  --rounds N       interleaved rounds (default 5; --quick: 2)
  --seconds S      seconds of one measurement (default 3; --quick: 1)
  --only A,B       only these loads; a trailing * matches the rest of a name
  --peers A,B      only these peer proxies; "none" for fairlead alone
  --form F         which fairlead: dist, checkout, or auto (dist when it is built)
  --extra N=CMD    another proxy to measure beside; repeatable. In CMD {listen} is IP:PORT,
                   {upstreams} all upstreams by spaces, {to} the same by commas
  --quick          a look, not a result: RESULTS.md is left as it is
  --list           names of the loads

Examples:
  npm run bench -- relay --quick --only h2load-10x10 --peers haproxy
  npm run bench -- relay --extra 'before=/tmp/old/bin/fairlead proxy --listen {listen} --to {to}'`;

/** A mistake on the command line; the message names the flag, the value and what is allowed. */
export class UsageError extends Error {}

const OPTIONS = {
  rounds: { type: "string" },
  seconds: { type: "string" },
  only: { type: "string" },
  peers: { type: "string" },
  form: { type: "string", default: "auto" },
  extra: { type: "string", multiple: true, default: [] as string[] },
  quick: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/**
 * The options, or which text is asked for instead.
 *
 * @throws UsageError
 */
export function parseRelayArgs(args: readonly string[]): RelayOptions | "help" | "list" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  if (values.list) return "list";
  if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}`);
  const form = values.form;
  if (form !== "auto" && form !== "dist" && form !== "checkout") {
    throw new UsageError(`--form ${form}: must be dist, checkout or auto`);
  }
  return {
    rounds: positive("--rounds", values.rounds, values.quick ? 2 : 5, Number.isInteger),
    seconds: positive("--seconds", values.seconds, values.quick ? 1 : 3, Number.isFinite),
    only: values.only === undefined ? null : values.only.split(","),
    peers: listOfPeers(values.peers),
    form,
    extras: values.extra,
    isWritten: !values.quick,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function listOfPeers(text: string | undefined): readonly string[] | null {
  if (text === undefined) return null;
  return text === "none" ? [] : text.split(",");
}

function positive(
  flag: string,
  text: string | undefined,
  absent: number,
  isAllowed: (value: number) => boolean,
): number {
  const value = text === undefined ? absent : Number(text);
  if (!(value > 0) || !isAllowed(value)) throw new UsageError(`${flag} ${text}: must be above 0`);
  return value;
}
