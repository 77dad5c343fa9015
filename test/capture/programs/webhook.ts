/**
 * The mutating webhook alone, against the API server of a kubeconfig.
 *
 * Arguments: KUBECONFIG. Prints "trusted" once API servers trust it.
 */
import { type Logger, realClock, realRng } from "../../../src/base/index.ts";
import { INJECT_DEFAULTS, InjectWebhook } from "../../../src/control/index.ts";
import { openObjects } from "../../../src/discovery/index.ts";
import { Registry } from "../../../src/telemetry/index.ts";

const say = (msg: string, fields: object): void => {
  process.stdout.write(`${msg} ${JSON.stringify(fields)}\n`);
};
const log = {
  trace: say,
  debug: say,
  info: say,
  warn: say,
  error: say,
  child: () => log,
} as Logger;
const clock = realClock();
const system = { clock, rng: realRng(), log, env: {} };
const { writer } = await openObjects({ kubeconfig: process.argv[2] }, system, true);
const webhook = new InjectWebhook(
  {
    ...{ namespace: "default", secret: "fairlead-webhook", configuration: "fairlead-inject" },
    names: ["127.0.0.1"],
    listen: { host: "127.0.0.1", port: 9443 },
    inject: { ...INJECT_DEFAULTS, image: "registry.example/fairlead:1" },
  },
  { clock, log, registry: new Registry(), writer: writer! },
);
await webhook.start();
