/**
 * Program: discovery alone, so that its time, CPU and memory can be read. Arguments: KUBECONFIG,
 * then targets. Bundled before it is run, as it is in `dist/`.
 *
 * Prints a line of JSON {"event":"synced","tookMs","endpoints","rssBytes"} when all targets have
 * their first set, and {"event":"change","endpoints","cpuMs"} for each set after that: the CPU time
 * of the whole process since the one before. An idle process uses none, so that it is the change's.
 */
import { realClock, realRng, silentLogger } from "../../src/base/index.ts";
import { createResolver, type EndpointSet, openDiscovery } from "../../src/discovery/index.ts";

const [kubeconfig, ...targets] = process.argv.slice(2) as [string, ...string[]];
const clock = realClock();
const system = { clock, rng: realRng(), log: silentLogger, env: process.env };
const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const beganMs = clock.nowMs();
const discovery = await openDiscovery(targets, { kubeconfig }, system);
let missing = targets.length;
let endpoints = 0;
let cpuBefore = process.cpuUsage();

function onFirst(set: EndpointSet): void {
  missing -= 1;
  endpoints += set.endpoints.length;
  if (missing > 0) return;
  const tookMs = clock.nowMs() - beganMs;
  tell({ event: "synced", tookMs, endpoints, rssBytes: process.memoryUsage.rss() });
  cpuBefore = process.cpuUsage();
}

function onChange(set: EndpointSet): void {
  const { user, system: kernel } = process.cpuUsage(cpuBefore);
  tell({ event: "change", endpoints: set.endpoints.length, cpuMs: (user + kernel) / 1_000 });
  cpuBefore = process.cpuUsage();
}

for (const target of targets) {
  let isFirst = true;
  createResolver(target, discovery.deps).start({
    onEndpoints: (set) => {
      if (isFirst) onFirst(set);
      else onChange(set);
      isFirst = false;
    },
    onError: (reason) => tell({ event: "error", reason }),
  });
}
