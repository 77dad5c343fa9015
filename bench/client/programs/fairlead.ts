/**
 * How the programs that measure fairlead come by it, and the one option that they set: `dist/` or
 * the sources, whichever the harness found (see ../clients.ts).
 */
import { pathToFileURL } from "node:url";
import type { Plan } from "./plan.ts";

/** Imports an entry point of the package from the file that stands for it. */
export async function importEntry<T>(plan: Pick<Plan, "entries">, specifier: string): Promise<T> {
  return (await import(pathToFileURL(plan.entries[specifier] as string).href)) as T;
}

/** Channel options: nothing but the pool where one is asked for. */
export function poolOptions({ pool }: Plan): { maxConnectionsPerEndpoint?: number } {
  return pool > 1 ? { maxConnectionsPerEndpoint: pool } : {};
}
