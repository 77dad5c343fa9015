/**
 * `node plane.ts --objects DIR | --kubeconfig FILE --listen HOST:PORT`: snapshots of objects, served
 * by ADS. Prints "ready" when it listens, and warnings as they come.
 */
import { parseArgs } from "node:util";
import { type Logger, realClock, realRng } from "../../../src/base/index.ts";
import { AdsService } from "../../../src/control/ads/service.ts";
import { ControlObjects, EMPTY_PLAN, ObjectSnapshots } from "../../../src/control/index.ts";
import { openObjects } from "../../../src/discovery/index.ts";
import { GrpcServer } from "../../../src/server/index.ts";
import { Registry } from "../../../src/telemetry/index.ts";

const { values } = parseArgs({
  options: {
    objects: { type: "string" },
    kubeconfig: { type: "string" },
    listen: { type: "string" },
  },
});
const clock = realClock();
const say = (level: string) => (message: string, fields?: object) =>
  console.error(level, message, JSON.stringify(fields ?? {}));
const log: Logger = {
  debug() {},
  info() {},
  warn: say("warn"),
  error: say("error"),
  child: () => log,
} as never;
const system = { clock, rng: realRng(), log, env: process.env };
const { objects: directory, kubeconfig } = values;
const { source } = await openObjects({ objects: directory, kubeconfig }, system, false);
const objects = new ControlObjects(source, { clock, log, namespaces: null });
const snapshots = new ObjectSnapshots(objects, { plan: () => EMPTY_PLAN });
const registry = new Registry();
const ads = new AdsService({ clock, log, registry, source: snapshots, isAuthorized: false });
const [host, port] = values.listen!.split(":");
const addresses = [{ host: host!, port: Number(port) }];
const server = new GrpcServer({ addresses, tls: null } as never, ads.methods(), { clock, log });
objects.start();
await server.listen();
console.log("ready");
