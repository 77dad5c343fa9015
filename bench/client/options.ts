/** Command line of `npm run bench -- client`. */
import { parseArgs } from "node:util";
import { UsageError } from "../options.ts";
import type { ClientForm } from "./clients.ts";
import { FIGURE_RUNS } from "./figures.ts";
import { CLIENT_LOADS, type ClientLoad, type LaneName } from "./loads.ts";
import type { Lengths } from "./measure.ts";

/** Help text. */
export const CLIENT_USAGE = `usage: npm run bench -- client [options]

  --rounds N       interleaved rounds (default 5; --quick: 2)
  --seconds S      seconds of one measurement (default 3; --quick: 1)
  --warm-up S      seconds before it in the same process, up to three times as many for a client
                   that is slow (default 3; --quick: 1)
  --processes N    fresh processes for each figure (default 12; --quick: 4)
  --only A,B       only these loads and figures
  --clients A,B    only these clients
  --form F         which fairlead: dist, source, or auto (dist when it is built)
  --quick          a look, not a result: RESULTS.md is left as it is
  --list           names of the loads, figures and clients

Example: npm run bench -- client --quick --only unary-100 --clients grpc-js,fairlead-stub`;

/** What a run does. */
export interface ClientOptions extends Lengths {
  /** Fresh processes for each figure. */
  readonly processes: number;
  readonly loads: readonly ClientLoad[];
  /** Names in FIGURE_RUNS. */
  readonly figures: readonly string[];
  readonly clients: readonly LaneName[];
  readonly form: ClientForm;
  /** Whether bench/results/client.jsonl and bench/RESULTS.md are brought up to date. */
  readonly isWritten: boolean;
}

const OPTIONS = {
  rounds: { type: "string" },
  seconds: { type: "string" },
  "warm-up": { type: "string" },
  processes: { type: "string" },
  only: { type: "string" },
  clients: { type: "string" },
  form: { type: "string", default: "auto" },
  quick: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
} as const;

/** Every client that some load measures. */
export const LANES: readonly LaneName[] = [...new Set(CLIENT_LOADS.flatMap(({ lanes }) => lanes))];

/**
 * The options, or "list" when the names are asked for.
 *
 * @throws UsageError
 */
export function parseClientArgs(args: readonly string[]): ClientOptions | "list" {
  const { values, positionals } = parse(args);
  if (values.list) return "list";
  if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}`);
  const { form, quick } = values;
  if (form !== "auto" && form !== "dist" && form !== "source") {
    throw new UsageError(`--form ${form}: must be dist, source or auto`);
  }
  const figures = Object.keys(FIGURE_RUNS);
  const known = [...CLIENT_LOADS.map(({ name }) => name), ...figures];
  const only = chosen("--only", values.only, known);
  return {
    rounds: positive("--rounds", values.rounds, quick ? 2 : 5, true),
    seconds: positive("--seconds", values.seconds, quick ? 1 : 3, false),
    warmUpSeconds: positive("--warm-up", values["warm-up"], quick ? 1 : 3, false),
    processes: positive("--processes", values.processes, quick ? 4 : 12, true),
    loads: CLIENT_LOADS.filter(({ name }) => only.includes(name)),
    figures: figures.filter((name) => only.includes(name)),
    clients: chosen("--clients", values.clients, LANES),
    form,
    isWritten: !quick,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function chosen<T extends string>(
  flag: string,
  text: string | undefined,
  known: readonly T[],
): readonly T[] {
  if (text === undefined) return known;
  const names = text.split(",");
  const unknown = names.find((name) => !(known as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`${flag} ${unknown}: known are ${known.join(", ")}`);
  }
  return known.filter((name) => names.includes(name));
}

function positive(flag: string, text: string | undefined, absent: number, isWhole: boolean) {
  const value = text === undefined ? absent : Number(text);
  if (!(value > 0) || !Number.isFinite(value) || (isWhole && !Number.isInteger(value))) {
    const wanted = isWhole ? "a whole number above 0" : "above 0";
    throw new UsageError(`${flag} ${text}: must be ${wanted}`);
  }
  return value;
}
