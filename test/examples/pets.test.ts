/**
 * `examples/pets`: three clients and three servers, each a process. Over stock grpc-js and a
 * Service's virtual IP each client stays with one server; over fairlead's channel each client hears
 * of all three.
 */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { rootDir } from "../peers/paths.ts";
import { startProcess } from "../peers/processes.ts";
import { type Greeters, startGreeters } from "./greeters.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

const CLIENTS = ["pets-client-1", "pets-client-2", "pets-client-3"];
const SERVERS = ["pets-1", "pets-2", "pets-3"];
const LINE = /^resp: (\S+), (\d{1,2}), (\S+)$/;
/** Lines of a client that are looked at. */
const LINES = 30;

const server = {
  command: [process.execPath, "pets/server.js"],
  at: (address: string) => ({ args: ["--listen", address] }),
} as const;

/** The servers' names in the first lines of one client, all of which must be well-formed. */
async function serversSeenBy(
  client: string,
  workspace: Workspace,
  { env }: Greeters,
  args: readonly string[],
): Promise<readonly string[]> {
  const child = startProcess(process.execPath, ["pets/client.js", "--every", "10", ...args], {
    name: client,
    cwd: workspace.path(),
    env: { ...env, HOSTNAME: client },
  });
  try {
    await child.waitFor(new RegExp(`^(.*\\n){${LINES}}`));
  } finally {
    await child.stop();
  }
  return child.stdout
    .split("\n")
    .slice(0, LINES)
    .map((line) => {
      const [, host, second, name] = LINE.exec(line) ?? assert.fail(`${line}\n${child.stderr}`);
      assert.equal(host, client);
      assert.ok(Number(second) < 60);
      return name!;
    });
}

/** What a Service's virtual IP does: each connection goes to one pod. Returns its "ip:port". */
async function startClusterIp(t: TestContext, pods: readonly string[]): Promise<string> {
  const program = join(rootDir, "src/lab/programs/clusterip.ts");
  const child = fork(program, ["127.0.0.1", "0", pods.join(",")], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  t.after(() => child.kill());
  const [word] = await once(child, "message");
  return `127.0.0.1:${word.port}`;
}

test("pets: three clients of three servers, stock and with fairlead", async (t) => {
  const workspace = await openWorkspace(t, ["examples/pets"]);
  if (workspace === null) return;
  t.after(workspace.remove);
  const cluster = await startGreeters(workspace.path("pets", "kubernetes.yaml"), workspace.path());
  t.after(() => cluster.close());
  for (const _ of SERVERS) await cluster.add({ ...server, cwd: workspace.path() });

  await t.test("stock grpc-js to a ClusterIP: each client has one server", async (t) => {
    const service = await startClusterIp(t, cluster.addresses);
    const args = ["--stock", "--service", service];
    for (const client of CLIENTS) {
      const seen: ReadonlySet<string> = new Set(
        await serversSeenBy(client, workspace, cluster, args),
      );
      assert.equal(seen.size, 1, `${client} heard of ${[...seen]}`);
    }
  });

  await t.test("fairlead, kubernetes:///: each client has all servers", async () => {
    for (const client of CLIENTS) {
      const seen: ReadonlySet<string> = new Set(
        await serversSeenBy(client, workspace, cluster, []),
      );
      assert.deepEqual([...seen].sort(), SERVERS);
    }
  });
});
