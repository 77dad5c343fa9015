/**
 * fairlead itself: the bundle of `npm run build` when there is one, the checkout otherwise.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { rootDir } from "../../test/peers/paths.ts";
import { type RunningProcess, startProcess } from "../../test/peers/processes.ts";
import type { BenchProxy, ProxyPlan } from "./proxy.ts";

/** Which form of fairlead is measured; "auto" prefers dist. */
export type FairleadForm = "auto" | "dist" | "checkout";

const bundle = join(rootDir, "dist", "cli", "main.js");
const source = join(rootDir, "src", "cli", "main.ts");

/** fairlead, or null when it has not the wanted form (no bundle built, no command yet). */
export function fairlead(form: FairleadForm): BenchProxy | null {
  const isDist = form === "dist" || (form === "auto" && existsSync(bundle));
  if (!existsSync(isDist ? bundle : source)) return null;
  const manifest = JSON.parse(readFileSync(join(rootDir, "package.json"), "utf8"));
  const built = isDist
    ? `dist of ${statSync(bundle).mtime.toISOString().slice(0, 16)}Z`
    : "checkout";
  return {
    name: "fairlead",
    version: `${manifest.version}, ${built}`,
    hasTls: true,
    connectionsMax: 18_000,
    start: (plan) => start(isDist, plan),
  };
}

async function start(isDist: boolean, plan: ProxyPlan): Promise<RunningProcess> {
  const tls =
    plan.tls === null ? [] : ["--tls-cert", plan.tls.certFile, "--tls-key", plan.tls.keyFile];
  const listen = `127.0.0.1:${plan.port}`;
  const args = ["proxy", "--listen", listen, "--to", plan.upstreams.join(","), ...tls];
  const options = { name: "fairlead" };
  const command = join(rootDir, "bin", "fairlead");
  // As users start it: `bin/fairlead` also chooses the heap's limits.
  const env = { FAIRLEAD_FORM: isDist ? "dist" : "checkout" };
  const running = startProcess(command, args, { ...options, env });
  await running.waitFor(/"msg":"listening"/);
  return running;
}
