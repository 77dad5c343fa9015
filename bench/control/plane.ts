/**
 * A control plane for the benchmark, with objects that it makes itself: the real one from the
 * object source on. Arguments: Services, endpoints of each. Commands come by stdin: "event N"
 * changes the endpoints of Service N, "stats" tells what it costs, "end" ends it.
 */
import { createInterface } from "node:readline";
import { realClock, realRng, silentLogger } from "../../src/base/index.ts";
import { CONTROL_DEFAULTS, ControlPlane } from "../../src/control/index.ts";
import { Registry } from "../../src/telemetry/index.ts";
import { ScriptedSource } from "../../test/support/object-source.ts";

const [services, endpoints] = process.argv.slice(2).map(Number) as [number, number];
const clock = realClock();
const source = new ScriptedSource(clock);
const system = { clock, rng: realRng(), log: silentLogger, registry: new Registry(), source };
const config = {
  ...CONTROL_DEFAULTS,
  listeners: [{ host: "127.0.0.1", port: 0 }],
  ...{ admin: null, tls: null, isAuthorized: false, namespaces: null },
  ...{ leaseNamespace: "infra", replica: "bench" },
};
const planner = { plan: (_state: unknown, _touched: unknown, before: never) => before };
const plane = new ControlPlane(config, { ...system, writer: null, planner, judge: null });
/** How often the endpoints of a Service have changed. */
const changes = new Int32Array(services);

for (let i = 0; i < services; i += 1) {
  source.put("Service", {
    metadata: { name: `svc-${i}` },
    spec: {
      clusterIP: `127.${100 + (i >> 8)}.${i & 255}.1`,
      ports: [{ name: "grpc", port: 50051 }],
    },
  } as { metadata: object });
  putSlice(i);
}
const { listen } = await plane.start();
clock.setTimer(10, () => {
  source.tellAll();
  say({ listen: listen[0] });
});

function putSlice(i: number): void {
  const list = Array.from({ length: endpoints }, (_, n) => ({
    addresses: [`127.${i >> 8}.${i & 255}.${n + 1 + (changes[i]! % 2) * 100}`],
    conditions: { ready: true },
    zone: n % 2 === 0 ? "a" : "b",
  }));
  source.put("EndpointSlice", {
    metadata: { name: `svc-${i}-1`, labels: { "kubernetes.io/service-name": `svc-${i}` } },
    addressType: "IPv4",
    ports: [{ name: "grpc", port: 7000, protocol: "TCP" }],
    endpoints: list,
  } as { metadata: object });
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, argument] = line.split(" ");
  if (command === "event") {
    const i = Number(argument);
    changes[i]! += 1;
    putSlice(i);
    const atMs = performance.timeOrigin + performance.now();
    source.tellAll();
    say({ event: i, atMs });
  } else if (command === "stats") {
    const { user, system: kernel } = process.cpuUsage();
    const rssBytes = process.memoryUsage().rss;
    const rssBytesMax = process.resourceUsage().maxRSS * 1024;
    say({ cpuMs: (user + kernel) / 1000, rssBytes, rssBytesMax });
  } else process.exit();
});

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
