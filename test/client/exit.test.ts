/**
 * Tests that a program which uses fairlead as a library ends by itself: an open watch, lookups that
 * go on, attempts that fail and channels that nobody closed are no reason to stay.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { realClock } from "../../src/base/index.ts";
import { StoreZone } from "../../src/lab/cluster/index.ts";
import { LabDns } from "../../src/lab/dns/index.ts";
import { type EchoCluster, startEchoCluster } from "../support/lab-cluster.ts";
import { type EchoServer, startServer } from "./stock.ts";

const ROOT = join(import.meta.dirname, "../..");

let lab: EchoCluster;
let dns: LabDns;
let dnsServer = "";
let server: EchoServer;
before(async () => {
  lab = await startEchoCluster();
  lab.addPod(1);
  dns = new LabDns({ clock: realClock(), zone: new StoreZone(lab.cluster.objects.store) });
  dnsServer = await dns.listen();
  server = await startServer("127.0.2.1:50051");
});
after(async () => {
  server.close();
  await dns.close();
  await lab.close();
});

/** Runs a program that calls a target once, and leaves everything open. */
async function run(target: string, kubeconfig: string): Promise<{ code: number; out: string }> {
  const register = JSON.stringify(join(ROOT, "src/client/grpc-js/register/index.ts"));
  const suite = JSON.stringify(join(ROOT, "test/client/stock.ts"));
  const program = `
    import { register } from ${register};
    import { call, newClient } from ${suite};
    register(${JSON.stringify({ kubernetes: { kubeconfig } })});
    const client = newClient(${JSON.stringify(target)}, "least_request");
    const peer = await call(client).catch((error) => error.message);
    console.log(peer);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (bytes) => {
    out += bytes;
  });
  const killer = realClock().setTimer(20_000, () => child.kill("SIGKILL"));
  const [code] = await once(child, "close");
  killer.cancel();
  return { code, out };
}

test("a program with an open watch of the API server ends", async () => {
  const { code, out } = await run("kubernetes:///echo.prod:grpc", lab.kubeconfig);
  assert.match(out, /^127\.0\.2\.1:50051$/m);
  assert.equal(code, 0, "null is one that had to be killed");
});

test("a program that waits for a kubeconfig ends", async () => {
  const { code, out } = await run("kubernetes:///echo.prod:grpc", join(lab.directory, "none"));
  assert.match(out, /UNAVAILABLE: .*kubeconfig/);
  assert.equal(code, 0);
});

test("a program whose API server is not there ends", async () => {
  const away = await startEchoCluster();
  await away.cluster.close();
  const { code, out } = await run("kubernetes:///echo.prod:grpc", away.kubeconfig);
  await away.close();
  assert.match(out, /UNAVAILABLE: .*127\.0\.0\.1/);
  assert.equal(code, 0);
});

test("a program that looks up a name again and again ends", async () => {
  const target = `dns://${dnsServer}/echo.prod.svc.cluster.local:50051`;
  lab.workload.addService("headless", {
    selector: { app: "echo" },
    clusterIP: "None",
    ports: [{ name: "grpc", port: 50_051, targetPort: "grpc" }],
  });
  const { code, out } = await run(target.replace("echo.", "headless."), lab.kubeconfig);
  assert.match(out, /^127\.0\.2\.1:50051$/m);
  assert.equal(code, 0);
});
