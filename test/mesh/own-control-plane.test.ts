/** Our channels and our mesh source against `fairlead control`: start, scale, outage, refusals. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createChannel } from "../../src/client/plain/public.ts";
import { ControlPlane } from "../control/control-plane.ts";
import { ObjectsDirectory } from "../control/objects-directory.ts";
import { eventually } from "../kubernetes/wait.ts";
import { freePort } from "../peers/processes.ts";
import { type Pod, SAY, startPod } from "./pods.ts";
import { WatchedMesh } from "./watched-mesh.ts";

const objects = new ObjectsDirectory();
const pods: Pod[] = [];
let port: number;
let control: ControlPlane;

before(async () => {
  port = await freePort();
  objects.service("echo");
  pods.push(await startPod("127.0.0.2", port), await startPod("127.0.0.3", port));
  objects.slice("echo", port, [{ ip: "127.0.0.2" }]);
  control = await ControlPlane.start(objects.path);
  process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify({
    xds_servers: [{ server_uri: control.address, channel_creds: [{ type: "insecure" }] }],
    node: { id: "test" },
  });
});

after(async () => {
  for (const pod of pods) pod.stop();
  await control.kill();
  objects.close();
});

test("a channel of a Service: start, scale, an outage of the control plane; no call fails", async () => {
  const channel = createChannel("xds:///echo.prod:50051");
  try {
    const say = () => channel.unary(SAY, "hello", { timeoutMs: 10_000, waitForReady: true });
    assert.equal(await say(), pods[0]!.address);
    objects.slice("echo", port, [{ ip: "127.0.0.2" }, { ip: "127.0.0.3" }]);
    await eventually("the new pod", async () => (await say()) === pods[1]!.address);
    await control.kill();
    for (let i = 0; i < 20; i += 1) await say();
    await control.start();
    objects.slice("echo", port, [{ ip: "127.0.0.3" }]);
    await eventually("only the new pod", async () => {
      const answers = [await say(), await say(), await say(), await say()];
      return answers.every((each) => each === pods[1]!.address);
    });
  } finally {
    channel.close();
  }
});

test("by difference, as a sidecar: listeners by original destination, nothing is refused", async () => {
  // Neither has words in xDS.
  const own = {
    loadBalancingConfig: [{ peak_ewma: {} }],
    fairlead: { activeHealthCheck: { interval: "1s" } },
  };
  objects.service("other", { clusterIP: "127.9.9.9", port: 50_052, config: own });
  objects.slice("other", port, [{ ip: "127.0.0.3" }]);
  const mesh = await WatchedMesh.open({
    ...{ server: control.address, protocol: "delta", target: null },
    metadata: { "fairlead.kind": "sidecar" },
  });
  try {
    const config = await mesh.until("a listener of the ClusterIP", ({ listeners }) =>
      listeners.some(({ address }) => address?.host === "127.9.9.9" && address.port === 50_052),
    );
    await sleep(100);
    assert.deepEqual(mesh.errors, []);
    const names = [...config.clusters.keys()].sort();
    assert.ok(names.includes("prod/other:50052"), names.join());
    const found = mesh.endpointsOf("prod/other:50052");
    await eventually("its endpoint", async () => found.now[0]?.address === `127.0.0.3:${port}`);
    assert.deepEqual(found.serviceConfig, { json: own });
  } finally {
    mesh.close();
  }
});
