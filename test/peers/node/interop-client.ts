/**
 * `node interop-client.ts --target HOST:PORT [--case NAME,..|all] [--channel NAME]`: gRPC interop
 * cases against any interop server, on one of the channels of `interop-channels.ts` (grpc-js's own
 * unless told). A line per case; exit 0 when all passed, 1 when not, 2 for wrong usage.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { OpenCaller } from "./interop-caller.ts";
import { BASIC_CASES } from "./interop-cases.ts";
import { CHANNELS, INTEROP_CHANNELS, type InteropChannel } from "./interop-channels.ts";
import { SPECIAL_CASES } from "./interop-special-cases.ts";

/** How long a case may take. */
const BOUND_MS = 20_000;

const NAMES = [...Object.keys(BASIC_CASES), ...Object.keys(SPECIAL_CASES)];

function usage(message: string): number {
  const channels = INTEROP_CHANNELS.join("|");
  console.error(
    `interop-client: ${message}\n` +
      `usage: --target HOST:PORT [--case NAME,..|all] [--channel ${channels}]; ${NAMES.join(" ")}`,
  );
  return 2;
}

async function runCase(open: OpenCaller, target: string, name: string): Promise<void> {
  const special = SPECIAL_CASES[name];
  if (special !== undefined) return special(open, target);
  const caller = open(target, false);
  try {
    await BASIC_CASES[name]?.(caller);
  } finally {
    caller.close();
  }
}

/** What went wrong, or null. */
async function tryCase(open: OpenCaller, target: string, name: string): Promise<string | null> {
  const bound = new AbortController();
  const late = sleep(BOUND_MS, undefined, { signal: bound.signal }).then(() => {
    throw new Error(`no end within ${BOUND_MS} ms`);
  });
  late.catch(() => {}); // Stopped, or it lost the race.
  try {
    await Promise.race([runCase(open, target, name), late]);
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    bound.abort();
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      target: { type: "string" },
      case: { type: "string", default: "all" },
      channel: { type: "string", default: "grpc-js" },
    },
  });
  if (values.target === undefined) return usage("--target is needed");
  const names = values.case === "all" ? NAMES : values.case.split(",");
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) return usage(`no case ${unknown}`);
  if (!Object.hasOwn(CHANNELS, values.channel)) return usage(`no channel ${values.channel}`);
  const open = CHANNELS[values.channel as InteropChannel]();
  let code = 0;
  for (const name of names) {
    const reason = await tryCase(open, values.target, name);
    if (reason !== null) code = 1;
    console.log(reason === null ? `ok ${name}` : `FAILED ${name}: ${reason.replaceAll("\n", " ")}`);
  }
  return code;
}

const code = await main();
// grpc-js keeps the process alive for a call that was cancelled as it began.
process.stdout.write("", () => process.exit(code));
