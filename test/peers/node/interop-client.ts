/**
 * `node interop-client.ts --target HOST:PORT [--case NAME,..|all]`: gRPC interop cases through
 * grpc-js against any interop server. A line per case; exit 0 when all passed, 1 when not, 2 for
 * wrong usage.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client, credentials } from "@grpc/grpc-js";
import { CASES } from "./interop-cases.ts";

/** How long a case may take. */
const BOUND_MS = 20_000;

function usage(message: string): number {
  const known = Object.keys(CASES).join(" ");
  console.error(
    `interop-client: ${message}\nusage: --target HOST:PORT [--case NAME,..|all]; ${known}`,
  );
  return 2;
}

async function runCase(client: Client, name: string): Promise<string | null> {
  const bound = new AbortController();
  const late = sleep(BOUND_MS, undefined, { signal: bound.signal }).then(() => {
    throw new Error(`no end within ${BOUND_MS} ms`);
  });
  late.catch(() => {}); // Stopped, or it lost the race.
  try {
    await Promise.race([CASES[name]?.(client), late]);
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    bound.abort();
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { target: { type: "string" }, case: { type: "string", default: "all" } },
  });
  if (values.target === undefined) return usage("--target is needed");
  const names = values.case === "all" ? Object.keys(CASES) : values.case.split(",");
  const unknown = names.find((name) => !(name in CASES));
  if (unknown !== undefined) return usage(`no case ${unknown}`);
  const client = new Client(values.target, credentials.createInsecure());
  let code = 0;
  for (const name of names) {
    const reason = await runCase(client, name);
    if (reason !== null) code = 1;
    console.log(reason === null ? `ok ${name}` : `FAILED ${name}: ${reason.replaceAll("\n", " ")}`);
  }
  client.close();
  return code;
}

const code = await main();
// grpc-js keeps the process alive for a call that was cancelled as it began.
process.stdout.write("", () => process.exit(code));
