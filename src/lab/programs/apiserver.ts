/**
 * The lab's control plane (API server, endpointslice controller, control endpoint) as a process of
 * its own, which tests can stop, kill and start again.
 *
 *     apiserver.ts [--port N] [--control-port N] [--journal FILE] [--compact] [--tls DIR]
 *                  [--users FILE] [--no-controller] [--history N]
 *
 * Prints one line of JSON when it serves: {"url","controlUrl"}. With --journal it keeps its state
 * beyond its end; --compact forgets history at the start, so that old watches get 410. --tls writes
 * ca.pem, client.pem and client.key (user "admin") into DIR and serves HTTPS; a DIR that has them
 * is used again, so that clients still trust it after a restart. --users is a JSON list of users as
 * `cluster/access.ts` has them.
 */
import "./leash.ts";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { realClock, realRng } from "../../base/index.ts";
import { loadCertificates, serveControl, startCluster, type User } from "../cluster/index.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    "control-port": { type: "string", default: "0" },
    journal: { type: "string" },
    compact: { type: "boolean", default: false },
    tls: { type: "string" },
    users: { type: "string" },
    "no-controller": { type: "boolean", default: false },
    history: { type: "string" },
  },
});
process.title = "fairlead-lab apiserver";
const clock = realClock();
const tls = values.tls === undefined ? null : await loadCertificates(values.tls, clock.wallMs());
const cluster = await startCluster({
  ...{ clock, rng: realRng(), port: Number(values.port) },
  ...{ hasController: !values["no-controller"], startsCompacted: values.compact },
  ...(tls === null ? {} : { tls }),
  ...(values.journal === undefined ? {} : { journalFile: values.journal }),
  ...(values.history === undefined ? {} : { historyMax: Number(values.history) }),
  ...(values.users === undefined
    ? {}
    : { users: JSON.parse(readFileSync(values.users, "utf8")) as readonly User[] }),
});
const control = await serveControl(cluster, Number(values["control-port"]));
process.stdout.write(`${JSON.stringify({ url: cluster.url, controlUrl: control.url })}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void Promise.all([cluster.close(), control.close()]).then(() => process.exit(0));
  });
}
