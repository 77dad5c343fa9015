/**
 * What a benchmark needs of a proxy: is it here, and how is it started in front of upstreams.
 *
 * Every proxy is given the same: one worker, HTTP/2 on both sides without TLS (or TLS in front
 * where asked), no access log, limits high enough that none refuses the load. Streams per
 * connection are left at each proxy's default: every load keeps to 100.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RunningProcess, startProcess, waitForPort } from "../../test/peers/processes.ts";

/** What a proxy is to stand in front of. */
export interface ProxyPlan {
  /** A free port of 127.0.0.1 to listen on. */
  readonly port: number;
  /** HTTP/2 without TLS, "IP:PORT" each. */
  readonly upstreams: readonly string[];
  /** TLS in front, PEM files; null for h2c. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** A directory of its own for its configuration. */
  readonly dir: string;
}

/** A proxy that was found on this machine. */
export interface BenchProxy {
  /** As in `--peers` and in the results. */
  readonly name: string;
  /** Version and, where it matters, what exactly is run. */
  readonly version: string;
  /** Whether this file has a recipe for TLS in front. */
  readonly hasTls: boolean;
  /** Most client connections it can hold as configured here. */
  readonly connectionsMax: number;
  /** Starts it and resolves once it accepts connections. */
  start(plan: ProxyPlan): Promise<RunningProcess>;
}

/** Starts a proxy on the plan's port and waits until it listens there. */
export async function startListening(
  name: string,
  path: string,
  args: readonly string[],
  plan: ProxyPlan,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningProcess> {
  const running = startProcess(path, args, { name, env });
  const ended = running.exited.then(() => {
    const said = running.output.trim().split("\n").at(-1);
    throw new Error(`${name} ended at its start: ${said}`);
  });
  await Promise.race([waitForPort(plan.port), ended]);
  return running;
}

/** Writes a configuration file into the plan's directory; its path. */
export function writeConfig(plan: ProxyPlan, file: string, content: string): string {
  const path = join(plan.dir, file);
  writeFileSync(path, content);
  return path;
}
